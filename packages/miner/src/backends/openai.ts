import { type Backend, chatOf, type Generated, type Generation } from '../backend.ts';
import { complete } from './completions.ts';
import { createCounter } from './counting.ts';
import { embedBy } from './embeddings.ts';
import { EngineError } from './engine-errors.ts';
import { readList, type Server, serverUrl } from './http.ts';
import { createServerAbilities } from './server-abilities.ts';
import { createServerPassports, forProduct, parametersOf, productOf } from './server-passports.ts';
import { withEngineIds } from './tool-calls.ts';

export const OPENAI_URL = 'http://127.0.0.1:8080';

export interface OpenAiOptions {
  /** With or without `/v1`. */
  url?: string | undefined;
  key?: string | undefined;
  /** Returns the most tokens of prompt and answer, when the owner allows less than the server. */
  contextLimit?: ((model: string) => number | undefined) | undefined;
  /** The folder in which hashes of model files on this machine are kept. */
  state?: string | undefined;
}

/**
 * Uses a server that speaks OpenAI's API, such as vLLM, llama.cpp's server or LM Studio: `GET /v1/models` and
 * `POST /v1/chat/completions`. It uses `/v1/completions` for raw prompts, and for models or servers without
 * chat.
 */
export function openAiBackend({ url = OPENAI_URL, key, contextLimit, state }: OpenAiOptions = {}): Backend {
  const server: Server = { kind: 'The server', url: serverUrl(url).replace(/\/v1$/, ''), key };
  const withoutChat = new Set<string>();
  const abilities = createServerAbilities(server);
  // A path on another machine says nothing about a file of this one.
  const passports = createServerPassports(server, { state, isLocal: isLoopback(server.url) });
  const counter = createCounter(server);
  let listed: unknown;

  function contextOf(model: string): number | undefined {
    const lengths = [abilities.contextOf(model), contextLimit?.(model)].filter(
      length => length !== undefined,
    );
    return lengths.length > 0 ? Math.min(...lengths) : undefined;
  }

  async function withoutTemplate(generation: Generation): Promise<Generated> {
    return await complete(server, '/v1/completions', { prompt: generation.prompt }, generation);
  }

  async function withTemplate(generation: Generation): Promise<Generated> {
    const chat = chatOf(generation);
    const asked = { ...chat, messages: withEngineIds(chat.messages) };
    const ended = new AbortController();
    const signal = AbortSignal.any([generation.signal, ended.signal]);
    const rendering = isShown() ? counter.render({ ...generation.params, ...asked }, signal) : undefined;
    try {
      const generated = await complete(server, '/v1/chat/completions', asked, generation);
      const renderedPrompt = await rendering;
      return { ...generated, ...(renderedPrompt !== undefined && { renderedPrompt }) };
    } finally {
      ended.abort();
    }
  }

  /** Whether the server shows the prompts that its template makes. */
  const isShown = () => productOf(listed) === 'llamacpp';

  async function models(signal?: AbortSignal): Promise<string[]> {
    const { data } = await readList(server, '/v1/models', signal);
    listed = data;
    const ids: unknown[] = Array.isArray(data) ? data.map(model => Object(model).id) : [];
    return ids.filter(id => typeof id === 'string');
  }

  return {
    kind: 'openai',
    name: `the server at ${server.url}`,
    models,
    // These servers load all their models at the start.
    loaded: models,
    abilities: async (_, signal) => await abilities.of(listed, signal),
    passports: async (_, signal) => await passports(listed, signal),
    takes: () => parametersOf(productOf(listed)),
    async generate(asked) {
      const generation = { ...asked, params: forProduct(productOf(listed), asked.params) };
      const { model, chat, params } = generation;
      const isRaw = !chat && (params.raw === true || withoutChat.has(model));
      await counter.checkFits(generation, contextOf(model), isRaw);
      if (!chat && withoutChat.has(model)) return await withoutTemplate(generation);
      if (!chat && params.raw === true) {
        return await withoutTemplate(generation).catch(async error => {
          if (lacksRoute(error)) return await withTemplate(generation);
          throw error;
        });
      }
      try {
        return await withTemplate(generation);
      } catch (failure) {
        if (chat || !lacksChat(failure)) throw failure;
        const generated = await withoutTemplate(generation).catch(error => {
          throw lacksRoute(error) ? failure : error;
        });
        withoutChat.add(model);
        return generated;
      }
    },
    embed: embedding => embedBy(server, embedding),
    async close() {},
  };
}

const isLoopback = (url: string) => /^https?:\/\/(127\.\d+\.\d+\.\d+|\[::1\]|localhost)(:|\/|$)/i.test(url);

/** Base models have no chat template. */
function lacksChat(error: unknown): boolean {
  return lacksRoute(error) || (error instanceof EngineError && /chat.template/i.test(error.message));
}

function lacksRoute(error: unknown): boolean {
  if (!(error instanceof EngineError) || error.failureClass !== 'unsupported') return false;
  const { status = 200, message } = error;
  return [404, 405, 501].includes(status) || /unexpected endpoint/i.test(message);
}
