import { BackendError, type Embedded, type Embedding } from '../backend.ts';
import { errorIn, readJson, type Server, send } from './http.ts';
import { usageFrom } from './usage.ts';

/**
 * Embeds texts by a server that speaks OpenAI's API: `POST /v1/embeddings`.
 *
 * @throws {BackendError}
 */
export async function embedBy(
  server: Server,
  { model, input, params, signal }: Embedding,
): Promise<Embedded> {
  const { dimensions } = params;
  const body = { model, input, encoding_format: 'float', ...(dimensions !== undefined && { dimensions }) };
  const answer = await readJson(server, await send(server, '/v1/embeddings', { body, signal }), signal);
  const vectors = Array.isArray(answer.data) ? answer.data.map(item => Object(item).embedding) : [];
  if (vectors.length !== input.length || !vectors.every(isVector)) {
    throw new BackendError(`${server.kind}: ${errorIn(answer) ?? 'no embedding for each text'}`);
  }
  return { vectors, ...usageFrom(Object(answer.usage).prompt_tokens, undefined) };
}

const isVector = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(Number.isFinite);
