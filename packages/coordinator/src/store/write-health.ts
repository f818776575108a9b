import { randomBytes } from 'node:crypto';
import { done, type Operation } from './operation.ts';
import type { Transaction } from './transaction.ts';
import { type StoreFault, StoreUnavailable } from './unavailable.ts';
import type { Writes } from './writes.ts';

/** Characters that are written to prove that there is space again: others may have more than a row to write. */
const PROOF_LENGTH = 256 * 1024;

/** A proof that there is space, or a row that proves no more than that writes succeed. */
type Probe = 'proof' | 'row';

async function writeProbe(tx: Transaction, probe: Probe, now: number): Promise<void> {
  // Random, as databases compress.
  const proof = probe === 'proof' && randomBytes((PROOF_LENGTH * 3) / 4).toString('base64');
  await tx.upsert('setting', ['name'], [{ name: 'probe', value: proof || String(now) }]);
}

/** What a writer adds to its transactions after one has failed for a fault of the database. */
export interface Doubt {
  /** To be called last in a transaction. Answers what to do when it is committed. */
  write(tx: Transaction, now: number): Promise<() => void>;
  failed(error: unknown): void;
}

const nothing = () => {};

/**
 * A commit that had little or nothing to write succeeds on a full disk too, and proves nothing: until one has written
 * something of a size, none succeeds. So a disk that has no space for most writes does not seem well again after each
 * that is small.
 */
export function createDoubt(): Doubt {
  let next: Probe | undefined;
  return {
    async write(tx, now) {
      if (next === undefined) return nothing;
      const written = next;
      await writeProbe(tx, written, now);
      return () => {
        if (next === written) next = written === 'proof' ? 'row' : undefined;
      };
    },
    failed(error) {
      if (!(error instanceof StoreUnavailable)) return;
      if (error.fault === 'full') next = 'proof';
      next ??= 'row';
    },
  };
}

/** Does nothing but write. */
export const probeStore: Operation<Probe, null> = {
  name: 'store.probe',
  async apply(inputs, { tx, now }) {
    for (const probe of inputs) await writeProbe(tx, probe, now);
    return inputs.map(() => done(null));
  },
};

/** So long a successful write is taken as proof that others succeed. */
const FRESH_MS = 5_000;

/** Faults that say nothing of whether a write would succeed. */
const PASSING: ReadonlySet<StoreFault> = new Set(['away', 'busy']);

export interface WriteHealth {
  readonly write: Writes['write'];
  /** Calls `listener` with each fault of the database that a write fails for. */
  onFault(listener: (fault: StoreUnavailable) => void): void;
  /**
   * Resolves where writes succeed: where the last one has and is not long ago, or where one does now.
   *
   * @throws {StoreUnavailable} with what is wrong
   */
  requireWritable(): Promise<void>;
  /**
   * Whether there is space for more than a few rows. A database that is slow to answer has not said that there is none.
   *
   * @throws {StoreUnavailable} where it takes no such write
   */
  requireSpace(): Promise<void>;
  /** Lets nothing be written from now on, for a fault that no write may come upon first. */
  retire(fault: StoreUnavailable): void;
  /** @throws {StoreUnavailable} once it was retired */
  requireCurrent(): void;
}

/** Watches what becomes of writes. */
export function watchWrites(writes: Writes): WriteHealth {
  let succeededAt = Number.NEGATIVE_INFINITY;
  let failed = false;
  /** Only a restart on a sound database, and no write that misses the damage, says that it is gone. */
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
        if (!(error instanceof StoreUnavailable) || !PASSING.has(error.fault)) throw error;
      }
      // Only to take less space. Nobody waits for it.
      write(probeStore, 'row').catch(() => {});
    },
  };
}
