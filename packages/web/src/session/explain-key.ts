import { isCoordinatorError } from '@aitbc/sdk';

/** Says what is wrong with a key, and what to do. Returns undefined when the fault is not the key's. */
export function explainKey(error: unknown): string | undefined {
  if (isCoordinatorError(error, 'AUTH_EXPIRED_KEY'))
    return 'This key has expired. Ask whoever gave it to you for a new one, or create one with another key of your account.';
  if (isCoordinatorError(error, 'AUTH_INVALID_KEY'))
    return 'The coordinator does not know this key. Check that it was copied whole. If it was, it is revoked or was replaced by a new secret: ask whoever gave it to you for another.';
  return undefined;
}
