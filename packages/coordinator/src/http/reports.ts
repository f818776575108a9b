import { stringify } from 'csv-stringify/sync';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type TSchema, Type } from 'typebox';

/** The response schema of a list that is also served as CSV and as lines of JSON. */
export const reportAnswer = <Item extends TSchema>(item: Item) => ({
  description: 'A page',
  content: {
    'application/json': { schema: Type.Array(item) },
    'text/csv': { schema: Type.String() },
    'application/x-ndjson': { schema: Type.String() },
  },
});

/** Sends the items of a page in the format that the request accepts: JSON, CSV with a header, or lines of JSON. */
export function sendReport<Item extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  items: readonly Item[],
  columns: readonly (keyof Item & string)[],
): FastifyReply {
  const { accept = '' } = request.headers;
  reply.header('vary', 'accept');
  const sendText = (type: string, text: string) =>
    reply.type(`${type}; charset=utf-8`).serializer(String).send(text);
  if (accept.includes('text/csv'))
    // Spreadsheets run a text that begins like a formula, so those begin with an apostrophe.
    return sendText(
      'text/csv',
      stringify([...items], { header: true, columns: [...columns], escape_formulas: true }),
    );
  if (accept.includes('application/x-ndjson'))
    return sendText('application/x-ndjson', items.map(item => `${JSON.stringify(item)}\n`).join(''));
  return reply.send(items);
}
