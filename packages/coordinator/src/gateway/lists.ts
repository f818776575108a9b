import { LIMITS } from '@aitbc/protocol';
import { type Static, Type } from 'typebox';
import { invalid } from './errors.ts';

/** How OpenAI's API asks for a page. Its routes read it themselves, to refuse in its words. */
export const ListQuery = Type.Object({
  after: Type.Optional(Type.String({ description: 'Only what is behind the one with this id.' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: `${LIMITS.defaultPageSize} unless given; at most ${LIMITS.pageSize} are answered.`,
    }),
  ),
});
export type ListQuery = Static<typeof ListQuery>;

/** What is asked for by a query. Throws OpenAiError. */
export function readPage(query: object): { after: string | undefined; limit: number } {
  const { after, limit = String(LIMITS.defaultPageSize) } = query as Record<string, unknown>;
  const count = Number(limit);
  if (!Number.isSafeInteger(count) || count < 1)
    throw invalid('limit must be a whole number from 1', 'limit', 'invalid_value');
  return { after: chosen('after', after), limit: Math.min(count, LIMITS.pageSize) };
}

/** The value of a parameter that may be absent. Throws OpenAiError. */
export function chosen<V extends string>(
  name: string,
  value: unknown,
  choices?: readonly V[],
): V | undefined {
  if (value === undefined) return undefined;
  const isRight = choices ? (choices as readonly unknown[]).includes(value) : typeof value === 'string';
  if (isRight) return value as V;
  const what = choices ? `one of ${choices.join(', ')}` : 'a text';
  throw invalid(`${name} must be ${what}`, name, 'invalid_value');
}
