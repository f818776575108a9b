import { formatNote, formatVkey, type NodeReader, parseNote, TlogError } from '@aitbc/tlog';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/unavailable.ts';
import { LedgerConflict, type LedgerHead, requireExtension } from './conflict.ts';
import { addCosignatures, requestCosignatures } from './cosign.ts';
import { type GuardFile, openSignedCheckpoint } from './last-checkpoint.ts';
import type { LogKeys } from './log-key.ts';
import { readLatestCheckpoint, readTree, readVkey } from './queries.ts';
import { blockHash, isPublishedRecently, publishCheckpoint, signCheckpoint } from './store-checkpoint.ts';
import type { WitnessAddress } from './witness-options.ts';
import { type Contradiction, createWitnesses, type WitnessReport } from './witnesses.ts';

type Checkpoint = Row<'checkpoint'>;

export interface PublicationOptions {
  store: Store;
  keys: LogKeys;
  guard: GuardFile;
  nodes: NodeReader;
  witnesses: readonly WitnessAddress[];
  witnessTimeoutMs: number;
  /** Returns ms since the epoch. */
  now: () => number;
  report: (report: WitnessReport) => void;
}

/** Publishes checkpoints, and knows why that last failed. */
export interface Publication {
  /** See `Ledger.publish`. */
  next(intervalMs: number): Promise<boolean>;
  /** The conflict that stopped the last attempt, or undefined. */
  conflict(): LedgerConflict | undefined;
  /** The last attempt's error, unless it was a conflict or the store was unavailable. Undefined after a success. */
  failure(): Error | undefined;
  /** Seconds since the last successful attempt, by a monotonic clock. */
  secondsSinceLast(): number;
}

const NEW_LEDGER_MESSAGE =
  'The store has begun a new ledger since this coordinator was started (`aitbc restore`). Start the coordinator again to continue with the new ledger';

