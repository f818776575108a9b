/** A page of a list. */
export interface ListPage<Item, Place = string> {
  items: Item[];
  /** The place after which the next page starts. Undefined where this page is the last one. */
  next: Place | undefined;
}

/** The place of the last row of a page that is full: only then there may be another page. */
export function nextPlace<Row, Place>(
  rows: readonly Row[],
  limit: number,
  placeOf: (row: Row) => Place,
): Place | undefined {
  const last = rows.at(-1);
  return last === undefined || rows.length < limit ? undefined : placeOf(last);
}
