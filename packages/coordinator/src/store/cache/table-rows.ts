import type { RowIndex } from '../indexes.ts';
import { TABLES, type Table } from '../schema.ts';
import type { Statements, StoredRow } from '../statements.ts';
import type { Value } from '../transaction.ts';
import { type ColumnSet, createColumnGroups, createColumnSets } from './column-sets.ts';
import { createKnownRows, type KnownRows } from './known-rows.ts';

/** How many rows of a table, and how many characters of their texts, are kept in memory at most. */
const MAX_ROWS = 20_000;
const MAX_CHARACTERS = 32_000_000;

/** Changes that are one statement: rows with the same columns. */
export interface RowChanges {
  kind: 'insert' | 'upsert' | 'update' | 'add';
  columns: readonly string[];
  rows: readonly StoredRow[];
}

/** A table's rows in memory, as a transaction would read them. Callers must not change the rows that it returns. */
export interface TableRows {
  readonly name: Table;
  readonly key: string;
  /** Increases with each change. */
  readonly version: number;
  /** Whether the row with this key, or its absence, is in memory. */
  isKnown(key: Value): boolean;
  get(key: Value): StoredRow | undefined;
  find(columns: readonly string[], key: readonly Value[]): StoredRow | undefined;
  knownRows(index: RowIndex<Table>): KnownRows;
  /** Keeps a row that was read, unless a newer version is in memory. Returns the row in memory. */
  keep(row: StoredRow): StoredRow;
  keepAbsence(key: Value): void;
  /** Lets `find` look the row up by these columns. */
  noteKey(columns: readonly string[], row: StoredRow): void;
  /** Returns false, and does nothing, where the rows can't be kept in memory. */
  insert(rows: readonly StoredRow[]): boolean;
  upsert(rows: readonly StoredRow[]): boolean;
  /** Changes the rows in memory. Returns the other rows, which the caller must update in the database. */
  update(rows: readonly StoredRow[]): StoredRow[];
  /** Adds to the rows in memory, and keeps what is to be added to others. */
  add(increments: readonly StoredRow[]): void;
  /** Returns what is not in the database yet, as one change of each row. */
  takeChanges(): RowChanges[];
  /** Call this after inserting rows straight into the database. */
  noteUncachedInsert(): void;
  /** Forgets all rows. No row may be changed, unless the transaction is rolled back. */
  clear(): void;
  /** Call this with the keys of rows that were read. */
  noteRead(keys: readonly Value[]): void;
  /** Forgets the rows that are not to be kept, and the oldest ones above the limits. Call it between transactions. */
  trim(): void;
}

