import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  appendLeafHashes,
  cosignCheckpoint,
  encodeEntryBundle,
  encodeTile,
  formatCheckpoint,
  formatNote,
  formatVkey,
  leafHash,
  type NodeId,
  type NodeReader,
  parseTilePath,
  rootAt,
  type SeedSigner,
  signerFromSeed,
  signNote,
  TILE_WIDTH,
  TlogError,
  tileNodes,
  tileWidth,
  type VerifierKey,
  verifierKey,
} from '@aitbc/tlog';
import { onTestFinished } from 'vitest';

export const ORIGIN = 'log.example/ledger';
export const TIME = 1764000000;

export interface Party {
  signer: SeedSigner;
  key: VerifierKey;
  vkey: string;
}

export function party(name: string, type: VerifierKey['type'], seed: number): Party {
  const signer = signerFromSeed(new Uint8Array(32).fill(seed));
  const key = verifierKey(name, type, signer.keyId);
  return { signer, key, vkey: formatVkey(key) };
}

/** The keys are fixed, so that a failing test shows the same bytes each time. */
export const LOG = party(ORIGIN, 'Ed25519', 1);
export const LOG_COSIGNER = party(ORIGIN, 'cosignature/v1', 2);
export const WITNESS = party('witness.example', 'cosignature/v1', 3);
export const STRANGER = party(ORIGIN, 'Ed25519', 9);

const utf8 = new TextEncoder();

/** Returns distinct entries that are not statements. */
export const someEntries = (count: number, what = 'entry') =>
  Array.from({ length: count }, (_, index) => utf8.encode(`${what} ${index}`));

/** A log in memory. */
export interface Log {
  readonly size: number;
  readonly entries: readonly Uint8Array[];
  append(entries: readonly Uint8Array[]): void;
  /** Returns a signed checkpoint of the first entries, or of a false root. */
  checkpoint(options?: CheckpointOptions): Promise<string>;
  /** Returns the content of a tile or a bundle of the whole tree. */
  content(path: string): Uint8Array | undefined;
  readonly read: NodeReader;
}

export interface CheckpointOptions {
  /** Default: all entries. */
  size?: number;
  root?: Uint8Array;
  origin?: string;
  /** Default: the log and its cosigner. */
  by?: readonly Party[];
  /** The time of cosignatures, in Unix seconds. */
  time?: number;
}

export function createLog(entries: readonly Uint8Array[] = []): Log {
  const all: Uint8Array[] = [];
  const nodes = new Map<string, Uint8Array>();
  let { range } = appendLeafHashes({ size: 0, hashes: [] }, []);
  const find = ({ level, index }: NodeId) => nodes.get(`${level}/${index}`);
  const read: NodeReader = ids => ids.map(find);
  const log: Log = {
    get size() {
      return all.length;
    },
    entries: all,
    read,
    append(entries) {
      const appended = appendLeafHashes(range, entries.map(leafHash));
      range = appended.range;
      for (const { level, index, hash } of appended.nodes) nodes.set(`${level}/${index}`, hash);
      for (const entry of entries) all.push(entry);
    },
    async checkpoint({
      size = all.length,
      root,
      origin = ORIGIN,
      by = [LOG, LOG_COSIGNER],
      time = TIME,
    } = {}) {
      const text = formatCheckpoint({ origin, size, root: root ?? (await rootAt(size, read)) });
      const signatures = by.map(({ key, signer }) =>
        key.type === 'Ed25519'
          ? signNote(text, key.name, signer)
          : cosignCheckpoint(text, key.name, signer, time),
      );
      return formatNote({ text, signatures: await Promise.all(signatures) });
    },
    content(path) {
      const tile = readPath(path);
      if (!tile || tile.width > tileWidth(tile, all.length)) return undefined;
      const first = tile.index * TILE_WIDTH;
      if (tile.level === 'entries') return encodeEntryBundle(all.slice(first, first + tile.width));
      return encodeTile(tileNodes(tile).map(id => find(id) ?? new Uint8Array()));
    },
  };
  log.append(entries);
  return log;
}

function readPath(path: string) {
  try {
    return parseTilePath(path);
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}

/** A false answer. */
export type Lie = Uint8Array | string | ((response: ServerResponse) => void);

/**
 * Serves a log over HTTP below `/ledger`. It can lie about any resource, records its requests, and its log
 * can be replaced.
 */
export async function serveLog(log: Log) {
  const lies = new Map<string, Lie>();
  const asked: string[] = [];
  const served = { log };
  const server = createServer(async ({ url = '' }, response) => {
    const path = url.replace(/^\/(ledger\/)?/, '');
    asked.push(path);
    const content = lies.get(path) ?? (await truth(served.log, path));
    if (typeof content === 'function') return content(response);
    if (content === undefined) response.writeHead(404).end('not found');
    else response.end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, ledgerUrl: `${url}/ledger`, lies, asked, served };
}

export type LogServer = Awaited<ReturnType<typeof serveLog>>;

async function truth(log: Log, path: string): Promise<string | Uint8Array | undefined> {
  if (path === 'checkpoint') return await log.checkpoint();
  if (path === 'vkey') return `${LOG.vkey}\n`;
  return log.content(path);
}

/** Returns a copy with another last byte. */
export function forged(bytes: Uint8Array | undefined, at = -1): Uint8Array {
  const copy = Uint8Array.from(bytes ?? []);
  const position = at < 0 ? copy.length + at : at;
  copy[position] = (copy[position] ?? 0) ^ 1;
  return copy;
}
