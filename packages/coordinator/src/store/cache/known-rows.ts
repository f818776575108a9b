import type { RowIndex } from '../indexes.ts';
import type { Table } from '../schema.ts';
import type { StoredRow } from '../statements.ts';
import type { Value } from '../transaction.ts';

interface KnownPrefix {
  /** The first rows, sorted as in the index. */
  rows: StoredRow[];
  /** Whether these are all rows. */
  isAll: boolean;
}

/** For how many values of an index the first rows are known, and how many rows of one value, at most. */
const MAX_VALUES = 1_000;
const MAX_ROWS = 2_000;

/** The known first rows of an index for each value of its column. The rows belong to the table's cache. */
export interface KnownRows {
  readonly index: RowIndex<Table>;
  /** A row's value in the index, or null where the index does not include the row. */
  valueOf(row: StoredRow): Value;
  /** The first `limit` rows of a value, or undefined where fewer are known and there may be more. */
  first(value: Value, limit: number): readonly StoredRow[] | undefined;
  /** Stores the first rows of a value as they were read. `isAll` says whether there are no others. */
  learn(value: Value, rows: StoredRow[], isAll: boolean): void;
  /** Moves a row from one value to another. `from` is null for a new row, `to` for one that left the index. */
  move(row: StoredRow, from: Value, to: Value): void;
  holds(row: StoredRow): boolean;
  forget(value: Value): void;
  clear(): void;
}

export function createKnownRows(index: RowIndex<Table>): KnownRows {
  const known = new Map<Value, KnownPrefix>();
  const order = index.order as readonly string[];

  const compare = (a: StoredRow, b: StoredRow): number => {
    for (const column of order) {
      const [one, other] = [a[column] as never, b[column] as never];
      if (one !== other) return one < other ? -1 : 1;
    }
    return 0;
  };

  const indexValueOf = (row: StoredRow): Value =>
    index.includes(row as never) ? (row[index.column] ?? null) : null;

  /** The position at which a row is, or would be inserted. */
  function findPosition(rows: readonly StoredRow[], row: StoredRow): number {
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(rows[middle] as StoredRow, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  const isAt = (rows: readonly StoredRow[], place: number, row: StoredRow) => {
    const found = rows[place];
    return found !== undefined && compare(found, row) === 0;
  };

  function remove({ rows }: KnownPrefix, row: StoredRow) {
    const place = findPosition(rows, row);
    if (!isAt(rows, place, row)) return;
    // Most rows leave at the front, where `shift` is faster than `splice`.
    if (place === 0) rows.shift();
    else rows.splice(place, 1);
  }

  function insert(here: KnownPrefix, row: StoredRow) {
    const { rows, isAll } = here;
    const place = findPosition(rows, row);
    // Behind the last known row, unknown rows may come before this one.
    if (place === rows.length && !isAll) return;
    rows.splice(place, 0, row);
    if (rows.length <= MAX_ROWS) return;
    rows.length = MAX_ROWS / 2;
    here.isAll = false;
  }

  return {
    index,
    valueOf: indexValueOf,
    first(value, limit) {
      const here = known.get(value);
      if (!here || (!here.isAll && here.rows.length < limit)) return undefined;
      return here.rows.slice(0, limit);
    },
    learn(value, rows, isAll) {
      if (rows.length > MAX_ROWS) return;
      known.delete(value);
      known.set(value, { rows, isAll });
      const [oldest] = known.keys();
      if (known.size > MAX_VALUES && oldest !== undefined) known.delete(oldest);
    },
    move(row, from, to) {
      if (from === to) return;
      const [left, entered] = [known.get(from), known.get(to)];
      if (from !== null && left) remove(left, row);
      if (to !== null && entered) insert(entered, row);
    },
    holds(row) {
      const here = known.get(indexValueOf(row));
      return here !== undefined && isAt(here.rows, findPosition(here.rows, row), row);
    },
    forget(value) {
      known.delete(value);
    },
    clear: () => known.clear(),
  };
}
