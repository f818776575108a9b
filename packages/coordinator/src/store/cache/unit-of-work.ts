import { INDEXES, type RowIndex } from '../indexes.ts';
import { TABLE_NAMES, TABLES, type Table } from '../schema.ts';
import type { Statements, StoredRow } from '../statements.ts';
import type { Value, WriteTransaction } from '../transaction.ts';
import { createTableRows, type TableRows } from './table-rows.ts';

/** The transactions of a connection, one after the other. */
export interface UnitOfWork extends WriteTransaction {
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
 * Has each row once, and writes each changed row once: when the transaction ends, or before SQL reads its table. Rows of
 * some tables stay from one transaction to the next for as long as nobody else writes, so that the usual batch reads
 * nothing from the database. The rows in memory are those that the transaction would read; an error forgets all of them.
 */
export function createUnitOfWork(statements: Statements): UnitOfWork {
  const tables = new Map(
    TABLE_NAMES.map(name => [
      name,
      createTableRows(
        name,
        INDEXES.filter(index => index.table === name),
        statements,
      ),
    ]),
  );
  const rowsOf = (name: Table) => tables.get(name) as TableRows;

  /** Writes that were sent and not waited for. `flushWrites` waits for them. */
  let writes: Promise<unknown>[] = [];

  /** Sends a table's changes in one go, so that no read comes in between. */
  function flush(table: TableRows) {
    for (const { kind, columns, rows } of table.takeChanges()) {
      const writing = statements[kind](table.name, columns, rows);
      writing.catch(() => {});
      writes.push(writing);
    }
  }

  function forget(name: Table): TableRows {
    const table = rowsOf(name);
    flush(table);
    table.clear();
    return table;
  }

  async function readInto(table: TableRows, read: () => Promise<StoredRow[]>): Promise<StoredRow[]> {
    flush(table);
    const { version } = table;
    const rows = await read();
    // If the table changed meanwhile, the rows that were read may be out of date.
    return table.version === version ? rows.map(row => table.keep(row)) : rows;
  }

  async function loadByKey(table: TableRows, values: readonly Value[]): Promise<StoredRow[]> {
    const keys = [...new Set(values)];
    const missing = keys.filter(key => !table.isKnown(key));
    // Reading may forget the others: rows of most tables leave memory when they are written.
    const known = new Map(keys.map(key => [key, table.get(key)]));
    if (missing.length === 0) return [...known.values()].filter(row => row !== undefined);
    const { version } = table;
    const read = await readInto(table, () => statements.load(table.name, table.key, missing));
    const found = new Map(read.map(row => [row[table.key], row]));
    if (table.version === version) for (const key of missing) if (!found.has(key)) table.keepAbsence(key);
    return keys
      .map(key => table.get(key) ?? found.get(key) ?? known.get(key))
      .filter(row => row !== undefined);
  }

  async function firstOf(
    table: TableRows,
    index: RowIndex<Table>,
    values: readonly Value[],
    limit: number,
  ): Promise<StoredRow[]> {
    const known = table.knownRows(index);
    const rows = new Map(values.map(value => [value, known.first(value, limit)]));
    const missing = values.filter(value => !rows.get(value));
    if (missing.length > 0) {
      const { version } = table;
      const wanted = limit === Infinity ? undefined : Math.max(limit, READ_AHEAD_ROWS);
      const read = await readInto(table, () => statements.first(index, missing, wanted));
      const byValue = Map.groupBy(read, row => row[index.column] as Value);
      for (const value of missing) {
        const here = byValue.get(value) ?? [];
        rows.set(value, here.slice(0, limit));
        if (table.version === version) known.learn(value, here, wanted === undefined || here.length < wanted);
      }
    }
    return values.flatMap(value => rows.get(value) ?? []);
  }

  const copies = (rows: readonly StoredRow[]) => rows.map(row => ({ ...row })) as never[];

  return {
    async load(name, column, values, where) {
      const table = rowsOf(name);
      if (column === table.key && where === undefined) {
        const rows = copies(await loadByKey(table, values));
        table.noteRead(values);
        return rows;
      }
      flush(table);
      return (await statements.load(name, column, values, where)) as never[];
    },
    async first(given, values, limit = Infinity) {
      const index = given as unknown as RowIndex<Table>;
      const table = rowsOf(index.table);
      if (INDEXES.includes(index)) return copies(await firstOf(table, index, values, limit));
      flush(table);
      return (await statements.first(index, values, limit === Infinity ? undefined : limit)) as never[];
    },
    async find(name, columns, keys) {
      const table = rowsOf(name);
      const found = keys.map(key => table.find(columns, key));
      const missing = keys.filter((_, at) => !found[at]);
      const read =
        missing.length === 0 ? [] : await readInto(table, () => statements.find(name, columns, missing));
      for (const row of read) table.noteKey(columns, row);
      return copies([...found.filter(row => row !== undefined), ...read]);
    },
    async insert(name, given) {
      const rows = given as readonly StoredRow[];
      const table = rowsOf(name);
      if (!rows[0] || table.insert(rows)) return;
      // Rows whose ids the database generates can't be kept in memory.
      flush(table);
      table.noteUncachedInsert();
      await statements.insert(name, Object.keys(rows[0]), rows);
    },
    async update(name, rows) {
      const table = rowsOf(name);
      const others = table.update(rows as readonly StoredRow[]);
      if (others.length === 0) return;
      flush(table);
      for (const [columns, group] of byColumns(others, table)) await statements.update(name, columns, group);
    },
    async change(name, changes) {
      const { key } = TABLES[name];
      await this.update(
        name,
        changes.map(({ before, after }) =>
          difference(key, before as StoredRow, after as StoredRow),
        ) as never[],
      );
    },
    async add(name, rows) {
      rowsOf(name).add(rows as readonly StoredRow[]);
    },
    async tally(name, given) {
      const { key, sumNames } = TABLES[name];
      const rows = given as readonly StoredRow[];
      const known = await loadByKey(
        rowsOf(name),
        rows.map(row => row[key] as Value),
      );
      const present = new Set(known.map(row => row[key]));
      for (const row of rows) {
        if (present.has(row[key])) rowsOf(name).add([pick(row, [key, ...sumNames])]);
        else await this.insert(name, [row] as never[]);
        // Further rows with this key are added to this one.
        present.add(row[key]);
      }
    },
    async upsert(name, given) {
      const rows = given as readonly StoredRow[];
      if (!rows[0] || rowsOf(name).upsert(rows)) return;
      forget(name);
      await statements.upsert(name, Object.keys(rows[0]), rows);
    },
    async delete(name, keys) {
      if (keys.length === 0) return;
      forget(name);
      await statements.delete(name, keys);
    },
    async execute(name, sql, values, reads = []) {
      for (const read of reads) flush(rowsOf(read));
      forget(name);
      await statements.execute(name, sql, values);
    },
    async query<R>(reads: readonly Table[], sql: string, values: readonly Value[]) {
      for (const read of reads) flush(rowsOf(read));
      return (await statements.query(sql, values)) as R[];
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

const pick = (row: StoredRow, columns: readonly string[]): StoredRow =>
  Object.fromEntries(columns.map(column => [column, row[column] ?? 0]));

/** The primary key, and the columns in which a row differs from what it was. */
function difference(key: string, before: StoredRow, after: StoredRow): StoredRow {
  const changed: StoredRow = { [key]: after[key] as Value };
  for (const column in after) if (after[column] !== before[column]) changed[column] = after[column] as Value;
  return changed;
}

/** Groups rows by the columns that they have beside the primary key. */
function byColumns(rows: readonly StoredRow[], { name, key }: TableRows): [string[], StoredRow[]][] {
  const described = TABLES[name].columns;
  const columnsOf = (row: StoredRow) =>
    Object.keys(row).filter(column => column !== key && column in described);
  const groups = Map.groupBy(rows, row => columnsOf(row).join());
  return [...groups.values()].flatMap(group => {
    const columns = group[0] ? columnsOf(group[0]) : [];
    return columns.length > 0 ? [[columns, group] as [string[], StoredRow[]]] : [];
  });
}
