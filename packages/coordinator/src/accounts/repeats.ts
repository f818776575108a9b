import { createHmac, createPrivateKey, hash, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { canonicalJson } from '@aitbc/receipts';
import { fail } from '../errors.ts';
import type { Repeatable } from './idempotency.ts';

const SECRET_BYTES = 32;

/** A request that may come again with the same idempotency key. */
export interface Repeat {
  /** What the store recognizes a repetition by. Undefined for requests without an idempotency key. */
  repeatable: Repeatable | undefined;
  /**
   * Returns 32 bytes in base64url for what the request creates. They are random for a request without an idempotency key;
   * for others they are the same for the same request and id, and no one can tell them without the idempotency key.
   */
  secretOf(id: string): string;
}

/** An answer, and whether an earlier request had it. */
export interface Replayable<Answer> {
  answer: Answer;
  replayed: boolean;
}

/** Takes the route's operation id with the request, since another route may accept the same body. */
export type Repeats = (accountId: number, request: readonly unknown[], key: string | undefined) => Repeat;

/**
 * Requests whose answers have secrets. A repetition gets the secret of the first answer though only its hash is stored: it
 * follows by HMAC-SHA256 from a key that is derived by HKDF (RFC 5869) from the coordinator's signing key, and from the
 * idempotency key, of which only a hash is stored as well.
 *
 * @param signingKeyFile an Ed25519 key as PKCS #8 PEM, the same on all replicas
 */
export function createRepeats(signingKeyFile: string, idempotencySeconds: number): Repeats {
  const { d = '' } = createPrivateKey(readFileSync(signingKeyFile)).export({ format: 'jwk' });
  const hmacKey = Buffer.from(
    hkdfSync('sha256', Buffer.from(d, 'base64url'), '', 'aitbc/repeated-secrets', SECRET_BYTES),
  );
  return (accountId, request, key) => {
    if (key === undefined) return unrepeatable();
    const requestHash = hash('sha256', canonicalJson(request));
    const keyHash = `sha256:${hash('sha256', key)}`;
    return {
      repeatable: {
        accountId,
        idempotency: { key: keyHash, requestHash, lastsMs: idempotencySeconds * 1000 },
      },
      secretOf: id =>
        createHmac('sha256', hmacKey)
          .update(canonicalJson([accountId, key, requestHash, id]))
          .digest('base64url'),
    };
  };
}

/** For callers that have no idempotency keys. */
export const neverRepeated: Repeats = unrepeatable;

function unrepeatable(): Repeat {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { repeatable: undefined, secretOf: () => secret };
}

/** Throws where the secret that a repeated request would be answered with is no longer that of the object. */
export function requireCurrentSecret(isCurrent: boolean): void {
  if (isCurrent) return;
  fail(
    'IDEMPOTENCY_KEY_REUSED',
    'What the first request with this idempotency key created has another secret since',
  );
}