export function createTableRows(
  name: Table,
  indexes: readonly RowIndex<Table>[],
  { prefersFewStatements }: Pick<Statements, 'prefersFewStatements'>,
): TableRows {
  const { key, kept: keeping, columnNames, columns: described } = TABLES[name];
  const isOver = keeping?.until as ((row: StoredRow) => boolean) | undefined;
  /** Null for a key without a row in the database. */
  const rows = new Map<Value, StoredRow | null>();
  /** Primary keys by `keyOf` the columns that `find` looks up. */
  const keys = new Map<string, Value>();
  /** What the database lacks of the rows in memory: all of a row, or these columns. */
  const changed = new Map<Value, 'insert' | 'upsert' | ColumnSet>();
  /** Amounts to add to rows that are not in memory. */
  const sums = new Map<Value, StoredRow>();
  const knownRowsOfIndexes = indexes.map(createKnownRows);
  const noColumns = createColumnSets();
  const updates = createColumnGroups(noColumns, prefersFewStatements);
  const additions = createColumnGroups(noColumns, prefersFewStatements);
  let released: Value[] = [];
  let version = 0;
  let characters = 0;

  const idOf = (row: StoredRow) => row[key] as Value;
  const hasAllColumns = (row: StoredRow) => columnNames.every(column => row[column] !== undefined);
  /** A lone surrogate has no UTF-8 form, so the database would store another text than it was given. */
  const isStoredUnchanged = (row: StoredRow) =>
    Object.values(row).every(value => typeof value !== 'string' || value.isWellFormed());
  const canKeep = (all: readonly StoredRow[]) =>
    characters <= 2 * MAX_CHARACTERS && all.every(row => hasAllColumns(row) && isStoredUnchanged(row));

  /** Changes a row in memory. `newValue` is given the columns of `by`. */
  function change(row: StoredRow, by: StoredRow, newValue: (column: string) => Value) {
    const id = idOf(row);
    const from = knownRowsOfIndexes.map(each => each.valueOf(row));
    const before = changed.get(id);
    let columns = before ?? noColumns;
    for (const column in by) {
      const value = newValue(column);
      if (row[column] === value || column === key || !(column in described)) continue;
      row[column] = value;
      if (typeof columns !== 'string') columns = columns.with(column);
    }
    if (columns !== before && columns !== noColumns) changed.set(id, columns);
    knownRowsOfIndexes.forEach((each, at) => {
      each.move(row, from[at] ?? null, each.valueOf(row));
    });
  }

  function addRow(row: StoredRow, as: 'insert' | 'upsert') {
    const kept = { ...row };
    rows.set(idOf(row), kept);
    changed.set(idOf(row), as);
    sums.delete(idOf(row));
    characters += countCharacters(kept);
    for (const each of knownRowsOfIndexes) each.move(kept, null, each.valueOf(kept));
  }

  /** Forgets a row, unless it is among the known first rows of an index. */
  function drop(id: Value) {
    const row = rows.get(id);
    if (row && knownRowsOfIndexes.some(each => each.holds(row))) return;
    if (row) characters -= countCharacters(row);
    rows.delete(id);
  }

  /** A row that is only in the database changes, so the first rows of its new value in each index are unknown now. */
  function noteUncachedChange(row: StoredRow) {
    for (const each of knownRowsOfIndexes) {
      if (hasAllColumns(row)) each.forget(each.valueOf(row));
      else each.clear();
    }
  }

  return {
    name,
    key,
    get version() {
      return version;
    },
    isKnown: value => rows.has(value),
    get: value => rows.get(value) ?? undefined,
    find(columns, values) {
      const id = keys.get(keyOf(columns, values));
      return id === undefined ? undefined : (rows.get(id) ?? undefined);
    },
    knownRows(index) {
      const found = knownRowsOfIndexes.find(each => each.index === index);
      if (!found) throw new Error(`The rows of ${name} have no such index in memory`);
      return found;
    },
    keep(read) {
      const known = rows.get(idOf(read));
      if (known) return known;
      // A literal's properties are copied much faster than those of a row from the database.
      const row: StoredRow = {};
      for (const column of columnNames) row[column] = read[column] ?? null;
      rows.set(idOf(row), row);
      characters += countCharacters(row);
      return row;
    },
    keepAbsence(value) {
      rows.set(value, null);
    },
    noteKey(columns, row) {
      const values = columns.map(column => row[column] as Value);
      keys.set(keyOf(columns, values), idOf(row));
    },
    insert(inserted) {
      if (!canKeep(inserted)) return false;
      version++;
      for (const row of inserted) addRow(row, 'insert');
      return true;
    },
    upsert(upserted) {
      if (!canKeep(upserted)) return false;
      version++;
      for (const row of upserted) {
        const kept = rows.get(idOf(row));
        if (kept) {
          change(kept, row, column => row[column] ?? null);
          continue;
        }
        for (const each of knownRowsOfIndexes) each.forget(each.valueOf(row));
        addRow(row, 'upsert');
      }
      return true;
    },
    update(updated) {
      if (updated.length > 0) version++;
      return updated.filter(by => {
        const kept = rows.get(idOf(by));
        if (kept) change(kept, by, column => by[column] ?? null);
        else noteUncachedChange(by);
        return !kept;
      });
    },
    add(increments) {
      if (increments.length > 0) version++;
      for (const by of increments) {
        const kept = rows.get(idOf(by));
        if (kept) {
          change(kept, by, column => numberIn(kept[column]) + numberIn(by[column]));
          continue;
        }
        const sum = sums.get(idOf(by)) ?? { [key]: idOf(by) };
        sums.set(idOf(by), sum);
        for (const column in by)
          if (column !== key && by[column] !== 0) sum[column] = numberIn(sum[column]) + numberIn(by[column]);
        noteUncachedChange(by);
      }
    },
    takeChanges() {
      if (changed.size === 0 && sums.size === 0) return [];
      const whole = { insert: [] as StoredRow[], upsert: [] as StoredRow[] };
      for (const [id, how] of changed) {
        const row = rows.get(id);
        if (!row) continue;
        if (typeof how === 'string') whole[how].push(row);
        else updates.put(how, row);
        if (!keeping) rows.delete(id);
        else if (isOver?.(row)) released.push(id);
      }
      for (const sum of sums.values()) {
        let columns = noColumns;
        for (const column in sum) if (column !== key && sum[column] !== 0) columns = columns.with(column);
        if (columns !== noColumns) additions.put(columns, sum);
      }
      changed.clear();
      sums.clear();
      const changes: RowChanges[] = [
        { kind: 'insert', columns: columnNames, rows: whole.insert },
        { kind: 'upsert', columns: columnNames, rows: whole.upsert },
        ...updates.take().map(group => ({ kind: 'update' as const, ...group })),
        ...additions.take().map(group => ({ kind: 'add' as const, ...group })),
      ];
      return changes.filter(({ rows }) => rows.length > 0);
    },
    noteUncachedInsert() {
      version++;
      for (const each of knownRowsOfIndexes) each.clear();
      for (const [id, row] of rows) if (row === null) rows.delete(id);
    },
    clear() {
      version++;
      rows.clear();
      keys.clear();
      changed.clear();
      sums.clear();
      released = [];
      characters = 0;
      for (const each of knownRowsOfIndexes) each.clear();
    },
    noteRead(values) {
      if (keeping?.readOnce) released.push(...values);
    },
    trim() {
      if (!keeping) {
        // Emptying a map makes a new table for it, and most tables are in no batch.
        if (rows.size > 0 || characters > 0) this.clear();
        return;
      }
      for (const id of released) drop(id);
      released = [];
      if (rows.size <= MAX_ROWS && characters <= MAX_CHARACTERS) return;
      for (const id of rows.keys()) {
        if (rows.size <= MAX_ROWS / 2 && characters <= MAX_CHARACTERS / 2) break;
        drop(id);
      }
      for (const [composite, id] of keys) if (!rows.has(id)) keys.delete(composite);
    },
  };
}

/** A damaged row may have something else where a number belongs. */
const numberIn = (value: Value | undefined) => (typeof value === 'number' ? value : 0);

const keyOf = (columns: readonly string[], values: readonly Value[]) =>
  JSON.stringify([columns.join(), ...values]);

/** An estimate of a row's size: the characters of its texts. */
function countCharacters(row: StoredRow): number {
  let sum = 0;
  for (const column in row) {
    const value = row[column];
    if (typeof value === 'string') sum += value.length;
  }
  return sum;
}
