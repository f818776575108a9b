import { BackendError, type Embedded, type Embedding } from '../backend.ts';
import { EngineError, engineError, errorIn } from './engine-errors.ts';
import { readJson, type Server, send } from './http.ts';
import { usageFrom } from './usage.ts';

/**
 * Embeds texts with a server that speaks OpenAI's API: `POST /v1/embeddings`.
 *
 * @throws {BackendError}
 */
export async function embedBy(server: Server, embedding: Embedding): Promise<Embedded> {
  const { model, input, params, traceparent, signal } = embedding;
  const { dimensions } = params;
  const body = { model, input, encoding_format: 'float', ...(dimensions !== undefined && { dimensions }) };
  const response = await send(server, '/v1/embeddings', { body, traceparent, signal }).catch(error => {
    throw takesTexts(error, embedding);
  });
  const answer = await readJson(server, response, signal);
  const said = errorIn(answer);
  if (said) throw takesTexts(engineError(server.kind, said), embedding);
  const vectors = vectorsOf(server, answer.data, input.length);
  return { vectors, ...usageFrom(Object(answer.usage).prompt_tokens, undefined) };
}

/** An engine that rejects tokens may only take texts, so another engine may do the job. */
function takesTexts(error: unknown, { input }: Embedding): unknown {
  const isFault = error instanceof EngineError && error.failureClass === 'refused';
  if (!isFault || error.code === 'context_length_exceeded') return error;
  if (input.every(text => typeof text === 'string')) return error;
  const { message, status, code } = error;
  return new EngineError(message, { status, code, failureClass: 'unsupported' });
}

/**
 * Returns the vectors in the order of the texts. The answer may have another order, which its indexes tell.
 */
export function vectorsOf({ kind }: Server, data: unknown, count: number): number[][] {
  const fail = (what: string) => new BackendError(`${kind}: ${what}`);
  if (!Array.isArray(data) || data.length !== count) throw fail('no embedding for each text');
  const isNumbered = data.some(item => Object(item).index !== undefined);
  const vectors = new Map<number, number[]>();
  for (const [place, item] of data.entries()) {
    const { index = isNumbered ? undefined : place, embedding } = Object(item);
    if (!Number.isInteger(index) || index < 0 || index >= count)
      throw fail(`an embedding for an unknown text: ${JSON.stringify(index)}`);
    if (vectors.has(index)) throw fail(`two embeddings for the text ${index}`);
    const vector = vectorOf(embedding);
    if (!vector) throw fail(`the embedding of the text ${index} is no list of 32-bit numbers`);
    vectors.set(index, vector);
  }
  const ordered = Array.from({ length: count }, (_, index) => vectors.get(index) ?? []);
  if (ordered.some(({ length }) => length !== ordered[0]?.length))
    throw fail('embeddings of different lengths');
  return ordered;
}

/** Reads a list, or the base64 of 32-bit floats, little-endian, which some servers send unasked. */
function vectorOf(embedding: unknown): number[] | undefined {
  const numbers = typeof embedding === 'string' ? decoded(embedding) : embedding;
  if (!Array.isArray(numbers) || numbers.length === 0) return undefined;
  const isVector = numbers.every(
    number => typeof number === 'number' && Number.isFinite(Math.fround(number)),
  );
  return isVector ? numbers : undefined;
}

function decoded(text: string): number[] | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || bytes.length % 4 !== 0) return undefined;
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}
