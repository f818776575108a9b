import { LIMITS } from '@aitbc/protocol';
import { type Static, Type } from 'typebox';
import { invalidRequest } from './errors.ts';

/** The paging parameters of OpenAI's API. The routes read them themselves, so that errors have OpenAI's format. */
export const ListQuery = Type.Object({
  after: Type.Optional(Type.String({ description: 'Lists only items that follow the item with this id.' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: `The largest number of items to return. The default is ${LIMITS.defaultPageSize}, and larger numbers than ${LIMITS.pageSize} count as ${LIMITS.pageSize}.`,
    }),
  ),
});
export type ListQuery = Static<typeof ListQuery>;

/** Reads the paging parameters. Throws OpenAiError. */
export function readPage(query: object): { after: string | undefined; limit: number } {
  const { after, limit = String(LIMITS.defaultPageSize) } = query as Record<string, unknown>;
  const count = Number(limit);
  if (!Number.isSafeInteger(count) || count < 1)
    throw invalidRequest('limit must be a whole number from 1', 'limit', 'invalid_value');
  return { after: readParam('after', after), limit: Math.min(count, LIMITS.pageSize) };
}

/** Returns the value of an optional query parameter. Throws OpenAiError if it is not among the choices. */
export function readParam<V extends string>(
  name: string,
  value: unknown,
  choices?: readonly V[],
): V | undefined {
  if (value === undefined) return undefined;
  const isValid = choices ? (choices as readonly unknown[]).includes(value) : typeof value === 'string';
  if (isValid) return value as V;
  const what = choices ? `one of ${choices.join(', ')}` : 'a text';
  throw invalidRequest(`${name} must be ${what}`, name, 'invalid_value');
}
