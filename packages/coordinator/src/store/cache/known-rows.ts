import type { RowIndex } from '../indexes.ts';
import type { Table } from '../schema.ts';
import type { Value } from '../transaction.ts';

export type CachedRow = Record<string, Value>;

interface Known {
  /** The first rows, in the order of the index. */
  rows: CachedRow[];
  /** There are no others. */
  isAll: boolean;
}

/** Values of an index about which something is known, and rows that are known of one, at most. */
const MOST_VALUES = 1_000;
const MOST_ROWS = 2_000;

/** The first rows of an index for each value of its column, as far as they are known. Holds no rows of its own. */
export interface KnownRows {
  readonly index: RowIndex<Table>;
  /** The value that a row stands under, or null where the index leaves it out. */
  valueOf(row: CachedRow): Value;
  /** The first rows of a value; undefined where not so many are known. */
  first(value: Value, limit: number): readonly CachedRow[] | undefined;
  /** What was read: the first rows of a value, or all of them. */
  learn(value: Value, rows: CachedRow[], isAll: boolean): void;
  /** A row has changed from one value to another, or has come (`from` null), or is out (`to` null). */
  move(row: CachedRow, from: Value, to: Value): void;
  holds(row: CachedRow): boolean;
  forget(value: Value): void;
  clear(): void;
}

export function createKnownRows(index: RowIndex<Table>): KnownRows {
  const known = new Map<Value, Known>();
  const order = index.order as readonly string[];

  const compare = (a: CachedRow, b: CachedRow): number => {
    for (const column of order) {
      const [one, other] = [a[column] as never, b[column] as never];
      if (one !== other) return one < other ? -1 : 1;
    }
    return 0;
  };

  const standsUnder = (row: CachedRow): Value =>
    index.includes(row as never) ? (row[index.column] ?? null) : null;

  /** Where a row stands, or would stand. */
  function placeOf(rows: readonly CachedRow[], row: CachedRow): number {
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(rows[middle] as CachedRow, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  const isAt = (rows: readonly CachedRow[], place: number, row: CachedRow) => {
    const found = rows[place];
    return found !== undefined && compare(found, row) === 0;
  };

  function remove({ rows }: Known, row: CachedRow) {
    const place = placeOf(rows, row);
    if (!isAt(rows, place, row)) return;
    // Most leave at the head, where this is a move of the rest and no search.
    if (place === 0) rows.shift();
    else rows.splice(place, 1);
  }

  function insert(here: Known, row: CachedRow) {
    const { rows, isAll } = here;
    const place = placeOf(rows, row);
    // Beyond what is known, others may stand before it.
    if (place === rows.length && !isAll) return;
    rows.splice(place, 0, row);
    if (rows.length <= MOST_ROWS) return;
    rows.length = MOST_ROWS / 2;
    here.isAll = false;
  }

  return {
    index,
    valueOf: standsUnder,
    first(value, limit) {
      const here = known.get(value);
      if (!here || (!here.isAll && here.rows.length < limit)) return undefined;
      return here.rows.slice(0, limit);
    },
    learn(value, rows, isAll) {
      if (rows.length > MOST_ROWS) return;
      known.delete(value);
      known.set(value, { rows, isAll });
      const [oldest] = known.keys();
      if (known.size > MOST_VALUES && oldest !== undefined) known.delete(oldest);
    },
    move(row, from, to) {
      if (from === to) return;
      const [left, entered] = [known.get(from), known.get(to)];
      if (from !== null && left) remove(left, row);
      if (to !== null && entered) insert(entered, row);
    },
    holds(row) {
      const here = known.get(standsUnder(row));
      return here !== undefined && isAt(here.rows, placeOf(here.rows, row), row);
    },
    forget(value) {
      known.delete(value);
    },
    clear: () => known.clear(),
  };
}
