import { CompiledQuery } from 'kysely';
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Store } from '../store/store.ts';

export interface Allowance {
  /** Uses so much up. Answers after how many ms to try again, or 0 where it was allowed. */
  take(key: string, amount: number): number | Promise<number>;
  /** What is left, as far as this coordinator knows, and in how many ms the whole is there again. */
  state(key: string): { limit: number; left: number; resetMs: number };
}

/** A key's part of an allowance that this coordinator has drawn, until its window ends. */
interface Slice {
  left: number;
  /** What others, or this one later, may still draw. */
  beyond: number;
  endsAt: number;
  /** Amounts from this one on are refused until then, without asking again. */
  refusedFrom: number;
  drawing?: Promise<number>;
}

/** Keys whose slices are kept. One that is forgotten has lost what is left of its slice. */
const MOST_KEYS = 50_000;

/** Of an allowance that a coordinator draws at once. */
const SLICES = 50;

export interface AllowanceOptions {
  name: string;
  /** In each window. */
  points: number;
  windowSeconds: number;
  store: Pick<Store, 'read' | 'isShared'>;
}

/**
 * So many points in each window, for each key. A coordinator draws a slice of them and hands it out from memory, so that
 * most requests neither read nor write anything: coordinators that share a database draw theirs from one row. What a
 * coordinator does not use of its slice is lost with the window. Where the database does not answer, each allows the
 * whole.
 */
export function createAllowance({ name, points, windowSeconds, store }: AllowanceOptions): Allowance {
  const local = { points, duration: windowSeconds, keyPrefix: name };
  const limiter = store.isShared
    ? new RateLimiterPostgres({
        ...local,
        storeClient: clientOver(store.read),
        storeType: 'client',
        tableName: 'rate_limit',
        tableCreated: true,
        insuranceLimiter: new RateLimiterMemory(local),
      })
    : new RateLimiterMemory(local);
  const slices = new LRUCache<string, Slice>({ max: MOST_KEYS });
  const sliceSize = Math.max(1, Math.floor(points / SLICES));

  function sliceOf(key: string): Slice {
    const found = slices.get(key);
    if (found && found.endsAt > performance.now()) return found;
    const { drawing } = found ?? {};
    const fresh = {
      left: 0,
      beyond: points,
      endsAt: Infinity,
      refusedFrom: Infinity,
      ...(drawing && { drawing }),
    };
    slices.set(key, fresh);
    return fresh;
  }

  const waitOf = ({ endsAt }: Slice) =>
    Math.max(1, Math.min(endsAt - performance.now(), windowSeconds * 1000));

  async function draw(key: string, slice: Slice, amount: number): Promise<number> {
    const wanted = Math.max(amount - slice.left, Math.min(sliceSize, slice.beyond));
    try {
      const drawn = await limiter.consume(key, wanted);
      slice.left += wanted - amount;
      slice.beyond = drawn.remainingPoints;
      slice.endsAt = performance.now() + drawn.msBeforeNext;
      return 0;
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      // What was not given was counted: smaller amounts may still be there.
      await limiter.reward(key, wanted);
      slice.beyond = Math.max(0, points - (refused.consumedPoints - wanted));
      slice.endsAt = performance.now() + refused.msBeforeNext;
      if (wanted > amount - slice.left && amount - slice.left <= slice.beyond)
        return await draw(key, slice, amount);
      slice.refusedFrom = Math.min(slice.refusedFrom, amount);
      return waitOf(slice);
    }
  }

  /** One draw at a time for each key: those that come meanwhile look at what it brought. */
  async function drawInTurn(key: string, amount: number): Promise<number> {
    const { drawing } = sliceOf(key);
    if (drawing) await drawing.catch(() => {});
    const slice = sliceOf(key);
    const taken = takeLocally(slice, amount);
    if (taken !== undefined) return taken;
    if (slice.drawing && slice.drawing !== drawing) return await drawInTurn(key, amount);
    slice.drawing = draw(key, slice, amount);
    try {
      return await slice.drawing;
    } finally {
      delete slice.drawing;
    }
  }

  function takeLocally(slice: Slice, amount: number): number | undefined {
    if (amount > points || amount >= slice.refusedFrom) return waitOf(slice);
    if (slice.left < amount) return undefined;
    slice.left -= amount;
    return 0;
  }

  return {
    take(key, amount) {
      const slice = sliceOf(key);
      return takeLocally(slice, amount) ?? drawInTurn(key, amount);
    },
    state(key) {
      const { left, beyond, endsAt } = sliceOf(key);
      const resetMs = Math.min(endsAt - performance.now(), windowSeconds * 1000);
      return { limit: points, left: left + beyond, resetMs };
    },
  };
}

/** As `rate-limiter-flexible` calls a client of `pg`. */
function clientOver(read: Store['read']) {
  return {
    async query({ text, values }: { text: string; values: unknown[] }) {
      const { rows } = await read.executeQuery(CompiledQuery.raw(text, values));
      return { rows, rowCount: rows.length };
    },
  };
}
