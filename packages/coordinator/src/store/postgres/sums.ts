type Differences = Record<string, number>;

interface TableSums {
  key: string;
  columns: readonly string[];
  byKey: Map<string | number, Differences>;
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
      const sums = shapes.get(shape) ?? { key, columns, byKey: new Map() };
      waiting.set(table, shapes.set(shape, sums));
      for (const row of rows as Record<string, number>[]) {
        const id = row[key] as string | number;
        const sum = sums.byKey.get(id) ?? Object.fromEntries(columns.map(column => [column, 0]));
        for (const column of columns) sum[column] = (sum[column] ?? 0) + (row[column] ?? 0);
        sums.byKey.set(id, sum);
      }
    },
    tables: () => [...waiting.keys()],
    touch(table, columns) {
      const shapes = [...(waiting.get(table)?.values() ?? [])];
      return shapes.some(shape => shape.columns.some(column => columns.includes(column)));
    },
    take(table) {
      const shapes = [...(waiting.get(table)?.values() ?? [])];
      waiting.delete(table);
      return shapes.map(({ key, byKey }) => ({
        key,
        rows: [...byKey].map(([id, sum]) => ({ [key]: id, ...sum })),
      }));
    },
    clear: () => waiting.clear(),
  };
}
