import { Increments } from '../increments.ts';

interface TableSums {
  key: string;
  columns: readonly string[];
  increments: Increments<string | number, string>;
}

/** Differences that wait to be added to rows, merged so that each row is moved once. */
export interface Sums {
  add(table: string, key: string, rows: readonly object[]): void;
  /** The tables in which something waits. */
  tables(): readonly string[];
  /** Whether something waits for one of these columns. */
  touch(table: string, columns: readonly string[]): boolean;
  /** What waits for a table, and waits no longer. */
  take(table: string): { key: string; rows: object[] }[];
  clear(): void;
}

export function createSums(): Sums {
  const waiting = new Map<string, Map<string, TableSums>>();
  return {
    add(table, key, rows) {
      if (!rows[0]) return;
      const columns = Object.keys(rows[0]).filter(column => column !== key);
      const shape = [key, ...columns].join();
      const shapes = waiting.get(table) ?? new Map<string, TableSums>();
      const sums = shapes.get(shape) ?? { key, columns, increments: new Increments(columns) };
      waiting.set(table, shapes.set(shape, sums));
      for (const row of rows as Record<string, number>[])
        sums.increments.addRow(row[key] as string | number, row);
    },
    tables: () => [...waiting.keys()],
    touch(table, columns) {
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
