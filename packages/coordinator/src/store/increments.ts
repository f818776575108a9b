/** Amounts to add to numeric columns, by the row's key, merged so that a batch changes each row once. */
export class Increments<Key extends string | number, Column extends string> {
  readonly #columns: readonly Column[];
  readonly #byKey = new Map<Key, Record<Column, number>>();

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  keys(): Iterable<Key> {
    return this.#byKey.keys();
  }

  get(key: Key): Readonly<Record<Column, number>> | undefined {
    return this.#byKey.get(key);
  }

  add(key: Key, column: Column, by: number): void {
    this.#rowOf(key)[column] += by;
  }

  addRow(key: Key, row: Partial<Record<Column, number>>): void {
    const sums = this.#rowOf(key);
    for (const column of this.#columns) sums[column] += row[column] ?? 0;
  }

  /** Returns the amounts as rows for `Transaction.add`, all with the same columns. */
  rows<Name extends string>(key: Name): ({ [N in Name]: Key } & Record<Column, number>)[] {
    return [...this.#byKey].map(([id, sums]) => ({ ...sums, [key]: id }) as never);
  }

  #rowOf(key: Key): Record<Column, number> {
    const known = this.#byKey.get(key);
    if (known) return known;
    const zeros = Object.fromEntries(this.#columns.map(column => [column, 0])) as Record<Column, number>;
    this.#byKey.set(key, zeros);
    return zeros;
  }
}
