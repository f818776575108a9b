import { createPublicKey, verify } from 'node:crypto';
import { Webhook as Verifier } from 'standardwebhooks';
import type { Received } from './receiver.ts';

/** Whether the verifier of Standard Webhooks accepts it, whose clock is the coordinator's. */
export function isVerified(secret: string, text: string, headers: object, now: number): boolean {
  const { now: real } = Date;
  Date.now = () => now;
  try {
    return new Verifier(secret).verify(text, headers as Record<string, string>) !== undefined;
  } catch {
    return false;
  } finally {
    Date.now = real;
  }
}

export function isSignedBy(key: string, text: string, headers: Received['headers']): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures } = headers;
  const [, signature = ''] = /(?:^| )v1a,(\S+)/.exec(signatures) ?? [];
  const x = Buffer.from(key.replace('whpk_', ''), 'base64').toString('base64url');
  const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
  return verify(null, Buffer.from(`${id}.${time}.${text}`), publicKey, Buffer.from(signature, 'base64'));
}
