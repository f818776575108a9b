import { INDEXES, type RowIndex } from '../indexes.ts';
import { PRIMARY_KEYS, type Table } from '../schema.ts';
import type { Value, WriteTransaction } from '../transaction.ts';
import { type CachedTable, createCachedTable } from './cached-table.ts';
import type { CachedRow } from './known-rows.ts';

/** The tables whose rows are kept in memory, since batches read and write the same rows again and again. */
const CACHED = [
  'job',
  'job_input',
  'miner',
  'standing',
  'queue',
  'fair_clock',
  'fair_share',
  'model_speed',
  'key_budget',
  'usage',
  'earning',
  'tree',
  'webhook',
] as const;

/**
 * Tables to whose rows batches mostly add. They are kept where a read costs hardly more than a write, so that all that a
 * batch adds to a row is one write. Elsewhere the engine adds up what it sends.
 */
const ADDED_TO = ['account', 'counter'] as const;

export interface CacheOptions {
  /** Returns all columns that a table has in the database. */
  columnsOf(table: Table): readonly string[];
  /** Whether a read costs hardly more than a write, since the database is in this process. */
  isEmbedded: boolean;
}

/** Rows that are not worth keeping, since hardly any of them is read again: jobs that have ended. */
const IS_FINISHED: Partial<Record<Table, (row: CachedRow) => boolean>> = {
  job: row => row.completed_at !== null,
};

/** Tables whose rows are usually read once. */
const READ_ONCE: readonly Table[] = ['job_input'];

export interface CachedTransaction extends WriteTransaction {
  /** Call this first in each transaction. `isCurrent`: nobody else has written since the last transaction. */
  begin(isCurrent: boolean): void;
  /** Writes the rows that changed in memory. Rejects with the first error of such a write. */
  flushWrites(): Promise<void>;
  /** Call this when the whole transaction is sent. Later reads go over the same connection, after it. */
  noteCommitSent(): void;
  /** Call this when the transaction is rolled back. */
  forgetAll(): void;
}

/** How many first rows of an index are read at least, since the next batches' claims will need them. */
const READ_AHEAD_ROWS = 500;

/**
 * Keeps rows in memory from one transaction to the next, for as long as nobody else writes. Each changed row is written
 * once, when the transaction ends or an SQL statement names its table. So the usual batch reads nothing from the
 * database. The rows in memory are those that the transaction would read; an error forgets all of them.
 */
