import { isPublicKey, type TrustedKey } from '@aitbc/receipts';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandFailure } from './failure.ts';
import { parseReceiptJson, readTextFile } from './files.ts';

/** The keys that may sign statements. */
export interface KeyFlags {
  key?: string[];
  keys?: string;
}

export function keyOptions(command: Command): Command {
  return command
    .option('--key <key>', 'a key of the coordinator that you trust; can be repeated', addKey)
    .option('--keys <file>', 'a saved answer of GET /v1/keys, whose keys you trust');
}

/** Returns the keys in the flags; null when they have none. */
export async function readKeys({ key, keys }: KeyFlags): Promise<TrustedKey[] | null> {
  if (!key && keys === undefined) return null;
  return [...(key ?? []), ...(keys === undefined ? [] : await readKeyFile(keys))];
}

async function readKeyFile(path: string): Promise<TrustedKey[]> {
  const content = parseReceiptJson(await readTextFile(path), path);
  const keys: unknown = Array.isArray(content) ? content : Object(content).keys;
  if (!Array.isArray(keys) || !keys.every(isKeyEntry)) {
    throw new CommandFailure(`${path} is not an answer of GET /v1/keys.`);
  }
  return keys;
}

function isKeyEntry(entry: unknown): entry is Exclude<TrustedKey, string> {
  return isPublicKey(Object(entry).key_id);
}

function addKey(key: string, before: readonly string[] = []): string[] {
  if (isPublicKey(key)) return [...before, key];
  throw new InvalidArgumentError(
    'It must be an Ed25519 public key: 43 characters, base64url without padding.',
  );
}