export function createPublication(options: PublicationOptions): Publication {
  const { store, keys, guard, nodes, now } = options;
  const vkey = formatVkey(keys.log.vkey);
  /** Statements of witnesses that contradict this store, by witness, until the witness cosigns or is proved wrong. */
  const contradictions = new Map<string, Contradiction>();
  const witnesses = createWitnesses({
    witnesses: options.witnesses,
    origin: keys.origin,
    timeoutMs: options.witnessTimeoutMs,
    now,
    report: options.report,
    onContradiction(witness, contradiction) {
      if (contradiction) contradictions.set(witness, contradiction);
      else contradictions.delete(witness);
    },
  });
  /** Hash of the last checkpoint if this process published it. Another publisher may have published more since. */
  let ownLastHash: string | undefined;
  let conflict: LedgerConflict | undefined;
  let failure: Error | undefined;
  let lastSuccessAt = performance.now();
  let publishing: Promise<boolean> = Promise.resolve(false);

  /**
   * Reads the tree to publish. Reads the guard file and the last checkpoint before the tree, since another coordinator may
   * advance them at any time.
   *
   * @throws {LedgerConflict} where the tree does not extend all checkpoints that are known to be signed
   */
  async function readTreeToPublish(last: Checkpoint | undefined): Promise<Row<'tree'>> {
    await guard.read();
    const tree = await readTree(store.read);
    // The key is read after the tree: if it is still this log's, so is the tree.
    if ((await readVkey(store.read)) !== vkey) throw new LedgerConflict(NEW_LEDGER_MESSAGE);
    if (last) await requireExtension(last, tree, nodes, 'the last checkpoint in it');
    await guard.requireExtendedBy(tree);
    for (const contradiction of contradictions.values()) await resolveContradiction(contradiction, tree);
    return tree;
  }

  /**
   * Compares a witness's contradiction with a tree. A checkpoint that the log has signed is proof. A witness that shows
   * no checkpoint is believed only that a larger tree exists.
   */
  async function resolveContradiction(contradiction: Contradiction, tree: LedgerHead): Promise<void> {
    const { witness, size = 0 } = contradiction;
    if (contradiction.note === undefined && size <= tree.size) {
      // The store has a tree of that size. The next request to the witness shows whether it is the same tree.
      contradictions.delete(witness);
      return;
    }
    const note = contradiction.note ?? (await contradiction.fetchLatestNote());
    if (note === undefined) {
      throw new LedgerConflict(
        `The witness ${witness} says that it has cosigned ${size} entries of the ledger, and the store has ${tree.size}: it may be an old backup, or a standby that lagged. Bring back the newest store. If it is the newest, leave that witness out`,
      );
    }
    const signed = await openSignedCheckpoint(note, keys.log.vkey).catch(error => {
      if (error instanceof TlogError) return undefined;
      throw error;
    });
    // This log has not signed it, so the witness is wrong. The coordinator's log says that the witness refuses.
    if (!signed) return;
    await requireExtension(signed, tree, nodes, `a checkpoint that the witness ${witness} has cosigned`);
    contradictions.delete(witness);
  }

  /** Asks for signatures of a published checkpoint. A witness that has cosigned a larger tree says so. Signs nothing new. */
  async function askAgain({ note, size }: Checkpoint): Promise<void> {
    const { text, signatures } = parseNote(note);
    const own = signatures.filter(({ name }) => name === keys.origin);
    await requestCosignatures({ note: formatNote({ text, signatures: own }), size }, witnesses, nodes);
  }

  async function cosignLate({ height, note, size }: Checkpoint): Promise<void> {
    const lines = await requestCosignatures({ note, size }, witnesses, nodes);
    if (lines !== '') await store.write(addCosignatures, { height, lines });
  }

  /**
   * Durability order: the tree is committed, compared with earlier checkpoints and signed; the checkpoint is written to
   * the guard file, cosigned by witnesses and written to the store; only then is it served. A crash between two steps
   * leaves at most a checkpoint that only witnesses have seen, of a committed tree.
   */
  async function publishNext(intervalMs: number): Promise<boolean> {
    const last = await readLatestCheckpoint(store.read);
    if (last && [...contradictions.values()].some(({ note }) => note === undefined)) await askAgain(last);
    const tree = await readTreeToPublish(last);
    if (last) await guard.advanceTo(last.note);
    if (last && (last.size >= tree.size || isPublishedRecently(last, intervalMs, now()))) {
      await cosignLate(last);
      await resolveContradictions(tree);
      return false;
    }
    // The file may lack checkpoints that other coordinators published, and so may a store from a backup.
    if (last && ownLastHash !== last.hash) {
      await askAgain(last);
      await resolveContradictions(tree);
    }
    const signed = await signCheckpoint(tree, keys, now());
    await guard.advanceTo(signed.note);
    const note = signed.note + (await requestCosignatures(signed, witnesses, nodes));
    await resolveContradictions(tree);
    const outcome = await store.write(publishCheckpoint, { ...signed, note, vkey, intervalMs });
    const isPublished = outcome.ok && outcome.value;
    ownLastHash = isPublished ? blockHash(note) : undefined;
    return isPublished;
  }

  /** A witness may have cosigned a tree that has grown since, so the contradictions are compared with the newest tree. */
  async function resolveContradictions(tree: LedgerHead): Promise<void> {
    if (contradictions.size === 0) return;
    const newest = await readTree(store.read);
    for (const contradiction of contradictions.values())
      await resolveContradiction(contradiction, newest.size < tree.size ? tree : newest);
  }

  async function tryNext(intervalMs: number): Promise<boolean> {
    try {
      const isPublished = await publishNext(intervalMs);
      conflict = undefined;
      failure = undefined;
      lastSuccessAt = performance.now();
      return isPublished;
    } catch (error) {
      ownLastHash = undefined;
      if (!(error instanceof LedgerConflict)) {
        if (!(error instanceof StoreUnavailable)) failure = error as Error;
        throw error;
      }
      conflict = error;
      return false;
    }
  }

  return {
    next(intervalMs) {
      // Attempts run one after the other. Otherwise the file might end with the older of two checkpoints.
      publishing = publishing.catch(() => false).then(() => tryNext(intervalMs));
      return publishing;
    },
    conflict: () => conflict,
    failure: () => failure,
    secondsSinceLast: () => (performance.now() - lastSuccessAt) / 1000,
  };
}
