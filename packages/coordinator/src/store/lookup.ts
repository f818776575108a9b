import type { Value } from './transaction.ts';

/** A query for the rows that belong to one key. Engines prepare it once. */
export interface Lookup<R> {
  /** The statement without its condition: `SELECT … FROM …`. */
  select: string;
  /** The text column that is compared with the key. */
  column: string;
  /** The result's column that has the key. */
  key: keyof R & string;
}

export const lookup = <R>(parts: Lookup<R>): Lookup<R> => parts;

/** Reads the rows of many keys with one statement. */
export type ReadKeys = (query: Lookup<Record<string, Value>>, keys: readonly string[]) => Promise<unknown[]>;

interface Asked {
  key: string;
  resolve(rows: unknown[]): void;
  reject(error: unknown): void;
}

/** How many statements of one query may be under way at once. More would make each of them smaller. */
const MAX_UNDER_WAY = 2;
const MAX_KEYS = 500;

/** Gathers the lookups that are asked for in the same turn, or while others are under way, into one statement. */
export function createLookups(read: ReadKeys) {
  const queues = new Map<Lookup<never>, { waiting: Asked[]; underWay: number; isScheduled: boolean }>();

  function schedule(query: Lookup<never>) {
    const queue = queues.get(query);
    if (!queue || queue.isScheduled || queue.waiting.length === 0 || queue.underWay >= MAX_UNDER_WAY) return;
    queue.isScheduled = true;
    setImmediate(async () => {
      queue.isScheduled = false;
      queue.underWay++;
      const asked = queue.waiting.splice(0, MAX_KEYS);
      await answer(query as never, asked);
      queue.underWay--;
      schedule(query);
    });
  }

  async function answer(query: Lookup<Record<string, Value>>, asked: readonly Asked[]): Promise<void> {
    try {
      const rows = await read(query, [...new Set(asked.map(({ key }) => key))]);
      const byKey = Map.groupBy(rows as Record<string, Value>[], row => row[query.key]);
      for (const { key, resolve } of asked) resolve(byKey.get(key) ?? []);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  return <R>(query: Lookup<R>, key: string): Promise<R[]> =>
    new Promise((resolve, reject) => {
      const queue = queues.get(query) ?? { waiting: [], underWay: 0, isScheduled: false };
      queues.set(query, queue);
      queue.waiting.push({ key, resolve: resolve as Asked['resolve'], reject });
      schedule(query);
    });
}
