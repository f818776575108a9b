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
import { bringGuardFile, guardFile, lastCheckpointPath, requireSameHistory } from './last-checkpoint.ts';
import type { LogKeys } from './log-key.ts';
import type { LedgerConfig } from './options.ts';
import { ledgerPolicy } from './policy.ts';
import { readLatest, readPreviousVkey, readTree, tileReader } from './queries.ts';
import { createTileServer, type TileServer } from './serving.ts';
import { createPublication, type Publication } from './sign-checkpoint.ts';
import { parseWitnesses } from './witness-options.ts';
import type { WitnessReport } from './witnesses.ts';

type Checkpoint = Row<'checkpoint'>;
export type Entry = Pick<Row<'entry'>, 'leaf_index' | 'body'>;

/** The public log of everything that moved credits. */
export interface Ledger {
  readonly keys: LogKeys;
  /** The log's verifier key as text. */
  readonly vkey: string;
  /** Whom to believe about it, as a policy file (C2SP tlog-policy). */
  readonly policy: string;
  /** Brings the tree up to the entries, a step; answers whether there is more to do. */
  integrate(): Promise<boolean>;
  /**
   * Publishes the tree, as its witnesses have cosigned it, if it has grown and the last checkpoint is `intervalMs` old;
   * answers whether it did. Otherwise asks those who have not cosigned the last one. Where the tree contradicts what was
   * signed before, nothing is signed: see `conflict`.
   */
  publish(intervalMs: number): Promise<boolean>;
  /** Why the ledger is not published any more, as of the last try; undefined where it is. */
  conflict(): LedgerConflict | undefined;
  /** What is wrong with publication, in words: a conflict, a guard file that can't be written, or that it has not succeeded for long. */
  unready(): string | undefined;
  /** What was published last; undefined before the first. */
  latest(): Promise<Checkpoint | undefined>;
  /** The proof that an entry is in the log; null until it was published. */
  inclusion(entry: Entry): Promise<Inclusion | null>;
  /** The same as a `.tlog-proof` file with the entry in it. */
  tlogProof(entry: Entry): Promise<string | null>;
  /** Throws RequestError for sizes that were not published. */
  consistency(from: number, to: number | undefined): Promise<readonly Uint8Array[]>;
  readonly tiles: TileServer;
  /** Calls back when something about a witness has changed. */
  onWitness(listener: (report: WitnessReport) => void): void;
}

type LogConfig = LedgerConfig & Pick<ReceiptConfig, 'signingKey'> & Pick<StoreConfig, 'data'>;

export interface LedgerOptions {
  config: LogConfig;
  store: Store;
  coordinatorId: string;
  now: () => number;
}

/** Opens the log of a store. Throws ConfigError where it is another one, or has another history, than was published. */
export async function createLedger({ config, store, coordinatorId, now }: LedgerOptions): Promise<Ledger> {
  const keys = await openLog(config, coordinatorId, store);
  const nodes = nodesOfTiles(tileReader(store.read));
  const latest = () => readLatest(store.read);
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
    // Negative: it stands in the ledger that was before a restore.
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
    unready: () => unreadiness(publication, config),
    latest,

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

/** Publication that has failed for so many seconds is worth an alarm. */
const LONG_SECONDS = 60;

function unreadiness({ conflict, failure, secondsSinceLast }: Publication, { ledgerInterval }: LogConfig) {
  const found = conflict();
  if (found) return found.message;
  const failed = failure();
  if (failed) return `The ledger can't be published: ${failed.message}`;
  const seconds = Math.floor(secondsSinceLast());
  if (seconds <= Math.max(LONG_SECONDS, 10 * ledgerInterval)) return undefined;
  return `The ledger could not be published for ${seconds} s`;
}

/** The guard file of the store's log, with which the store agrees. Throws ConfigError. */
async function openGuard(config: LogConfig, keys: LogKeys, store: Store, nodes: NodeReader) {
  const previous = await readPreviousVkey(store.read);
  await bringGuardFile(config);
  const guard = guardFile(
    lastCheckpointPath(config),
    keys,
    nodes,
    previous === undefined ? undefined : parseVkey(previous),
  );
  const latest = await readLatest(store.read);
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
