import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Time } from '../store/tables/define-table.ts';

/*
 * Signatures as in Standard Webhooks (https://www.standardwebhooks.com): over `ID.SECONDS.BODY`, `v1` by HMAC-SHA256 with
 * the webhook's secret, and `v1a` by Ed25519 with the coordinator's webhook key, so that a delivery is evidence.
 */

const SECRET_PREFIX = 'whsec_';
const PUBLIC_KEY_PREFIX = 'whpk_';
const SECRET_BYTES = 32;
const SEED_BYTES = 32;

/** How long deliveries are signed with the secret before as well, after a rotation. */
export const BOTH_SECRETS_MS = 24 * 3600 * 1000;

export const newWebhookSecret = () => `${SECRET_PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;

/** A secret and the one before it. */
export interface SecretPair {
  secret: string;
  previous_secret: string | null;
  previous_until: Time | null;
}

/** The secrets that deliveries are signed with now. */
export const secretsAt = ({ secret, previous_secret, previous_until }: SecretPair, now: number): string[] =>
  previous_secret !== null && (previous_until ?? 0) > now ? [secret, previous_secret] : [secret];

export const rotated = ({ secret }: Pick<SecretPair, 'secret'>, next: string, now: number): SecretPair => ({
  secret: next,
  previous_secret: secret,
  previous_until: now + BOTH_SECRETS_MS,
});

/** The Ed25519 key of all deliveries. */
export interface WebhookSigner {
  /** The public key as `whpk_…`. */
  readonly publicKey: string;
  /** Returns the headers of a delivery. */
  headersFor(id: string, body: string, secrets: readonly string[], now: number): Record<string, string>;
}

/** DER of an Ed25519 private key before its seed (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Derives the key by HKDF (RFC 5869) from the coordinator's signing key, so that all replicas have the same. */
export function loadWebhookSigner(signingKeyFile: string): WebhookSigner {
  const { d = '' } = createPrivateKey(readFileSync(signingKeyFile)).export({ format: 'jwk' });
  const seed = hkdfSync('sha256', Buffer.from(d, 'base64url'), '', 'aitbc/webhooks', SEED_BYTES);
  const der = Buffer.concat([PKCS8_PREFIX, Buffer.from(seed)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return {
    publicKey: PUBLIC_KEY_PREFIX + rawPublicKey(key).toString('base64'),
    headersFor(id, body, secrets, now) {
      const seconds = Math.floor(now / 1000);
      const signed = `${id}.${seconds}.${body}`;
      const signatures = [
        ...secrets.map(secret => `v1,${hmac(secret, signed)}`),
        `v1a,${sign(null, Buffer.from(signed), key).toString('base64')}`,
      ];
      return {
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': signatures.join(' '),
      };
    },
  };
}

const hmac = (secret: string, text: string) =>
  createHmac('sha256', Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64'))
    .update(text)
    .digest('base64');

const rawPublicKey = (key: KeyObject) =>
  Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url');
