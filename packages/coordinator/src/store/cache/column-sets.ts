import type { StoredRow } from '../statements.ts';

/** A set of columns. Equal sets are the same object, so that rows with the same changes are found without comparing. */
export interface ColumnSet {
  readonly columns: readonly string[];
  with(column: string): ColumnSet;
  withAll(other: ColumnSet): ColumnSet;
}

/** Returns the empty set, from which all others are made. */
export function createColumnSets(): ColumnSet {
  const made = new Map<string, ColumnSet>();

  function setOf(columns: readonly string[]): ColumnSet {
    const name = columns.join();
    const known = made.get(name);
    if (known) return known;
    const larger = new Map<string, ColumnSet>();
    const set: ColumnSet = {
      columns,
      with(column) {
        const next = larger.get(column) ?? setOf([...new Set([...columns, column])].sort());
        larger.set(column, next);
        return next;
      },
      withAll: other => other.columns.reduce((sum, column) => sum.with(column), set),
    };
    made.set(name, set);
    return set;
  }

  return setOf([]);
}

/** Rows by the columns that a statement writes. */
interface ColumnGroup {
  columns: readonly string[];
  rows: StoredRow[];
}

/** Collects rows by their columns. With `few`, they are one group, with all columns that any row ever had. */
export function createColumnGroups(none: ColumnSet, few: boolean) {
  let ever = none;
  let groups = new Map<ColumnSet, StoredRow[]>();
  return {
    put(columns: ColumnSet, row: StoredRow) {
      const rows = groups.get(columns);
      if (rows) rows.push(row);
      else groups.set(columns, [row]);
    },
    /** Returns the groups, and empties them. */
    take(): ColumnGroup[] {
      const taken = groups;
      if (taken.size === 0) return [];
      groups = new Map();
      if (!few) return [...taken].map(([{ columns }, rows]) => ({ columns, rows }));
      for (const columns of taken.keys()) ever = ever.withAll(columns);
      return [{ columns: ever.columns, rows: [...taken.values()].flat() }];
    },
  };
}
