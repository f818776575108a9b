import type { RowIndex } from '../indexes.ts';
import { PRIMARY_KEYS, type Table } from '../schema.ts';
import type { Value } from '../transaction.ts';
import { type CachedRow, createKnownRows, type KnownRows } from './known-rows.ts';

/** How many rows of a table, and how many characters of their texts, are kept in memory at most. */
const MAX_ROWS = 20_000;
const MAX_CHARACTERS = 32_000_000;

/** The rows of a table that changed in memory and are not yet in the database. */
interface DirtyRows {
  inserted: CachedRow[];
  upserted: CachedRow[];
  updated: CachedRow[];
  /** The columns in which the rows of `updated` may differ from the database. */
  columns: readonly string[];
}

/** A table's rows in memory, as a transaction would read them. Callers must not change the rows that it returns. */
export interface CachedTable {
  readonly name: Table;
  readonly key: string;
  /** Increases with each change. */
  readonly version: number;
  /** Whether the row with this key, or its absence, is in memory. */
  isKnown(key: Value): boolean;
  get(key: Value): CachedRow | undefined;
  find(columns: readonly string[], key: readonly Value[]): CachedRow | undefined;
  knownRows(index: RowIndex<Table>): KnownRows;
  /** Keeps a row that was read, unless a newer version is in memory. Returns the row in memory. */
  keep(row: CachedRow): CachedRow;
  keepAbsence(key: Value): void;
  /** Lets `find` look the row up by these columns. */
  noteKey(columns: readonly string[], row: CachedRow): void;
  /** Returns false, and does nothing, where the rows can't be kept in memory. */
  insert(rows: readonly CachedRow[]): boolean;
  upsert(rows: readonly CachedRow[]): boolean;
  /** Changes the rows in memory. Returns the other rows, which the caller must update in the database. */
  update(columns: readonly string[], rows: readonly CachedRow[]): CachedRow[];
  /** As `update`, for amounts to add. */
  add(increments: readonly CachedRow[]): CachedRow[];
  takeDirty(): DirtyRows;
  /** Call this after inserting rows straight into the database. */
  noteUncachedInsert(): void;
  /** Forgets all rows. No row may be dirty, unless the transaction is rolled back. */
  clear(): void;
  /** Marks rows that will not be needed again soon. */
  release(keys: readonly Value[]): void;
  /** Forgets the released rows, and the oldest ones above the limits. Call it between transactions. */
  trim(): void;
}

export function createCachedTable(
  name: Table,
  allColumns: readonly string[],
  indexes: readonly RowIndex<Table>[],
  isFinished: (row: CachedRow) => boolean = () => false,
): CachedTable {
  const key: string = PRIMARY_KEYS[name];
  /** Null for a key without a row in the database. */
  const rows = new Map<Value, CachedRow | null>();
  /** Primary keys by `keyOf` the columns that `find` looks up. */
  const keys = new Map<string, Value>();
  const dirty = new Map<Value, keyof Omit<DirtyRows, 'columns'>>();
  /** All columns that ever changed, so that the update statement stays the same and is prepared once. */
  const changedColumns = new Set<string>();
  const knownRowsOfIndexes = indexes.map(createKnownRows);
  let released: Value[] = [];
  let version = 0;
  let characters = 0;

  const hasAllColumns = (row: CachedRow) => allColumns.every(column => row[column] !== undefined);
  /** A lone surrogate has no UTF-8 form, so the database would store another text than it was given. */
  const isStoredUnchanged = (row: CachedRow) =>
    Object.values(row).every(value => typeof value !== 'string' || value.isWellFormed());

  function change(row: CachedRow, columns: readonly string[], apply: () => void) {
    const from = knownRowsOfIndexes.map(each => each.valueOf(row));
    apply();
    for (const [at, each] of knownRowsOfIndexes.entries())
      each.move(row, from[at] ?? null, each.valueOf(row));
    for (const column of columns) changedColumns.add(column);
    const id = row[key] as Value;
    if (!dirty.has(id)) dirty.set(id, 'updated');
  }

  /** Changes these columns of the rows in memory. Returns the changes to all other rows. */
  function changeRows(
    changes: readonly CachedRow[],
    columns: readonly string[],
    apply: (kept: CachedRow, by: CachedRow) => void,
  ): CachedRow[] {
    if (changes.length === 0) return [];
    version++;
    return changes.filter(by => {
      const kept = rows.get(by[key] as Value);
      if (kept) change(kept, columns, () => apply(kept, by));
      else noteUncachedChange(by);
      return !kept;
    });
  }

  function addRow(row: CachedRow, as: 'inserted' | 'upserted') {
    const kept = { ...row };
    rows.set(row[key] as Value, kept);
    dirty.set(row[key] as Value, as);
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
  function noteUncachedChange(row: CachedRow) {
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
      if (!found) throw new Error(`The cache of ${name} has no such index`);
      return found;
    },
    keep(row) {
      const kept = rows.get(row[key] as Value);
      if (kept) return kept;
      rows.set(row[key] as Value, row);
      characters += countCharacters(row);
      return row;
    },
    keepAbsence(value) {
      rows.set(value, null);
    },
    noteKey(columns, row) {
      const values = columns.map(column => row[column] as Value);
      keys.set(keyOf(columns, values), row[key] as Value);
    },
    insert(inserted) {
      if (!inserted.every(row => hasAllColumns(row) && isStoredUnchanged(row))) return false;
      version++;
      for (const row of inserted) addRow(row, 'inserted');
      return true;
    },
    upsert(upserted) {
      if (!upserted.every(row => hasAllColumns(row) && isStoredUnchanged(row))) return false;
      version++;
      for (const row of upserted) {
        const kept = rows.get(row[key] as Value);
        if (!kept) {
          for (const each of knownRowsOfIndexes) each.forget(each.valueOf(row));
          addRow(row, 'upserted');
          continue;
        }
        change(kept, allColumns, () => Object.assign(kept, row));
      }
      return true;
    },
    update(columns, updated) {
      return changeRows(updated, columns, (kept, row) => {
        for (const column of columns) kept[column] = row[column] ?? null;
      });
    },
    add(increments) {
      const columns = Object.keys(increments[0] ?? {}).filter(column => column !== key);
      return changeRows(increments, columns, (kept, by) => {
        for (const column of columns) kept[column] = numberIn(kept[column]) + numberIn(by[column]);
      });
    },
    takeDirty() {
      const taken: DirtyRows = {
        inserted: [],
        upserted: [],
        updated: [],
        columns: [...changedColumns].filter(column => column !== key),
      };
      for (const [id, as] of dirty) {
        const row = rows.get(id);
        if (!row) continue;
        taken[as].push(row);
        if (isFinished(row)) released.push(id);
      }
      dirty.clear();
      return taken;
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
      dirty.clear();
      released = [];
      characters = 0;
      for (const each of knownRowsOfIndexes) each.clear();
    },
    release(values) {
      released.push(...values);
    },
    trim() {
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
function countCharacters(row: CachedRow): number {
  let sum = 0;
  for (const column in row) {
    const value = row[column];
    if (typeof value === 'string') sum += value.length;
  }
  return sum;
}
