import type { RequestOptions } from './options.ts';
import type { Query, Transport } from './transport.ts';

/** One answer to a list call. */
export interface Page<Item> {
  items: Item[];
  /** Where the next page starts: give it to the same call. `null` on the last page. */
  cursor: string | null;
}

/** A list: iterate over its items, fetched page by page as they are needed, or over its pages. */
export interface Paged<Item> extends AsyncIterable<Item> {
  /** The page that the query names, and no further request. */
  page(): Promise<Page<Item>>;
  pages(): AsyncIterable<Page<Item>>;
}

export function paged<Item>(
  transport: Transport,
  path: string,
  query: Query = {},
  options: RequestOptions = {},
): Paged<Item> {
  const fetchPage = async (at: Query) => {
    const { body, headers } = await transport<Item[]>({ path, query: at, fresh: true }, options);
    return { items: body, next: nextQuery(headers.get('link')) };
  };
  async function* pages(): AsyncGenerator<Page<Item>> {
    for (let at: Query | null = query; at; ) {
      const { items, next }: { items: Item[]; next: Query | null } = await fetchPage(at);
      yield { items, cursor: cursorOf(next) };
      at = next && { ...query, ...next };
    }
  }
  return {
    async page() {
      const { items, next } = await fetchPage(query);
      return { items, cursor: cursorOf(next) };
    },
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { items } of pages()) yield* items;
    },
  };
}

function cursorOf(next: Query | null): string | null {
  return next?.cursor === undefined ? null : String(next.cursor);
}

/**
 * The query of the `rel="next"` link (RFC 8288). Only its query is taken: a list goes on at the path it began
 * at, so that a key is never sent elsewhere.
 */
export function nextQuery(header: string | null): Query | null {
  for (const [, target = '', parameters = ''] of (header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters);
    if ((relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) {
      return Object.fromEntries(new URL(target, 'http://base.invalid').searchParams);
    }
  }
  return null;
}
