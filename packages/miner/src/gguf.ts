import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/* Reads what identifies a model from its GGUF file: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */

export interface GgufFacts {
  /** The name of `general.file_type`. Undefined for types that are not known here. */
  quantization: string | undefined;
  /** `sha256:…` of the metadata entries whose keys begin with `tokenizer.ggml.`, as the file has them, in its order. */
  tokenizer: string | undefined;
  /** The Jinja template. */
  chatTemplate: string | undefined;
}

/** The names of llama.cpp's `llama_ftype`. */
const FILE_TYPES: Readonly<Record<number, string>> = {
  ...{ 0: 'F32', 1: 'F16', 2: 'Q4_0', 3: 'Q4_1', 7: 'Q8_0', 8: 'Q5_0', 9: 'Q5_1', 10: 'Q2_K' },
  ...{ 11: 'Q3_K_S', 12: 'Q3_K_M', 13: 'Q3_K_L', 14: 'Q4_K_S', 15: 'Q4_K_M', 16: 'Q5_K_S', 17: 'Q5_K_M' },
  ...{ 18: 'Q6_K', 19: 'IQ2_XXS', 20: 'IQ2_XS', 21: 'Q2_K_S', 22: 'IQ3_XS', 23: 'IQ3_XXS', 24: 'IQ1_S' },
  ...{ 25: 'IQ4_NL', 26: 'IQ3_S', 27: 'IQ3_M', 28: 'IQ2_S', 29: 'IQ2_M', 30: 'IQ4_XS', 31: 'IQ1_M' },
  ...{ 32: 'BF16', 36: 'TQ1_0', 37: 'TQ2_0', 38: 'MXFP4' },
};

/** Bytes of the value types 0 to 12: integers, floats and booleans. Texts (8) and arrays (9) have their own lengths. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const TEXT = 8;
const ARRAY = 9;

/** Vocabularies of 262,000 tokens take some 10 MB. */
const MOST_METADATA = 256 * 1024 * 1024;
const FIRST_READ = 1024 * 1024;

/** Thrown where the part of the file that was read ends within the metadata. */
class Incomplete extends Error {}

/**
 * @throws an error for a file that is no GGUF file of version 2 or 3
 */
export async function readGguf(path: string): Promise<GgufFacts> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for (let length = FIRST_READ; ; length *= 8) {
      const most = Math.min(length, size, MOST_METADATA);
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(most), position: 0 });
      try {
        return factsIn(buffer.subarray(0, bytesRead));
      } catch (error) {
        if (!(error instanceof Incomplete) || most < length) throw error;
      }
    }
  } finally {
    await file.close();
  }
}

function factsIn(bytes: Buffer): GgufFacts {
  let at = 0;
  const take = (length: number): number => {
    const start = at;
    if (length > bytes.length - at) throw new Incomplete('The metadata of the GGUF file is cut off');
    at += length;
    return start;
  };
  const long = () => Number(bytes.readBigUInt64LE(take(8)));
  const text = () => {
    const length = long();
    const start = take(length);
    return bytes.toString('utf8', start, start + length);
  };
  const skip = (type: number): void => {
    if (type === TEXT) return void take(long());
    if (type === ARRAY) {
      const inner = bytes.readUInt32LE(take(4));
      const count = long();
      if (inner !== TEXT && inner !== ARRAY) return void take(count * sizeOf(inner));
      for (let index = 0; index < count; index++) skip(inner);
      return;
    }
    take(sizeOf(type));
  };
  if (bytes.toString('latin1', take(4), 4) !== 'GGUF') throw new Error('It is no GGUF file');
  const version = bytes.readUInt32LE(take(4));
  if (version !== 2 && version !== 3) throw new Error(`GGUF version ${version} is not known`);
  take(8);
  const entries = long();
  const tokenizer = createHash('sha256');
  let hasTokenizer = false;
  let fileType: number | undefined;
  let chatTemplate: string | undefined;
  for (let index = 0; index < entries; index++) {
    const start = at;
    const key = text();
    const type = bytes.readUInt32LE(take(4));
    if (key === 'tokenizer.chat_template' && type === TEXT) chatTemplate = text();
    else if (key === 'general.file_type' && type === 4) fileType = bytes.readUInt32LE(take(4));
    else skip(type);
    if (!key.startsWith('tokenizer.ggml.')) continue;
    hasTokenizer = true;
    tokenizer.update(bytes.subarray(start, at));
  }
  return {
    quantization: fileType === undefined ? undefined : FILE_TYPES[fileType],
    tokenizer: hasTokenizer ? `sha256:${tokenizer.digest('hex')}` : undefined,
    chatTemplate,
  };
}

function sizeOf(type: number): number {
  const size = SIZES[type];
  if (!size) throw new Error(`The GGUF file has a value of the unknown type ${type}`);
  return size;
}

/** The files of a model: one, or `NAME-00001-of-00003.gguf` and those that follow it. */
export function partsOf(path: string): string[] {
  const [, before, , count] = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i.exec(path) ?? [];
  if (before === undefined || count === undefined) return [path];
  return Array.from(
    { length: Number(count) },
    (_, index) => `${before}-${String(index + 1).padStart(5, '0')}-of-${count}.gguf`,
  );
}

const HASHES_FILE = 'model-hashes.json';
/** More models than a machine has. */
const MOST_HASHES = 1_000;

/** The hashes of this process, by path. */
const hashes = new Map<string, KnownHash>();

interface KnownHash {
  size: number;
  mtimeMs: number;
  sha256: string;
}

/**
 * Returns the hex SHA-256 of a model's files, one after the other. The hash is kept in the folder `state`, by path, size
 * and time of the last change, because reading a large file takes minutes.
 */
export async function hashModel(path: string, state?: string): Promise<string> {
  const parts = partsOf(resolve(path));
  const stats = await Promise.all(parts.map(part => stat(part)));
  const size = stats.reduce((sum, each) => sum + each.size, 0);
  const mtimeMs = Math.max(...stats.map(each => each.mtimeMs));
  const key = parts[0] ?? path;
  const before =
    hashes.get(key) ?? (state === undefined ? {} : await readHashes(join(state, HASHES_FILE)))[key];
  if (before?.size === size && before.mtimeMs === mtimeMs) return before.sha256;
  const hash = createHash('sha256');
  for (const part of parts)
    for await (const bytes of createReadStream(part, { highWaterMark: 1024 * 1024 }))
      hash.update(bytes as Buffer);
  const sha256 = hash.digest('hex');
  hashes.set(key, { size, mtimeMs, sha256 });
  if (state !== undefined) await keepHash(join(state, HASHES_FILE), key, { size, mtimeMs, sha256 });
  return sha256;
}

async function readHashes(path: string): Promise<Record<string, KnownHash>> {
  try {
    const known: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Object(known) as Record<string, KnownHash>;
  } catch {
    return {};
  }
}

/** A hash that can't be kept is computed again at the next start. */
async function keepHash(path: string, key: string, hash: KnownHash): Promise<void> {
  const { [key]: _, ...others } = await readHashes(path);
  const entries = [...Object.entries(others), [key, hash] as const].slice(-MOST_HASHES);
  const draft = `${path}.${process.pid}`;
  try {
    await writeFile(draft, JSON.stringify(Object.fromEntries(entries)), { mode: 0o600 });
    await rename(draft, path);
  } catch {}
}
