import { Increments } from '../increments.ts';

interface TableIncrements {
  key: string;
  columns: readonly string[];
  increments: Increments<string | number, string>;
}

/** Amounts that wait to be added to rows, merged so that each row is updated once. */
export interface PendingIncrements {
  add(table: string, key: string, rows: readonly object[]): void;
  /** The tables with waiting increments. */
  tables(): readonly string[];
  /** Whether increments of one of these columns wait. */
  affects(table: string, columns: readonly string[]): boolean;
  /** Removes and returns a table's waiting increments. */
  take(table: string): { key: string; rows: object[] }[];
  clear(): void;
}

export function createPendingIncrements(): PendingIncrements {
  const waiting = new Map<string, Map<string, TableIncrements>>();
  return {
    add(table, key, rows) {
      if (!rows[0]) return;
      const columns = Object.keys(rows[0]).filter(column => column !== key);
      const shape = [key, ...columns].join();
      const shapes = waiting.get(table) ?? new Map<string, TableIncrements>();
      const sums = shapes.get(shape) ?? { key, columns, increments: new Increments(columns) };
      waiting.set(table, shapes.set(shape, sums));
      for (const row of rows as Record<string, number>[])
        sums.increments.addRow(row[key] as string | number, row);
    },
    tables: () => [...waiting.keys()],
    affects(table, columns) {
      const shapes = [...(waiting.get(table)?.values() ?? [])];
      return shapes.some(shape => shape.columns.some(column => columns.includes(column)));
    },
    take(table) {
      const shapes = [...(waiting.get(table)?.values() ?? [])];
      waiting.delete(table);
      return shapes.map(({ key, increments }) => ({ key, rows: increments.rows(key) }));
    },
    clear: () => waiting.clear(),
  };
}
