import type { RowIndex } from '../indexes.ts';
import { PRIMARY_KEYS, type Table } from '../schema.ts';
import type { Value } from '../transaction.ts';
import { type CachedRow, createKnownRows, type KnownRows } from './known-rows.ts';

/** Rows that are kept of a table, and characters of their texts, at most. */
const MOST_ROWS = 20_000;
const MOST_CHARACTERS = 32_000_000;

/** What changed in a table and is not in the database yet. */
export interface Dirty {
  inserted: CachedRow[];
  upserted: CachedRow[];
  updated: CachedRow[];
  /** Those that `updated` may have changed. */
  columns: readonly string[];
}

/** Rows of a table as a transaction would read them. The rows that it gives out are its own. */
export interface CachedTable {
  readonly name: Table;
  readonly key: string;
  /** Another one after each change. */
  readonly version: number;
  /** Whether `get` can tell. */
  knows(key: Value): boolean;
  get(key: Value): CachedRow | undefined;
  find(columns: readonly string[], key: readonly Value[]): CachedRow | undefined;
  knownRows(index: RowIndex<Table>): KnownRows;
  /** Keeps what was read, unless something newer is kept. Answers what is kept. */
  keep(row: CachedRow): CachedRow;
  keepAbsence(key: Value): void;
  /** Notes that `find` may look the row up by these columns. */
  noteKey(columns: readonly string[], row: CachedRow): void;
  /** False where they can't be kept, and nothing was done. */
  insert(rows: readonly CachedRow[]): boolean;
  upsert(rows: readonly CachedRow[]): boolean;
  /** Answers the rows that are not kept, to be changed in the database. */
  update(columns: readonly string[], rows: readonly CachedRow[]): CachedRow[];
  add(differences: readonly CachedRow[]): CachedRow[];
  takeDirty(): Dirty;
  /** Rows have come that are not known here. */
  insertedElsewhere(): void;
  /** Forgets everything, which must not be dirty unless its transaction is rolled back. */
  clear(): void;
  /** Nobody will ask for them again soon. */
  release(keys: readonly Value[]): void;
  /** Forgets what was released and what is too much, between transactions. */
  trim(): void;
}

