import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Signer } from '@aitbc/receipts';
import type { StoreConfig } from '../store/options.ts';
import { requirePrivate } from '../store/private-files.ts';
import type { ReceiptConfig } from './options.ts';

export const signingKeyPath = ({
  signingKey,
  data,
}: Pick<ReceiptConfig, 'signingKey'> & Pick<StoreConfig, 'data'>) =>
  signingKey ?? join(data, 'signing-key.pem');

/**
 * Loads the coordinator's Ed25519 key from a PKCS #8 PEM file, which is created with mode 0600 if it does not exist.
 * Throws if other users can read the file. Signing takes 23 to 40 µs and happens in the calling thread: handing it to the
 * thread pool would cost more.
 */
export function loadSigner(path: string): Signer {
  try {
    if (!existsSync(path)) createKeyFile(path);
  } catch (error) {
    throw new Error(`it does not exist and cannot be created: ${(error as Error).message}`);
  }
  const key = readKey(path);
  if (key?.asymmetricKeyType !== 'ed25519') throw new Error(`${path} holds no Ed25519 key`);
  requirePrivate(path);
  return { keyId: keyIdOf(key), sign: bytes => sign(null, bytes, key) };
}

function readKey(path: string): KeyObject | undefined {
  const pem = readFileSync(path);
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

function createKeyFile(path: string) {
  const { privateKey } = generateKeyPairSync('ed25519');
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Written to another file and then linked: if two coordinators start at once, one creates the key and both read it.
  const draft = `${path}.${randomUUID()}`;
  try {
    writeFileSync(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flush: true });
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function keyIdOf(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  if (!x) throw new Error('An Ed25519 public key has an x coordinate');
  return x;
}
