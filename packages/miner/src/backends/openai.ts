import type { JobParams } from '@aitbc/protocol';
import { type Backend, BackendError, type Generated, type Generation } from '../backend.ts';
import {
  errorIn,
  parseObject,
  readJson,
  readLines,
  type Server,
  ServerRefusal,
  send,
  serverUrl,
} from './http.ts';
import { usageFrom } from './usage.ts';

export const OPENAI_URL = 'http://127.0.0.1:8080';

export interface OpenAiOptions {
  /** With or without `/v1`. */
  url?: string | undefined;
  key?: string | undefined;
}

/**
 * Any server that speaks OpenAI's API, such as vLLM, llama.cpp's or LM Studio: `GET /v1/models` and
 * `POST /v1/chat/completions`; `/v1/completions` for a model or server without chat.
 */
export function openAiBackend({ url = OPENAI_URL, key }: OpenAiOptions = {}): Backend {
  const server: Server = { kind: 'The server', url: serverUrl(url).replace(/\/v1$/, ''), key };
  const withoutChat = new Set<string>();

  async function complete(generation: Generation): Promise<Generated> {
    return await request(server, '/v1/completions', { prompt: generation.prompt }, generation);
  }

  async function models(signal?: AbortSignal): Promise<string[]> {
    const answer = await readJson(server, await send(server, '/v1/models', { signal }), signal);
    const { data } = Object(answer);
    const ids: unknown[] = Array.isArray(data) ? data.map(model => Object(model).id) : [];
    return ids.filter(id => typeof id === 'string');
  }

  return {
    name: `the server at ${server.url}`,
    models,
    // These servers load what they serve at their start.
    loaded: models,
    async generate(generation) {
      const { model, prompt } = generation;
      if (withoutChat.has(model)) return await complete(generation);
      const messages = [{ role: 'user', content: prompt }];
      try {
        return await request(server, '/v1/chat/completions', { messages }, generation);
      } catch (refusal) {
        if (!lacksChat(refusal)) throw refusal;
        const generated = await complete(generation).catch(error => {
          throw lacksRoute(error) ? refusal : error;
        });
        withoutChat.add(model);
        return generated;
      }
    },
    async close() {},
  };
}

/** Base models lack a chat template. */
function lacksChat(error: unknown): boolean {
  const lacksTemplate = error instanceof ServerRefusal && error.status === 400;
  return lacksRoute(error) || (lacksTemplate && /chat.template/i.test(error.message));
}

/** A 404 that does not speak of the model is one for the route. */
function lacksRoute(error: unknown): boolean {
  if (!(error instanceof ServerRefusal)) return false;
  const { status, message } = error;
  return status === 405 || status === 501 || (status === 404 && !/model/i.test(message));
}

/** What the protocol between miner and server needs, and what would make one job into several. */
const RESERVED = ['model', 'messages', 'prompt', 'stream', 'stream_options', 'n', 'best_of', 'echo', 'user'];

async function request(
  server: Server,
  path: string,
  input: object,
  { model, params, signal, onToken }: Generation,
): Promise<Generated> {
  const body = {
    ...samplingOf(params),
    ...input,
    model,
    stream: true,
    stream_options: { include_usage: true },
  };
  const response = await send(server, path, { body, signal });
  if (response.headers.get('content-type')?.includes('application/json')) {
    const body = await readJson(server, response, signal);
    if (!Array.isArray(body.choices)) throw failure(body);
    const answer = parseAnswer(body);
    onToken?.(answer.piece);
    return { text: answer.piece, ...answer.usage };
  }
  return await readEvents(server, response, signal, onToken);
}

function samplingOf(params: JobParams) {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !RESERVED.includes(name)));
}

/** Server-sent events, `data: {…}` each, the last one `data: [DONE]`. */
async function readEvents(
  server: Server,
  response: Response,
  signal: AbortSignal,
  onToken: Generation['onToken'],
): Promise<Generated> {
  let text = '';
  let usage: Pick<Generated, 'usage'> = {};
  let finished = false;
  for await (const line of readLines(server, response, signal)) {
    const data = /^data: ?(.*)$/.exec(line)?.[1];
    if (data === undefined) continue;
    if (data === '[DONE]') return { text, ...usage };
    const event = parseObject(server, data);
    if (event.error) throw failure(event);
    const part = parseAnswer(event);
    text += part.piece;
    if (part.piece !== '') onToken?.(part.piece);
    if (part.usage.usage) usage = part.usage;
    finished ||= part.finished;
  }
  if (!finished) throw new BackendError('The server broke off before the end of the text', { down: true });
  return { text, ...usage };
}

function failure(answer: Record<string, unknown>): BackendError {
  const message = errorIn(answer) ?? `no text, but ${JSON.stringify(answer).slice(0, 200)}`;
  return new BackendError(`The server: ${message}`, { retryable: true });
}

function parseAnswer({ choices, usage }: Record<string, unknown>) {
  const choice = Object(Array.isArray(choices) ? choices[0] : undefined);
  const piece: unknown = choice.delta?.content ?? choice.message?.content ?? choice.text;
  return {
    piece: typeof piece === 'string' ? piece : '',
    finished: typeof choice.finish_reason === 'string',
    usage: usageFrom(Object(usage).prompt_tokens, Object(usage).completion_tokens),
  };
}