export function createCachedTransaction(
  inner: WriteTransaction,
  { columnsOf, isEmbedded }: CacheOptions,
): CachedTransaction {
  const kept: readonly Table[] = isEmbedded ? [...CACHED, ...ADDED_TO] : CACHED;
  const tables = new Map<string, CachedTable>(
    kept.map(table => [
      table,
      createCachedTable(
        table,
        columnsOf(table),
        INDEXES.filter(index => index.table === table),
        IS_FINISHED[table],
      ),
    ]),
  );
  const cachedBy = (table: Table, key: string) =>
    PRIMARY_KEYS[table] === key ? tables.get(table) : undefined;

  /** Writes that were sent and not waited for. `flushWrites` waits for them. */
  let writes: Promise<unknown>[] = [];

  /** Sends a table's changes in one go, so that no read comes in between. */
  function flush(table: CachedTable | undefined) {
    if (!table) return;
    const { inserted, upserted, updated, columns } = table.takeDirty();
    const writing = Promise.all([
      inner.insert(table.name, inserted as never),
      inner.upsert(table.name, [table.key as never], upserted as never),
      inner.update(table.name, table.key as never, columns as never, updated as never),
    ]);
    writing.catch(() => {});
    writes.push(writing);
  }

  function forget(table: string) {
    flush(tables.get(table));
    tables.get(table)?.clear();
  }

  /** An SQL statement works on the database, so it needs the changes in memory of all tables that it names. */
  function flushNamed(sql: string) {
    const words = new Set(sql.match(/\w+/g));
    for (const table of tables.values()) if (words.has(table.name)) flush(table);
    const [, written] = sql.match(/^\s*(?:UPDATE|DELETE\s+FROM|INSERT\s+INTO)\s+(\w+)/i) ?? [];
    if (written !== undefined) tables.get(written)?.clear();
  }

  async function readInto(table: CachedTable, read: () => Promise<unknown[]>): Promise<CachedRow[]> {
    flush(table);
    const { version } = table;
    const rows = (await read()) as CachedRow[];
    // If the table changed meanwhile, the rows that were read may be out of date.
    return table.version === version ? rows.map(row => table.keep(row)) : rows;
  }

  async function loadByKey(table: CachedTable, values: readonly Value[]): Promise<CachedRow[]> {
    const missing = values.filter(value => !table.isKnown(value));
    const found = new Map<Value, CachedRow>();
    if (missing.length > 0) {
      const { version } = table;
      const read = await readInto(table, () => inner.load(table.name, table.key as never, missing));
      for (const row of read) found.set(row[table.key] as Value, row);
      if (table.version === version)
        for (const value of missing) if (!found.has(value)) table.keepAbsence(value);
    }
    return values.map(value => table.get(value) ?? found.get(value)).filter(row => row !== undefined);
  }

  async function firstOf(
    table: CachedTable,
    index: RowIndex<Table>,
    values: readonly Value[],
    limit: number,
  ): Promise<CachedRow[]> {
    const known = table.knownRows(index);
    const rows = new Map(values.map(value => [value, known.first(value, limit)]));
    const missing = values.filter(value => !rows.get(value));
    if (missing.length > 0) {
      const { version } = table;
      const wanted = limit === Infinity ? undefined : Math.max(limit, READ_AHEAD_ROWS);
      const read = await readInto(table, () => inner.first(index, missing, wanted));
      const byValue = Map.groupBy(read, row => row[index.column] as Value);
      for (const value of missing) {
        const here = byValue.get(value) ?? [];
        rows.set(value, here.slice(0, limit));
        if (table.version === version) known.learn(value, here, wanted === undefined || here.length < wanted);
      }
    }
    return values.flatMap(value => rows.get(value) ?? []);
  }

  const copies = (rows: readonly CachedRow[]) => rows.map(row => ({ ...row })) as never[];

  return {
    async load(table, column, values, where) {
      const cached = where === undefined ? cachedBy(table, column) : undefined;
      if (cached) {
        const rows = copies(await loadByKey(cached, values));
        if (READ_ONCE.includes(table)) cached.release(values);
        return rows;
      }
      flush(tables.get(table));
      return await inner.load(table, column, values, where);
    },
    async first(index, values, limit = Infinity) {
      const cached = tables.get(index.table);
      if (!cached) return await inner.first(index, values, limit === Infinity ? undefined : limit);
      return copies(await firstOf(cached, index as unknown as RowIndex<Table>, values, limit));
    },
    async find(table, columns, keys) {
      const cached = tables.get(table);
      if (!cached) return await inner.find(table, columns, keys);
      const found = keys.map(key => cached.find(columns, key));
      const missing = keys.filter((_, at) => !found[at]);
      const read =
        missing.length === 0 ? [] : await readInto(cached, () => inner.find(table, columns, missing));
      for (const row of read) cached.noteKey(columns, row);
      return copies([...found.filter(row => row !== undefined), ...read]);
    },
    async loadFixed(table, key, values, columns) {
      const cached = isEmbedded ? cachedBy(table, key) : undefined;
      if (!cached) return await inner.loadFixed(table, key, values, columns);
      return copies(await loadByKey(cached, values));
    },
    async insert(table, rows) {
      const cached = tables.get(table);
      // Rows whose ids the database generates can't be kept in memory.
      if (!cached?.insert(rows as readonly CachedRow[])) {
        cached?.noteUncachedInsert();
        await inner.insert(table, rows);
      }
    },
    async update(table, key, columns, rows) {
      const cached = cachedBy(table, key);
      if (!cached) forget(table);
      const others = cached ? cached.update(columns, rows as readonly CachedRow[]) : rows;
      await inner.update(table, key, columns, others as typeof rows);
    },
    async delete(table, key, values) {
      forget(table);
      await inner.delete(table, key, values);
    },
    async add(table, key, rows) {
      const cached = cachedBy(table, key);
      if (cached && isEmbedded)
        await loadByKey(
          cached,
          rows.map(row => (row as CachedRow)[key] ?? null),
        );
      const others = cached?.add(rows as readonly CachedRow[]) ?? rows;
      await inner.add(table, key, others as typeof rows);
    },
    async upsert(table, key, rows) {
      const cached = key.length === 1 ? cachedBy(table, key[0] as string) : undefined;
      if (cached?.upsert(rows as readonly CachedRow[])) return;
      forget(table);
      await inner.upsert(table, key, rows);
    },
    async execute(table, sql, values) {
      flushNamed(sql);
      await inner.execute(table, sql, values);
    },
    async query(sql, values) {
      flushNamed(sql);
      return await inner.query(sql, values);
    },
    async flushWrites() {
      for (const table of tables.values()) flush(table);
      const begun = writes;
      writes = [];
      await Promise.all(begun);
    },
    forgetAll() {
      writes = [];
      for (const table of tables.values()) table.clear();
    },
    begin(isCurrent) {
      if (!isCurrent) for (const table of tables.values()) table.clear();
    },
    noteCommitSent() {
      for (const table of tables.values()) table.trim();
    },
  };
}
