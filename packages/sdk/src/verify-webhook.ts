import type { WebhookMessage } from '@aitbc/protocol';
import { AitbcError } from './errors.ts';

/** A delivery that the coordinator did not send, or not now. */
export class WebhookVerificationError extends AitbcError {
  override name = 'WebhookVerificationError';
}

export interface VerifyWebhookOptions {
  /** How far the time of the delivery may be from now. Default: 300. */
  toleranceSeconds?: number;
  /** Returns ms since the epoch. Default: Date.now */
  now?: () => number;
}

/** Headers as servers have them: those of `fetch`, or an object with names in any case. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

const TOLERANCE_SECONDS = 300;
const SECRET_PREFIX = 'whsec_';
const KEY_PREFIX = 'whpk_';

/**
 * Checks a delivery as Standard Webhooks says, and returns its message. It works in Node, browsers and workers.
 *
 * @param body the request's body exactly as it came: parsing and writing JSON again changes it
 * @param secrets the webhook's secret (`whsec_…`), or the coordinator's webhook key (`whpk_…`); of several, one must fit
 * @throws {WebhookVerificationError} when no signature fits, or the delivery is older than the tolerance
 * @throws {TypeError} when a secret is neither
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
  { toleranceSeconds = TOLERANCE_SECONDS, now = Date.now }: VerifyWebhookOptions = {},
): Promise<WebhookMessage> {
  const id = headerOf(headers, 'webhook-id');
  const timestamp = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature').split(' ');
  requireRecent(timestamp, toleranceSeconds, now());
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const signed = concat(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
  const keys = typeof secrets === 'string' ? [secrets] : secrets;
  for (const secret of keys) {
    const key = await importKey(secret);
    for (const signature of signatures)
      if (await key.fits(signature, signed)) return JSON.parse(new TextDecoder().decode(bytes));
  }
  throw new WebhookVerificationError('No signature of the delivery fits');
}

function headerOf(headers: WebhookHeaders, name: string): string {
  const value =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookVerificationError(`The delivery has no header ${name}`);
}

function requireRecent(timestamp: string, toleranceSeconds: number, now: number): void {
  const seconds = /^\d{1,15}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  if (!(Math.abs(now / 1000 - seconds) <= toleranceSeconds))
    throw new WebhookVerificationError(`The delivery is not of the last ${toleranceSeconds} s`);
}

interface VerifyingKey {
  /** Compares in constant time. */
  fits(signature: string, signed: Uint8Array<ArrayBuffer>): Promise<boolean>;
}

async function importKey(secret: string): Promise<VerifyingKey> {
  const { subtle } = crypto;
  if (secret.startsWith(SECRET_PREFIX)) {
    const bytes = decode(secret.slice(SECRET_PREFIX.length));
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    const key = await subtle.importKey('raw', bytes, algorithm, false, ['verify']);
    return checking('v1,', (signature, signed) => subtle.verify('HMAC', key, signature, signed));
  }
  if (secret.startsWith(KEY_PREFIX)) {
    const bytes = decode(secret.slice(KEY_PREFIX.length));
    const key = await subtle.importKey('raw', bytes, 'Ed25519', false, ['verify']);
    return checking('v1a,', (signature, signed) => subtle.verify('Ed25519', key, signature, signed));
  }
  throw new TypeError('A webhook is verified with a secret (whsec_…) or a public key (whpk_…)');
}

const checking = (
  version: string,
  verify: (signature: Uint8Array<ArrayBuffer>, signed: Uint8Array<ArrayBuffer>) => Promise<boolean>,
): VerifyingKey => ({
  async fits(signature, signed) {
    if (!signature.startsWith(version)) return false;
    try {
      return await verify(decode(signature.slice(version.length)), signed);
    } catch {
      return false;
    }
  },
});

/** @throws {TypeError} when the text is not base64 */
function decode(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), character => character.charCodeAt(0));
  } catch {
    throw new TypeError('It is not base64');
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
