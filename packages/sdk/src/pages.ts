import type { RequestOptions } from './options.ts';
import type { Query, Transport } from './transport.ts';

/** One page of a list. */
export interface Page<Item> {
  items: Item[];
  /** The `cursor` for the next page, which files and batches call `after`. `null` on the last page. */
  cursor: string | null;
}

/** A list. Iterate over its items, which are fetched page by page as needed, or over its pages. */
export interface Paged<Item> extends AsyncIterable<Item> {
  /** Fetches one page only: the one that the query names. */
  page(): Promise<Page<Item>>;
  pages(): AsyncIterable<Page<Item>>;
}

/** Returns the items of a page, and the query for the next page. */
export type ReadPage<Item> = (body: unknown, headers: Headers) => { items: Item[]; next: Query | null };

/** Reads an array whose next page is in the `Link` header. */
const readLinked: ReadPage<never> = (body, headers) => ({
  items: body as never[],
  next: nextQuery(headers.get('link')),
});

/** Reads a page in the shape of OpenAI's API. */
export function readOpenAiPage<Item>(body: unknown): { items: Item[]; next: Query | null } {
  const { data, has_more, last_id } = body as { data: Item[]; has_more: boolean; last_id: string | null };
  return { items: data, next: has_more && last_id !== null ? { after: last_id } : null };
}

export function paged<Item>(
  transport: Transport,
  path: string,
  query: Query = {},
  options: RequestOptions = {},
  read: ReadPage<Item> = readLinked,
): Paged<Item> {
  const fetchPage = async (at: Query) => {
    const { body, headers } = await transport<unknown>({ path, query: at, fresh: true }, options);
    return read(body, headers);
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
  const cursor = next?.cursor ?? next?.after;
  return cursor === undefined ? null : String(cursor);
}

/**
 * Returns the query of the `rel="next"` link (RFC 8288). Only the query is used: all pages come from the
 * first one's path, so that the API key is never sent elsewhere.
 */
function nextQuery(header: string | null): Query | null {
  for (const [, target = '', parameters = ''] of (header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters);
    if ((relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) {
      return Object.fromEntries(new URL(target, 'http://base.invalid').searchParams);
    }
  }
  return null;
}
