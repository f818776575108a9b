import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { formatVkey, parseVkey, type Signer, TlogError, verifierKey } from '@aitbc/tlog';
import { WitnessError } from './errors.ts';
import type { State } from './state.ts';

/** A witness's name and key, which never change. */
export interface WitnessIdentity {
  readonly name: string;
  /** A verifier key of type cosignature/v1. */
  readonly vkey: string;
  readonly signer: Signer;
}

/**
 * Loads the name and the Ed25519 key of the witness whose state is in a folder. The key is a PKCS #8 PEM
 * file, created with mode 0600 at the first start.
 *
 * @param name required at the first start; later it must be the same when given
 * @throws WitnessError when key, name and state do not belong together
 */
export function loadWitnessIdentity(folder: string, state: State, name?: string): WitnessIdentity {
  const path = join(folder, 'witness-key.pem');
  const isThere = existsSync(path);
  const known = state.vkey();
  if (isThere && !state.isOld) throw lost(`${path} is a witness's key, and what it has signed is not known`);
  if (!isThere && known !== undefined) throw lost(`${path} is missing, the key of ${nameOf(known)}`);
  const called = name ?? (known && nameOf(known));
  if (called === undefined)
    throw new WitnessError('A new witness needs a name, such as --name witness.example/alice');
  if (!isThere) createKey(folder, path);
  const signer = readSigner(path);
  const vkey = vkeyOf(called, signer);
  if (known === undefined) state.setVkey(vkey);
  else if (known !== vkey) throw another(path, known, called);
  return { name: called, vkey, signer };
}

function readSigner(path: string): Signer {
  const key = parseKey(readFileSync(path, 'utf8'));
  const x = key && createPublicKey(key).export({ format: 'jwk' }).x;
  if (!x) throw new WitnessError(`${path} holds no Ed25519 key`);
  requirePrivate(path);
  return { keyId: x, sign: bytes => sign(null, bytes, key) };
}

/** Throws when other users can read the key, as they may have copied it. Windows has no such modes. */
function requirePrivate(path: string): void {
  const { mode } = statSync(path);
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  throw new WitnessError(`${path} holds a secret that other users can read: run \`chmod 600 ${path}\``);
}

function parseKey(pem: string) {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}

function vkeyOf(name: string, { keyId }: Signer): string {
  try {
    return formatVkey(verifierKey(name, 'cosignature/v1', keyId));
  } catch (error) {
    throw error instanceof TlogError ? new WitnessError(error.message) : error;
  }
}

/** Writes a draft and links it, so that the key file is never incomplete. */
function createKey(folder: string, path: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flush: true });
  linkSync(draft, path);
  rmSync(draft);
  syncFolder(folder);
}

/**
 * Flushes the folder, without which a new file's name may be lost in a crash. Windows neither needs nor
 * supports this.
 */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

const nameOf = (vkey: string) => parseVkey(vkey).name;

function lost(what: string): WitnessError {
  return new WitnessError(
    `${what}. A witness that forgets what it has signed can't be believed: bring back the newest state, or start a new ` +
      'witness, with a name and a folder of its own',
  );
}

function another(path: string, known: string, name: string): WitnessError {
  const before = nameOf(known);
  if (before === name) return lost(`${path} is not the key of ${name}`);
  return new WitnessError(
    `The witness in this folder is called ${before}, not ${name}: a key has one name. Give another witness a folder of ` +
      'its own',
  );
}
