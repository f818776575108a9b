import type { JobParams } from '@aitbc/protocol';
import { type Backend, BackendError, type Generated, type Generation } from '../backend.ts';
import { complete } from './completions.ts';
import { embedBy } from './embeddings.ts';
import { parseObject, readLines, readList, type Server, send, serverUrl } from './http.ts';
import { usageFrom } from './usage.ts';

export const OLLAMA_URL = 'http://127.0.0.1:11434';

export interface OllamaOptions {
  url?: string | undefined;
  key?: string | undefined;
}

/**
 * Ollama by its own API: `GET /api/tags`, `GET /api/ps`, and `POST /api/generate` as a stream of JSON lines. Chats go
 * through the API that it has of OpenAI's, where they need no translation.
 */
export function ollamaBackend({ url = OLLAMA_URL, key }: OllamaOptions = {}): Backend {
  const server: Server = { kind: 'Ollama', url: serverUrl(url), key };
  return {
    name: `Ollama at ${server.url}`,
    async models(signal) {
      return namesIn(await readList(server, '/api/tags', signal));
    },
    async loaded(signal) {
      return namesIn(await readList(server, '/api/ps', signal));
    },
    async generate(generation) {
      const { model, prompt, chat, params, signal, onToken } = generation;
      if (chat) return await answerChat(server, chat, generation);
      const body = { ...requestFor(params), model, prompt, stream: true };
      const response = await send(server, '/api/generate', { body, signal });
      let text = '';
      for await (const line of readLines(server, response, signal)) {
        const part = parseObject(server, line);
        if (typeof part.error === 'string') throw new BackendError(`Ollama: ${part.error}`);
        if (typeof part.response === 'string' && part.response !== '') {
          text += part.response;
          onToken?.(part.response);
        }
        if (part.done === true) return { text, ...endOf(part) };
      }
      throw new BackendError('Ollama broke off before the end of the text', { down: true });
    },
    embed: embedding => embedBy(server, embedding),
    async close() {},
  };
}

/** How a text ended, and its tokens. */
function endOf({
  done_reason,
  prompt_eval_count,
  eval_count,
}: Record<string, unknown>): Omit<Generated, 'text'> {
  return {
    ...((done_reason === 'stop' || done_reason === 'length') && { finishReason: done_reason }),
    ...usageFrom(prompt_eval_count, eval_count),
  };
}

async function answerChat(
  server: Server,
  { tools, tool_choice, ...chat }: NonNullable<Generation['chat']>,
  generation: Generation,
): Promise<Generated> {
  // It would leave the demand aside, and nobody would be told.
  if (tool_choice !== undefined && tool_choice !== 'auto' && tool_choice !== 'none')
    throw new BackendError('Ollama can not be made to call a tool: tool_choice must be auto or none', {
      failureClass: 'unsupported',
    });
  const asked = { ...chat, ...(tools && tool_choice !== 'none' && { tools }) };
  return await complete(server, '/v1/chat/completions', asked, generation);
}

/** Ollama reads a name without a tag as `:latest`: such a model goes by both. */
function namesIn(answer: unknown): string[] {
  const { models } = Object(answer);
  const names: unknown[] = Array.isArray(models)
    ? models.map(model => Object(model).name ?? Object(model).model)
    : [];
  return names
    .filter(name => typeof name === 'string')
    .flatMap(name => (name.endsWith(':latest') ? [name.slice(0, -':latest'.length), name] : [name]));
}

/** Beside the sampling options, these stand in the request itself. */
const REQUEST_FIELDS = ['system', 'format', 'think', 'raw'];

/** They load the model anew, or take more of the machine: that is its owner's to decide. */
const OWNERS_OPTIONS = [
  ...['num_ctx', 'num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'numa', 'low_vram', 'vocab_only'],
  ...['use_mmap', 'use_mlock', 'f16_kv', 'logits_all', 'embedding_only', 'num_gqa'],
];

function requestFor({ max_tokens, stop, ...params }: JobParams) {
  const entries = Object.entries(params);
  const request = Object.fromEntries(entries.filter(([name]) => REQUEST_FIELDS.includes(name)));
  const options = Object.fromEntries(
    entries.filter(([name]) => !REQUEST_FIELDS.includes(name) && !OWNERS_OPTIONS.includes(name)),
  );
  if (max_tokens !== undefined) options.num_predict = max_tokens;
  if (stop !== undefined) options.stop = Array.isArray(stop) ? stop : [stop];
  return { ...request, options };
}
