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

/** Who a miner is, from one start to the next. */
export interface Identity {
  minerId: string;
  /** Signs its results. */
  signer: Signer;
}

export interface IdentityOptions {
  /** Folder of the key; made when missing. */
  state: string;
  /** Made of the host's name and the key unless given. */
  minerId?: string | undefined;
}

const KEY_FILE = 'miner-key.pem';

/**
 * Reads the Ed25519 key from a PKCS #8 PEM file, made with mode 0600 when missing.
 *
 * @throws with the path of the file, when it holds something else, or others can read it
 */
export async function loadIdentity({ state, minerId }: IdentityOptions): Promise<Identity> {
  const path = join(state, KEY_FILE);
  const pem = (await readIfThere(path)) ?? (await createKey(state, path));
  const key = parseKey(pem);
  const x = key && createPublicKey(key).export({ format: 'jwk' }).x;
  if (!x) throw new Error(`${path} holds no Ed25519 key`);
  await requirePrivate(path);
  const signer: Signer = { keyId: x, sign: bytes => sign(null, bytes, key) };
  return { minerId: minerId ?? defaultMinerId(x), signer };
}

/** The public key that a miner on this machine signs with; null where none has run here. Makes nothing. */
export async function findPublicKey(state: string): Promise<string | null> {
  const pem = await readIfThere(join(state, KEY_FILE)).catch(() => null);
  const key = pem ? parseKey(pem) : null;
  return (key && createPublicKey(key).export({ format: 'jwk' }).x) ?? null;
}

/** A key that others can read may be in their hands already. Windows has no such modes. */
async function requirePrivate(path: string): Promise<void> {
  const { mode } = await stat(path);
  if (platform() === 'win32' || (mode & 0o077) === 0) return;
  throw new Error(`${path} can be read by others, and holds a secret: \`chmod 600 ${path}\` keeps them out`);
}

function parseKey(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}

/** Where a program keeps what it must find again, by the custom of the platform. */
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

/** Written aside and linked: whoever reads the file finds it whole, and of two that make one, both use the same. */
async function createKey(state: string, path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(state, { recursive: true, mode: 0o700 });
  // Not named after the process: in containers that share the folder each may be process 1.
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

/** `gaming-pc-1a2b3c4d`: told apart by people by its first half, unique by its second. */
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
