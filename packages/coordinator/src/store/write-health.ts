import { randomBytes } from 'node:crypto';
import { done, type Operation } from './operation.ts';
import type { WriteTransaction } from './transaction.ts';
import { type StoreFault, StoreUnavailable } from './unavailable.ts';
import type { Writes } from './writes.ts';

/** How many characters are written to prove that there is space again. Other writes may need more than one small row. */
const PROOF_CHARACTERS = 256 * 1024;

/** `proof` writes enough to prove that there is space. `row` only proves that writes succeed. */
type Probe = 'proof' | 'row';

async function writeProbe(tx: WriteTransaction, probe: Probe, now: number): Promise<void> {
  // The text is random because databases compress values.
  const proof = probe === 'proof' && randomBytes((PROOF_CHARACTERS * 3) / 4).toString('base64');
  await tx.upsert('setting', [{ name: 'probe', value: proof || String(now) }]);
}

/** Adds a test row to a writer's transactions after one has failed because of the database. */
export interface WriteProber {
  /** Call this last in a transaction, and the returned function once the transaction is committed. */
  probe(tx: WriteTransaction, now: number): Promise<() => void>;
  noteFailure(error: unknown): void;
}

const doNothing = () => {};

/**
 * Makes each transaction after a full disk write a large row, until one of them is committed. A transaction that writes
 * little succeeds on a full disk too, and would make the disk look healthy again.
 */
export function createWriteProber(): WriteProber {
  let next: Probe | undefined;
  return {
    async probe(tx, now) {
      if (next === undefined) return doNothing;
      const written = next;
      await writeProbe(tx, written, now);
      return () => {
        if (next === written) next = written === 'proof' ? 'row' : undefined;
      };
    },
    noteFailure(error) {
      if (!(error instanceof StoreUnavailable)) return;
      if (error.fault === 'full') next = 'proof';
      next ??= 'row';
    },
  };
}

/** Writes a test row and nothing else. */
export const probeStore: Operation<Probe, null> = {
  name: 'store.probe',
  async apply(inputs, { tx, now }) {
    for (const probe of inputs) await writeProbe(tx, probe, now);
    return inputs.map(() => done(null));
  },
};

/** For how long a successful write proves that writes succeed. */
const FRESH_MS = 5_000;

/** Faults after which a later write may well succeed. */
const PASSING_FAULTS: ReadonlySet<StoreFault> = new Set(['away', 'busy']);

export interface WriteHealth {
  readonly write: Writes['write'];
  /** Calls `listener` whenever a write fails because of the database. */
  onFault(listener: (fault: StoreUnavailable) => void): void;
  /**
   * Resolves where writes succeed: where the last write succeeded recently, or where a test write succeeds now.
   *
   * @throws {StoreUnavailable} where it does not
   */
  requireWritable(): Promise<void>;
  /**
   * Resolves where there is space for more than a few rows, and where the database is only too slow to tell.
   *
   * @throws {StoreUnavailable} where a large test write fails
   */
  requireSpace(): Promise<void>;
  /** Rejects all writes from now on with this fault, before one of them can do harm. */
  retire(fault: StoreUnavailable): void;
  /** @throws {StoreUnavailable} after `retire` was called */
  requireCurrent(): void;
}

/** Records whether writes succeed. */
export function watchWrites(writes: Writes): WriteHealth {
  let succeededAt = Number.NEGATIVE_INFINITY;
  let failed = false;
  /** Stays until a restart: a later write may succeed merely because it does not touch the damaged pages. */
  let damage: StoreUnavailable | undefined;
  let retired: StoreUnavailable | undefined;
  let probing: Promise<unknown> | undefined;
  const listeners: ((fault: StoreUnavailable) => void)[] = [];

  function requireCurrent() {
    if (retired) throw retired;
  }

  const write: Writes['write'] = async (operation, input) => {
    try {
      requireCurrent();
      const outcome = await writes.write(operation, input);
      failed = false;
      succeededAt = performance.now();
      return outcome;
    } catch (error) {
      if (error instanceof StoreUnavailable) {
        failed = true;
        if (error.fault === 'damaged') damage = error;
        for (const listener of listeners) listener(error);
      }
      throw error;
    }
  };

  return {
    write,
    onFault(listener) {
      listeners.push(listener);
    },
    retire(fault) {
      retired = fault;
      for (const listener of listeners) listener(fault);
    },
    requireCurrent,
    async requireWritable() {
      requireCurrent();
      if (damage) throw damage;
      if (!failed && performance.now() - succeededAt < FRESH_MS) return;
      probing ??= write(probeStore, 'row').finally(() => {
        probing = undefined;
      });
      await probing;
    },
    async requireSpace() {
      try {
        await write(probeStore, 'proof');
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || !PASSING_FAULTS.has(error.fault)) throw error;
      }
      // This frees the space of the large test row again. Nothing depends on it.
      write(probeStore, 'row').catch(() => {});
    },
  };
}
