import { hash } from 'node:crypto';
import type { Inclusion } from '@aitbc/protocol';
import {
  consistencyProof,
  formatTlogProof,
  formatVkey,
  inclusionProof,
  type NodeReader,
  nodesOfTiles,
  parseVkey,
} from '@aitbc/tlog';
import { fail } from '../errors.ts';
import type { ReceiptConfig } from '../receipts/options.ts';
import type { StoreConfig } from '../store/options.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { LedgerConflict } from './conflict.ts';
import { openLog } from './identity.ts';
import { integrateNext } from './integrate.ts';
import { copyGuardFile, createGuardFile, lastCheckpointPath, requireSameHistory } from './last-checkpoint.ts';
import type { LogKeys } from './log-key.ts';
import type { LedgerConfig } from './options.ts';
import { ledgerPolicy } from './policy.ts';
import { readLatestCheckpoint, readLeaves, readPreviousVkey, readTree, tileReader } from './queries.ts';
import { createPublication, type Publication } from './sign-checkpoint.ts';
import { createTileServer, type TileServer } from './tile-server.ts';
import { parseWitnesses } from './witness-options.ts';
import type { WitnessReport } from './witnesses.ts';

type Checkpoint = Row<'checkpoint'>;
export type Entry = Pick<Row<'entry'>, 'leaf_index' | 'body'>;

/** The public log of all statements that moved credits. */
export interface PublicLedger {
  readonly keys: LogKeys;
  /** The log's verifier key as text. */
  readonly vkey: string;
  /** The keys and witnesses that verifiers should trust, as a policy file (C2SP tlog-policy). */
  readonly policy: string;
  /** Adds the next entries to the tree. Resolves with whether there are more to add at once. */
  integrate(): Promise<boolean>;
  /**
   * Publishes the tree with its witnesses' signatures, if it has grown and the last checkpoint is `intervalMs` old.
   * Resolves with whether it did. Otherwise asks the witnesses that have not cosigned the last checkpoint. Signs nothing
   * where the tree contradicts an earlier checkpoint: see `conflict`.
   */
  publish(intervalMs: number): Promise<boolean>;
  /** The conflict that stopped the last attempt to publish, or undefined. */
  conflict(): LedgerConflict | undefined;
  /** Why the ledger can't be published, as a sentence: a conflict, a guard file that can't be written, or a long delay. */
  unreadyReason(): string | undefined;
  /** Resolves with the entries that are not published yet, and with the time of the oldest one, if there are any. */
  lag(): Promise<{ entries: number; since: number | undefined }>;
  /** Resolves with the last published checkpoint, or undefined before the first. */
  latest(): Promise<Checkpoint | undefined>;
  /** Resolves with the proof that an entry is in the log, or null until the entry is published. */
  inclusion(entry: Entry): Promise<Inclusion | null>;
  /** As `inclusion`, as the text of a `.tlog-proof` file that contains the entry. */
  tlogProof(entry: Entry): Promise<string | null>;
  /**
   * Resolves with the proof that the published tree of `to` entries extends the one of `from`.
   *
   * @throws {RequestError} where a size was not published
   */
  consistency(from: number, to: number | undefined): Promise<readonly Uint8Array[]>;
  readonly tiles: TileServer;
  /** Calls `listener` whenever a witness answers differently than before. */
  onWitness(listener: (report: WitnessReport) => void): void;
}

type LogConfig = LedgerConfig & Pick<ReceiptConfig, 'signingKey'> & Pick<StoreConfig, 'data'>;

export interface PublicLedgerOptions {
  config: LogConfig;
  store: Store;
  coordinatorId: string;
  now: () => number;
}

/**
 * Opens a store's ledger.
 *
 * @throws {ConfigError} where the store has another log, or another history, than was published
 */