export function createCachedTable(
  name: Table,
  allColumns: readonly string[],
  indexes: readonly RowIndex<Table>[],
  isOver: (row: CachedRow) => boolean = () => false,
): CachedTable {
  const key: string = PRIMARY_KEYS[name];
  /** Null for what is known not to be there. */
  const rows = new Map<Value, CachedRow | null>();
  const keys = new Map<string, Value>();
  const dirty = new Map<Value, keyof Omit<Dirty, 'columns'>>();
  /** All that ever changed: a statement that is always the same is prepared once. */
  const changing = new Set<string>();
  const known = indexes.map(createKnownRows);
  let released: Value[] = [];
  let version = 0;
  let characters = 0;

  const isWhole = (row: CachedRow) => allColumns.every(column => row[column] !== undefined);
  /** UTF-8 has no half of a surrogate pair: what the database keeps is not what it was given. */
  const isKeptAsItIs = (row: CachedRow) =>
    Object.values(row).every(value => typeof value !== 'string' || value.isWellFormed());

  function change(row: CachedRow, columns: readonly string[], apply: () => void) {
    const from = known.map(each => each.valueOf(row));
    apply();
    for (const [at, each] of known.entries()) each.move(row, from[at] ?? null, each.valueOf(row));
    for (const column of columns) changing.add(column);
    const id = row[key] as Value;
    if (!dirty.has(id)) dirty.set(id, 'updated');
  }

  /** Changes these columns of the rows that are kept. Answers what is to be done to the others. */
  function alter(
    changes: readonly CachedRow[],
    columns: readonly string[],
    apply: (kept: CachedRow, by: CachedRow) => void,
  ): CachedRow[] {
    if (changes.length === 0) return [];
    version++;
    return changes.filter(by => {
      const kept = rows.get(by[key] as Value);
      if (kept) change(kept, columns, () => apply(kept, by));
      else changedElsewhere(by);
      return !kept;
    });
  }

  function put(row: CachedRow, as: 'inserted' | 'upserted') {
    const kept = { ...row };
    rows.set(row[key] as Value, kept);
    dirty.set(row[key] as Value, as);
    characters += charactersOf(kept);
    for (const each of known) each.move(kept, null, each.valueOf(kept));
  }

  /** Unless it is among the first of an index. */
  function drop(id: Value) {
    const row = rows.get(id);
    if (row && known.some(each => each.holds(row))) return;
    if (row) characters -= charactersOf(row);
    rows.delete(id);
  }

  /** It is in the database and not here, so it is under none of the values that are known. It may come under one. */
  function changedElsewhere(row: CachedRow) {
    for (const each of known) {
      if (isWhole(row)) each.forget(each.valueOf(row));
      else each.clear();
    }
  }

  return {
    name,
    key,
    get version() {
      return version;
    },
    knows: value => rows.has(value),
    get: value => rows.get(value) ?? undefined,
    find(columns, values) {
      const id = keys.get(keyOf(columns, values));
      return id === undefined ? undefined : (rows.get(id) ?? undefined);
    },
    knownRows(index) {
      const found = known.find(each => each.index === index);
      if (!found) throw new Error(`No such index is kept of ${name}`);
      return found;
    },
    keep(row) {
      const kept = rows.get(row[key] as Value);
      if (kept) return kept;
      rows.set(row[key] as Value, row);
      characters += charactersOf(row);
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
      if (!inserted.every(row => isWhole(row) && isKeptAsItIs(row))) return false;
      version++;
      for (const row of inserted) put(row, 'inserted');
      return true;
    },
    upsert(upserted) {
      if (!upserted.every(row => isWhole(row) && isKeptAsItIs(row))) return false;
      version++;
      for (const row of upserted) {
        const kept = rows.get(row[key] as Value);
        if (!kept) {
          for (const each of known) each.forget(each.valueOf(row));
          put(row, 'upserted');
          continue;
        }
        change(kept, allColumns, () => Object.assign(kept, row));
      }
      return true;
    },
    update(columns, updated) {
      return alter(updated, columns, (kept, row) => {
        for (const column of columns) kept[column] = row[column] ?? null;
      });
    },
    add(differences) {
      const columns = Object.keys(differences[0] ?? {}).filter(column => column !== key);
      return alter(differences, columns, (kept, by) => {
        for (const column of columns) kept[column] = (kept[column] as number) + (by[column] as number);
      });
    },
    takeDirty() {
      const taken: Dirty = {
        inserted: [],
        upserted: [],
        updated: [],
        columns: [...changing].filter(column => column !== key),
      };
      for (const [id, as] of dirty) {
        const row = rows.get(id);
        if (!row) continue;
        taken[as].push(row);
        if (isOver(row)) released.push(id);
      }
      dirty.clear();
      return taken;
    },
    insertedElsewhere() {
      version++;
      for (const each of known) each.clear();
      for (const [id, row] of rows) if (row === null) rows.delete(id);
    },
    clear() {
      version++;
      rows.clear();
      keys.clear();
      dirty.clear();
      released = [];
      characters = 0;
      for (const each of known) each.clear();
    },
    release(values) {
      released.push(...values);
    },
    trim() {
      for (const id of released) drop(id);
      released = [];
      if (rows.size <= MOST_ROWS && characters <= MOST_CHARACTERS) return;
      for (const id of rows.keys()) {
        if (rows.size <= MOST_ROWS / 2 && characters <= MOST_CHARACTERS / 2) break;
        drop(id);
      }
      for (const [composite, id] of keys) if (!rows.has(id)) keys.delete(composite);
    },
  };
}

const keyOf = (columns: readonly string[], values: readonly Value[]) =>
  JSON.stringify([columns.join(), ...values]);

/** About, and of what is long. */
function charactersOf(row: CachedRow): number {
  let sum = 0;
  for (const column in row) {
    const value = row[column];
    if (typeof value === 'string') sum += value.length;
  }
  return sum;
}
