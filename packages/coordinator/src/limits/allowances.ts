import { CompiledQuery } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Store } from '../store/store.ts';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from './rate-limiters.ts';

export interface Allowance {
  /** Takes `amount` from the key's allowance. Returns 0 if that is allowed, else the milliseconds before a retry. */
  take(key: string, amount: number): number | Promise<number>;
  /** Returns what is left, as far as this coordinator knows, and the milliseconds until the window ends. */
  state(key: string): { limit: number; left: number; resetMs: number };
}

/** The part of a key's allowance that this coordinator has drawn, until the window ends. */
interface Slice {
  left: number;
  /** The amount that this coordinator or others can still draw. */
  undrawn: number;
  endsAt: number;
  /** Larger amounts, and this one, are rejected until the window ends, without asking again. */
  rejectedFrom: number;
  drawing?: Promise<number>;
}

/** The number of keys whose slices are kept. When a slice is dropped, the rest of it is lost. */
const MAX_KEYS = 50_000;

/** The number of slices that an allowance is divided into. */
const SLICES = 50;

export interface AllowanceOptions {
  name: string;
  /** The allowance per window. */
  points: number;
  windowSeconds: number;
  store: Pick<Store, 'read' | 'isShared'>;
}

/**
 * Limits each key to `points` per window. A coordinator draws a slice at a time and hands it out from memory, so most
 * requests need no read or write. Coordinators that share a database draw from one row. What is left of a slice is lost
 * at the end of the window. If the database does not answer, each coordinator allows the full amount.
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
  // The memory of the cache is allocated at once, and most tiers are never used.
  let cache: LRUCache<string, Slice> | undefined;
  const sliceSize = Math.max(1, Math.floor(points / SLICES));

  function sliceOf(key: string): Slice {
    cache ??= new LRUCache({ max: MAX_KEYS });
    const found = cache.get(key);
    if (found && found.endsAt > performance.now()) return found;
    const { drawing } = found ?? {};
    const fresh = {
      left: 0,
      undrawn: points,
      endsAt: Infinity,
      rejectedFrom: Infinity,
      ...(drawing && { drawing }),
    };
    cache.set(key, fresh);
    return fresh;
  }

  const waitOf = ({ endsAt }: Slice) =>
    Math.max(1, Math.min(endsAt - performance.now(), windowSeconds * 1000));

  async function draw(key: string, slice: Slice, amount: number): Promise<number> {
    const wanted = Math.max(amount - slice.left, Math.min(sliceSize, slice.undrawn));
    try {
      const drawn = await limiter.consume(key, wanted);
      slice.left += wanted - amount;
      slice.undrawn = drawn.remainingPoints;
      slice.endsAt = performance.now() + drawn.msBeforeNext;
      return 0;
    } catch (rejected) {
      if (!(rejected instanceof RateLimiterRes)) throw rejected;
      // A rejected amount is counted as well, so it is given back: a smaller amount may still be available.
      await limiter.reward(key, wanted);
      slice.undrawn = Math.max(0, points - (rejected.consumedPoints - wanted));
      slice.endsAt = performance.now() + rejected.msBeforeNext;
      if (wanted > amount - slice.left && amount - slice.left <= slice.undrawn)
        return await draw(key, slice, amount);
      slice.rejectedFrom = Math.min(slice.rejectedFrom, amount);
      return waitOf(slice);
    }
  }

  /** Draws one slice at a time for each key. Requests that wait in the meantime use what it brought. */
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
    if (amount > points || amount >= slice.rejectedFrom) return waitOf(slice);
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
      const { left, undrawn, endsAt } = sliceOf(key);
      const resetMs = Math.min(endsAt - performance.now(), windowSeconds * 1000);
      return { limit: points, left: left + undrawn, resetMs };
    },
  };
}

/** Runs the library's SQL through Kysely, with the interface of a `pg` client. */
function clientOver(read: Store['read']) {
  return {
    async query({ text, values }: { text: string; values: unknown[] }) {
      const { rows } = await read.executeQuery(CompiledQuery.raw(text, values));
      return { rows, rowCount: rows.length };
    },
  };
}
