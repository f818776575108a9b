import { formatNote, formatVkey, type NodeReader, parseNote, TlogError } from '@aitbc/tlog';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/unavailable.ts';
import { LedgerConflict, requireExtension, type TreeHead } from './conflict.ts';
import { addCosignatures, cosignaturesOf } from './cosign.ts';
import { type GuardFile, openKept } from './last-checkpoint.ts';
import type { LogKeys } from './log-key.ts';
import { readLatest, readTree, readVkey } from './queries.ts';
import { blockHash, isRecent, publish, signCheckpoint } from './store-checkpoint.ts';
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
  /** Milliseconds since the epoch. */
  now: () => number;
  report: (report: WitnessReport) => void;
}

/** Publication as it goes on, or as it was stopped. */
export interface Publication {
  /** See `Ledger.publish`. */
  next(intervalMs: number): Promise<boolean>;
  /** What keeps the ledger from being published, as of the last try; undefined where nothing does. */
  conflict(): LedgerConflict | undefined;
  /** What the last try failed for, other than a conflict and the store; undefined where it succeeded. */
  failure(): Error | undefined;
  /** Seconds since the last try that did not fail, by a clock that nobody sets. */
  secondsSinceLast(): number;
}

const OTHER_LOG =
  'The store has begun a new ledger since this coordinator was started (`aitbc restore`). Start the coordinator again to go on with that one';

export function createPublication(options: PublicationOptions): Publication {
  const { store, keys, guard, nodes, now } = options;
  const vkey = formatVkey(keys.log.vkey);
  /** What witnesses say that contradicts this store, by their names, until they cosign again or it is disproved. */
  const doubts = new Map<string, Contradiction>();
  const witnesses = createWitnesses({
    witnesses: options.witnesses,
    origin: keys.origin,
    timeoutMs: options.witnessTimeoutMs,
    now,
    report: options.report,
    doubt(witness, contradiction) {
      if (contradiction) doubts.set(witness, contradiction);
      else doubts.delete(witness);
    },
  });
  /** The last checkpoint that this process published. Whoever published another one may have published more. */
  let own: string | undefined;
  let conflict: LedgerConflict | undefined;
  let failure: Error | undefined;
  let lastGood = performance.now();
  let publishing: Promise<boolean> = Promise.resolve(false);

  /**
   * The tree to publish. The file, and the row, are read before the tree, or another coordinator could have moved them on
   * behind it.
   *
   * @throws {LedgerConflict} where it does not begin with all that is known to be signed
   */
  async function requiredTree(last: Checkpoint | undefined): Promise<Row<'tree'>> {
    await guard.read();
    const tree = await readTree(store.read);
    // Behind the tree: a tree that was read while the store was still of this log is of this log.
    if ((await readVkey(store.read)) !== vkey) throw new LedgerConflict(OTHER_LOG);
    if (last) await requireExtension(last, tree, nodes, 'the last checkpoint in it');
    await guard.require(tree);
    for (const doubt of doubts.values()) await requireWitnessed(doubt, tree);
    return tree;
  }

  /** A witness's word is worth what it can show: a checkpoint that this log has signed. Who shows none is believed a size. */
  async function requireWitnessed(doubt: Contradiction, tree: TreeHead): Promise<void> {
    const { witness, size = 0 } = doubt;
    if (doubt.note === undefined && size <= tree.size) {
      // That tree is there: whether it is the same one, the next request to the witness tells.
      doubts.delete(witness);
      return;
    }
    const note = doubt.note ?? (await doubt.show());
    if (note === undefined) {
      throw new LedgerConflict(
        `The witness ${witness} says that it has cosigned ${size} entries of the ledger, and the store has ${tree.size}: it may be an old backup, or a standby that lagged. Bring back the newest store. If it is the newest, leave that witness out`,
      );
    }
    const signed = await openKept(note, keys.log.vkey).catch(error => {
      if (error instanceof TlogError) return undefined;
      throw error;
    });
    // Not signed by this log: then the witness is wrong, and the log of the coordinator says that it refuses.
    if (!signed) return;
    await requireExtension(signed, tree, nodes, `a checkpoint that the witness ${witness} has cosigned`);
    doubts.delete(witness);
  }

  /** Asks for signatures of what is published anyway: a witness that has cosigned more says so, and nothing new is signed. */
  async function askAgain({ note, size }: Checkpoint): Promise<void> {
    const { text, signatures } = parseNote(note);
    const own = signatures.filter(({ name }) => name === keys.origin);
    await cosignaturesOf({ note: formatNote({ text, signatures: own }), size }, witnesses, nodes);
  }

  async function cosignLate({ height, note, size }: Checkpoint): Promise<void> {
    const lines = await cosignaturesOf({ note, size }, witnesses, nodes);
    if (lines !== '') await store.write(addCosignatures, { height, lines });
  }

  /**
   * Durability order: the tree is committed; it is compared with what was signed before; it is signed; the file has the
   * checkpoint; witnesses cosign it; the store has it; only then is it served. A crash between two of these leaves at most a
   * checkpoint that witnesses alone have seen, of a tree that stays.
   */
  async function publishNext(intervalMs: number): Promise<boolean> {
    const last = await readLatest(store.read);
    if (last && [...doubts.values()].some(({ note }) => note === undefined)) await askAgain(last);
    const tree = await requiredTree(last);
    if (last) await guard.keep(last.note);
    if (last && (last.size >= tree.size || isRecent(last, intervalMs, now()))) {
      await cosignLate(last);
      await requireUndoubted(tree);
      return false;
    }
    // What others have published may not be in the file yet, and a store that was set back does not know of it.
    if (last && own !== last.hash) {
      await askAgain(last);
      await requireUndoubted(tree);
    }
    const signed = await signCheckpoint(tree, keys, now());
    await guard.keep(signed.note);
    const note = signed.note + (await cosignaturesOf(signed, witnesses, nodes));
    await requireUndoubted(tree);
    const outcome = await store.write(publish, { ...signed, note, vkey, intervalMs });
    const isPublished = outcome.ok && outcome.value;
    own = isPublished ? blockHash(note) : undefined;
    return isPublished;
  }

  /** What a witness answers a moment later may be of a larger tree: it is held to the one that there is by then. */
  async function requireUndoubted(tree: TreeHead): Promise<void> {
    if (doubts.size === 0) return;
    const newest = await readTree(store.read);
    for (const doubt of doubts.values())
      await requireWitnessed(doubt, newest.size < tree.size ? tree : newest);
  }

  async function tryNext(intervalMs: number): Promise<boolean> {
    try {
      const isPublished = await publishNext(intervalMs);
      conflict = undefined;
      failure = undefined;
      lastGood = performance.now();
      return isPublished;
    } catch (error) {
      own = undefined;
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
      // One after the other, or the file might end with the older of two.
      publishing = publishing.catch(() => false).then(() => tryNext(intervalMs));
      return publishing;
    },
    conflict: () => conflict,
    failure: () => failure,
    secondsSinceLast: () => (performance.now() - lastGood) / 1000,
  };
}
