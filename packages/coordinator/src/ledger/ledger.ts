import { hash } from 'node:crypto';
import type { Inclusion } from '@aitbc/protocol';
import { consistencyProof, formatTlogProof, formatVkey, inclusionProof, nodesOfTiles } from '@aitbc/tlog';
import type { Config } from '../config.ts';
import { refuse } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { addCosignatures, cosignaturesOf } from './cosign.ts';
import { openLog } from './identity.ts';
import { integrateNext } from './integrate.ts';
import { keepCheckpoint, lastCheckpointPath, requireSameHistory } from './last-checkpoint.ts';
import type { LogKeys } from './log-key.ts';
import { ledgerPolicy } from './policy.ts';
import { isRecent, publish, signCheckpoint } from './publish.ts';
import { readLatest, readTree, tileReader } from './queries.ts';
import { createTileServer, type TileServer } from './serving.ts';
import { parseWitnesses } from './witness-options.ts';
import { createWitnesses, type WitnessReport } from './witnesses.ts';

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
   * answers whether it did. Otherwise asks those who have not cosigned the last one.
   */
  publish(intervalMs: number): Promise<boolean>;
  /** What was published last; undefined before the first. */
  latest(): Promise<Checkpoint | undefined>;
  /** The proof that an entry is in the log; null until it was published. */
  inclusion(entry: Entry): Promise<Inclusion | null>;
  /** The same as a `.tlog-proof` file with the entry in it. */
  tlogProof(entry: Entry): Promise<string | null>;
  /** Throws Refused for sizes that were not published. */
  consistency(from: number, to: number | undefined): Promise<readonly Uint8Array[]>;
  readonly tiles: TileServer;
  /** Calls back when something about a witness has changed. */
  onWitness(listener: (report: WitnessReport) => void): void;
}

export interface LedgerOptions {
  config: Config;
  store: Store;
  coordinatorId: string;
  now: () => number;
}

/** Opens the log of a store. Throws ConfigError where it is another one, or has another history, than was published. */
export async function createLedger({ config, store, coordinatorId, now }: LedgerOptions): Promise<Ledger> {
  const keys = await openLog(config, coordinatorId, store);
  const path = lastCheckpointPath(config);
  await requireSameHistory(path, keys, store);
  const nodes = nodesOfTiles(tileReader(store.read));
  const latest = () => readLatest(store.read);
  const addresses = parseWitnesses(config.witness);
  const policy = ledgerPolicy(keys.log.vkey, addresses, config);
  const listeners: ((report: WitnessReport) => void)[] = [];
  const witnesses = createWitnesses({
    witnesses: addresses,
    timeoutMs: config.witnessTimeoutSeconds * 1000,
    now,
    report(report) {
      for (const listener of listeners) listener(report);
    },
  });
  let kept: string | undefined;
  let publishing = Promise.resolve(false);

  async function keep(note: string): Promise<void> {
    if (kept !== note) await keepCheckpoint(path, note);
    kept = note;
  }

  async function cosignLate({ height, note, size }: Checkpoint): Promise<void> {
    const lines = await cosignaturesOf({ note, size }, witnesses, nodes);
    if (lines !== '') await store.write(addCosignatures, { height, lines });
  }

  /**
   * Durability order: the tree is committed; it is signed; the file has the checkpoint; witnesses cosign it; the store has
   * it; only then is it served. A crash between two of these leaves at most a checkpoint that witnesses alone have seen,
   * of a tree that stays.
   */
  async function publishNext(intervalMs: number): Promise<boolean> {
    const [tree, last] = [await readTree(store.read), await latest()];
    if (last) await keep(last.note);
    if (last && (last.size >= tree.size || isRecent(last, intervalMs, now()))) {
      await cosignLate(last);
      return false;
    }
    const signed = await signCheckpoint(tree, keys, now());
    await keep(signed.note);
    const note = signed.note + (await cosignaturesOf(signed, witnesses, nodes));
    const outcome = await store.write(publish, { ...signed, note, intervalMs });
    return outcome.ok && outcome.value;
  }

  async function proofOf({ leaf_index }: Entry) {
    const checkpoint = await latest();
    if (!checkpoint || checkpoint.size <= leaf_index) return null;
    return { checkpoint, hashes: await inclusionProof(leaf_index, checkpoint.size, nodes) };
  }

  return {
    keys,
    vkey: formatVkey(keys.log.vkey),
    policy,
    integrate: () => integrateNext(store),

    publish(intervalMs) {
      // One after the other, or the file might end with the older of two.
      publishing = publishing.catch(() => false).then(() => publishNext(intervalMs));
      return publishing;
    },
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
      if (until > size)
        refuse('VALIDATION_OUT_OF_RANGE', `The ledger has published ${size} entries`, { field: 'to' });
      if (from > until)
        refuse('VALIDATION_OUT_OF_RANGE', `No tree of ${until} entries begins with one of ${from}`, {
          field: 'from',
        });
      return await consistencyProof(from, until, nodes);
    },
    tiles: createTileServer(store, async () => (await latest())?.size ?? 0),
    onWitness: listener => listeners.push(listener),
  };
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
