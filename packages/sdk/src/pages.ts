import type { RequestOptions } from './options.ts';
import type { Query, Transport } from './transport.ts';

/** One answer to a list call. */
export interface Page<Item> {
  items: Item[];
  /** Where the next page starts: give it to the same call as its `cursor`, or `after` of files and batches. `null` on the last page. */
  cursor: string | null;
}

/** A list: iterate over its items, fetched page by page as they are needed, or over its pages. */
export interface Paged<Item> extends AsyncIterable<Item> {
  /** The page that the query names, and no further request. */
  page(): Promise<Page<Item>>;
  pages(): AsyncIterable<Page<Item>>;
}

/** What an answer holds of a list, and the query of the next page. */
export type ReadPage<Item> = (body: unknown, headers: Headers) => { items: Item[]; next: Query | null };

/** Pages of an array, with the next one in the `Link` header. */
const readLinked: ReadPage<never> = (body, headers) => ({
  items: body as never[],
  next: nextQuery(headers.get('link')),
});

/** Pages in the shape of OpenAI's API. */
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
