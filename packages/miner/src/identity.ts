import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, hostname, platform } from 'node:os';
import { join } from 'node:path';
import { LIMITS } from '@aitbc/protocol';
import type { Signer } from '@aitbc/receipts';

/** A miner's id and key, which stay the same after a restart. */
export interface Identity {
  minerId: string;
  /** Signs the results. */
  signer: Signer;
}

export interface IdentityOptions {
  /** The folder of the key, created when missing. */
  state: string;
  /** Made from the host's name and the key by default. */
  minerId?: string | undefined;
}

const KEY_FILE = 'miner-key.pem';

/**
 * Reads the Ed25519 key from a PKCS #8 PEM file, created with mode 0600 when missing.
 *
 * @throws an error with the file's path when it holds something else, or other users can read it
 */
export async function loadIdentity({ state, minerId }: IdentityOptions): Promise<Identity> {
  const path = join(state, KEY_FILE);
  const pem = (await readIfThere(path)) ?? (await createKey(state, path));
  const key = parseKey(pem);
  const signer = key && signerOf(key);
  if (!signer) throw new Error(`${path} holds no Ed25519 key`);
  await requirePrivate(path);
  return { minerId: minerId ?? defaultMinerId(signer.keyId), signer };
}

/** Returns the signer of the miner on this machine; null when none has run here. Creates nothing. */
export async function findSigner(state: string): Promise<Signer | null> {
  const pem = await readIfThere(join(state, KEY_FILE)).catch(() => null);
  const key = pem ? parseKey(pem) : null;
  return key && signerOf(key);
}

function signerOf(key: KeyObject): Signer | null {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return x === undefined ? null : { keyId: x, sign: bytes => sign(null, bytes, key) };
}

/** Throws when other users can read the key, as they may have copied it. Windows has no such modes. */
async function requirePrivate(path: string): Promise<void> {
  const { mode } = await stat(path);
  if (platform() === 'win32' || (mode & 0o077) === 0) return;
  throw new Error(`${path} holds a secret that other users can read: run \`chmod 600 ${path}\``);
}

function parseKey(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}

/** Returns the platform's usual folder for a program's state. */
export function defaultStateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const home = env.HOME || homedir();
  if (platform() === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'aitbc');
  if (platform() === 'darwin') return join(home, 'Library', 'Application Support', 'aitbc');
  return join(env.XDG_STATE_HOME || join(home, '.local', 'state'), 'aitbc');
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (Object(error).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Writes a draft and links it. Readers never see an incomplete file, and two processes that create a key use
 * the same one.
 */
async function createKey(state: string, path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(state, { recursive: true, mode: 0o700 });
  // The draft is not named after the process id, as containers that share the folder may have the same one.
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flush: true });
  try {
    await link(draft, path);
  } catch (error) {
    if (Object(error).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
  return await readFile(path, 'utf8');
}

/**
 * Returns an id such as `gaming-pc-1a2b3c4d`: the host's name for people, and a suffix that makes it unique.
 */
function defaultMinerId(keyId: string): string {
  const suffix = createHash('sha256').update(keyId).digest('hex').slice(0, 8);
  const host = hostname()
    .toLowerCase()
    .replace(/\..*$/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, LIMITS.minerIdLength - suffix.length - 1);
  return `${host || 'miner'}-${suffix}`;
}