export async function createLedger({
  config,
  store,
  coordinatorId,
  now,
}: PublicLedgerOptions): Promise<PublicLedger> {
  const keys = await openLog(config, coordinatorId, store);
  const nodes = nodesOfTiles(tileReader(store.read));
  const latest = () => readLatestCheckpoint(store.read);
  const guard = await openGuard(config, keys, store, nodes);
  const addresses = parseWitnesses(config.witness);
  const policy = ledgerPolicy(keys.log.vkey, addresses, config);
  const listeners: ((report: WitnessReport) => void)[] = [];
  const publication = createPublication({
    ...{ store, keys, guard, nodes, now },
    witnesses: addresses,
    witnessTimeoutMs: config.witnessTimeoutSeconds * 1000,
    report(report) {
      for (const listener of listeners) listener(report);
    },
  });

  async function proofOf({ leaf_index }: Entry) {
    const checkpoint = await latest();
    // Entries of the ledger before a restore have negative indexes.
    if (!checkpoint || checkpoint.size <= leaf_index || leaf_index < 0) return null;
    return { checkpoint, hashes: await inclusionProof(leaf_index, checkpoint.size, nodes) };
  }

  return {
    keys,
    vkey: formatVkey(keys.log.vkey),
    policy,
    integrate: () => integrateNext(store),

    publish: publication.next,
    conflict: publication.conflict,
    unreadyReason: () => findUnreadyReason(publication, config),
    latest,
    async lag() {
      const [tree, checkpoint] = await Promise.all([readTree(store.read), latest()]);
      const size = checkpoint?.size ?? 0;
      const [oldest] = tree.entries > size ? await readLeaves(store.read, size, 1) : [];
      return { entries: Math.max(tree.entries - size, 0), since: oldest?.created_at };
    },

    async inclusion(entry) {
      const proof = await proofOf(entry);
      return proof && inclusionOf(entry, proof.checkpoint, proof.hashes, keys);
    },
    async tlogProof(entry) {
      const proof = await proofOf(entry);
      if (!proof) return null;
      const { hashes, checkpoint } = proof;
      const extra = Buffer.from(entry.body);
      return formatTlogProof({ index: entry.leaf_index, hashes, checkpoint: checkpoint.note, extra });
    },
    async consistency(from, to) {
      const size = (await latest())?.size ?? 0;
      const until = to ?? size;
      if (until > size) fail('BLOCK_NOT_FOUND', `The ledger has published ${size} entries`, { field: 'to' });
      if (from > until)
        fail('BLOCK_NOT_FOUND', `No tree of ${until} entries begins with one of ${from}`, {
          field: 'from',
        });
      return await consistencyProof(from, until, nodes);
    },
    tiles: createTileServer(store, async () => (await latest())?.size ?? 0),
    onWitness: listener => listeners.push(listener),
  };
}

/** After failing for this many seconds, publication makes the coordinator unready. */
const STALE_SECONDS = 60;

function findUnreadyReason(
  { conflict, failure, secondsSinceLast }: Publication,
  { ledgerInterval }: LogConfig,
) {
  const found = conflict();
  if (found) return found.message;
  const failed = failure();
  if (failed) return `The ledger can't be published: ${failed.message}`;
  const seconds = Math.floor(secondsSinceLast());
  if (seconds <= Math.max(STALE_SECONDS, 10 * ledgerInterval)) return undefined;
  return `The ledger could not be published for ${seconds} s`;
}

/** Opens the guard file. Throws ConfigError where the store's tree does not extend the checkpoint in it. */
async function openGuard(config: LogConfig, keys: LogKeys, store: Store, nodes: NodeReader) {
  const previous = await readPreviousVkey(store.read);
  await copyGuardFile(config);
  const guard = createGuardFile(
    lastCheckpointPath(config),
    keys,
    nodes,
    previous === undefined ? undefined : parseVkey(previous),
  );
  const latest = await readLatestCheckpoint(store.read);
  await requireSameHistory(guard, latest, await readTree(store.read), nodes);
  return guard;
}

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');

function inclusionOf(
  { leaf_index, body }: Entry,
  { size, root, note, signed_at }: Checkpoint,
  hashes: readonly Uint8Array[],
  { origin, log }: LogKeys,
): Inclusion {
  const publicKey = Buffer.from(log.vkey.publicKey, 'base64url');
  const keyId = hash('sha256', Buffer.concat([Buffer.from(`${origin}\n\x01`), publicKey]), 'base64');
  return {
    logIndex: String(leaf_index),
    logId: { keyId },
    integratedTime: String(signed_at / 1000),
    inclusionProof: {
      logIndex: String(leaf_index),
      rootHash: base64(Buffer.from(root, 'hex')),
      treeSize: String(size),
      hashes: hashes.map(base64),
      checkpoint: { envelope: note },
    },
    canonicalizedBody: base64(body),
  };
}
