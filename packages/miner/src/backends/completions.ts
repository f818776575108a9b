import type { JobParams } from '@aitbc/protocol';
import { BackendError, type Generated, type Generation } from '../backend.ts';
import { type Answer, createAnswer } from './answers.ts';
import { type EngineError, engineError, errorIn } from './engine-errors.ts';
import { noJson, type Server, send } from './http.ts';
import { readEvents, type ServerEvent } from './server-sent-events.ts';

/** Parameters that the miner sets itself, or that would turn one job into several. */
const RESERVED = [
  'model',
  'messages',
  'prompt',
  'stream',
  'stream_options',
  'n',
  'best_of',
  'echo',
  'user',
  'raw',
];

/** The longest answer, in UTF-16 units. */
const LONGEST_ANSWER = 256 * 1024 * 1024;

/** How long to wait for the rest after the server has said why the text ends. */
const LAST_WORDS_MS = 10_000;

/**
 * Streams a completion from a server that speaks OpenAI's API. It is complete when the server says why it
 * ends, or sends `[DONE]` after a text that is not empty.
 *
 * @param path the route: `/v1/chat/completions`
 * @param input what the route completes
 * @throws {BackendError}
 */
export async function complete(
  server: Server,
  path: string,
  input: object,
  generation: Generation,
): Promise<Generated> {
  const { model, params, traceparent } = generation;
  const body = {
    ...samplingOf(params, path),
    ...input,
    model,
    stream: true,
    stream_options: { include_usage: true },
  };
  const answer = createAnswer(server.kind, generation);
  const ending = new AbortController();
  const signal = AbortSignal.any([generation.signal, ending.signal]);
  let timer: NodeJS.Timeout | undefined;
  try {
    const response = await send(server, path, { body, traceparent, signal });
    let length = 0;
    for await (const event of readEvents(server, response, signal)) {
      length += event.data.length;
      if (length > LONGEST_ANSWER) throw new BackendError(`${server.kind} sent an answer that is too long`);
      if (addEvent(server, answer, event)) return answer.generated();
      if (answer.isFinished) timer ??= setTimeout(() => ending.abort(), LAST_WORDS_MS);
    }
  } catch (error) {
    generation.signal.throwIfAborted();
    // After the end of the text a broken connection does no harm.
    const isBroken = ending.signal.aborted || (error instanceof BackendError && error.down);
    if (!answer.isFinished || !isBroken || isTold(error)) throw error;
  } finally {
    clearTimeout(timer);
  }
  if (!answer.isFinished)
    throw new BackendError(`${server.kind} closed the connection before the end of the text`, { down: true });
  return answer.generated();
}

function samplingOf(params: JobParams, path: string) {
  const { logprobs, top_logprobs, ...others } = Object.fromEntries(
    Object.entries(params).filter(([name]) => !RESERVED.includes(name)),
  );
  const asked = {
    ...(logprobs !== undefined && { logprobs }),
    ...(top_logprobs !== undefined && { top_logprobs }),
  };
  return { ...others, ...(path === '/v1/completions' ? legacyLogprobs(asked) : asked) };
}

/**
 * Converts both parameters to the single number of the older route: how many of the likeliest tokens to
 * report for each token.
 */
function legacyLogprobs({ logprobs, top_logprobs }: { logprobs?: unknown; top_logprobs?: unknown }): object {
  if (logprobs === true) return { logprobs: Number.isInteger(top_logprobs) ? top_logprobs : 0 };
  return typeof logprobs === 'number' ? { logprobs } : {};
}

/** @returns whether it was the last event */
function addEvent(server: Server, answer: Answer, { event, data, isWhole }: ServerEvent): boolean {
  const text = data.trim();
  if (text === '[DONE]') return true;
  if (text === '' && event !== 'error') return false;
  const bodies = parsed(text);
  if (!bodies) {
    if (event === 'error') throw engineError(server.kind, { message: text });
    // What comes after the end of the text does not matter.
    if (answer.isFinished) return false;
    throw noJson(server);
  }
  for (const body of bodies) {
    const failure = failureIn(server, body, event);
    if (failure) throw failure;
    if (isWhole && !Array.isArray(body.choices)) throw noChoices(server, body);
    answer.add(body);
  }
  return isWhole;
}

/** Parses one object, or one per line from a server that omits the empty lines between its events. */
function parsed(text: string): Record<string, unknown>[] | undefined {
  const objects = (texts: readonly string[]) => texts.map(json => JSON.parse(json)).filter(isObject);
  try {
    return objects([text]);
  } catch {}
  try {
    return objects(text.split('\n').filter(line => line.trim() !== '' && line.trim() !== '[DONE]'));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Returns the error in a stream or a successful answer: beside the choices, or within one. */
function failureIn(
  { kind }: Server,
  body: Record<string, unknown>,
  event: string | undefined,
): EngineError | undefined {
  const [choice] = Array.isArray(body.choices) ? body.choices : [];
  const said = errorIn(body) ?? errorIn({ choices: [], error: Object(choice).error });
  if (said) return engineError(kind, said);
  return event === 'error' ? engineError(kind, { message: JSON.stringify(body) }) : undefined;
}

const noChoices = ({ kind }: Server, body: object) =>
  new BackendError(`${kind}: no text, but ${JSON.stringify(body).slice(0, 200)}`);

const isTold = (error: unknown) => error instanceof Error && error.name === 'EngineError';
