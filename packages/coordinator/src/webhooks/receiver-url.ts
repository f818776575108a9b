import { fail } from '../errors.ts';
import { type NameResolver, ReceiverRefused } from './name-resolver.ts';

/**
 * Checks the form of a receiver's URL.
 *
 * @param field names the field in errors
 * @throws {RequestError} VALIDATION_INVALID_FORMAT
 */
export function parseReceiver(text: string, field: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    return fail('VALIDATION_INVALID_FORMAT', `${field} must be a URL that begins with https://`, { field });
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    fail('VALIDATION_INVALID_FORMAT', `${field} must have no user, password or fragment`, { field });
  return url;
}

/**
 * Checks that deliveries may be sent to a receiver as its name resolves now. The address is checked again when a
 * delivery connects to it.
 *
 * @throws {RequestError} WEBHOOK_ADDRESS_REFUSED
 */
export async function requireReceiver(url: URL, field: string, names: NameResolver): Promise<void> {
  try {
    await names.resolve(url.hostname, url.protocol as 'https:');
  } catch (error) {
    const { message } = error as Error;
    const hint = error instanceof ReceiverRefused ? '. The operator may allow it by --webhook-allow' : '';
    fail('WEBHOOK_ADDRESS_REFUSED', `${field} can not be used: ${message}${hint}`, { field });
  }
}
