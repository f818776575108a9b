import type { TokenUsage } from '@aitbc/protocol';
import { inTime } from '../abilities.ts';
import {
  type Backend,
  BackendError,
  type Embedded,
  type Embedding,
  type Generated,
  type Generation,
} from '../backend.ts';
import { statement } from '../passports.ts';
import { SAMPLER_NAMES } from '../sampling.ts';
import {
  allTexts,
  imagesIn,
  likelyTokens,
  maxTokens,
  minTokens,
  shownTexts,
  sumOf,
} from '../token-bounds.ts';
import { createAnswer } from './answers.ts';
import { embedBy, vectorsOf } from './embeddings.ts';
import { EngineError, engineError, errorIn } from './engine-errors.ts';
import { parseObject, readJson, readLines, readList, type Server, send, serverUrl } from './http.ts';
import { requestFor } from './ollama-chat.ts';
import { createContexts, createDetails, type TokenNeed } from './ollama-context.ts';
import { withEngineIds } from './tool-calls.ts';
import { usageFrom } from './usage.ts';

export const OLLAMA_URL = 'http://127.0.0.1:11434';

export interface OllamaOptions {
  url?: string | undefined;
  key?: string | undefined;
  /**
   * Returns the most tokens of prompt and answer that a model may be loaded for. Default: what the model
   * takes.
   */
  contextLimit?: ((model: string) => number | undefined) | undefined;
}

/**
 * Uses Ollama's own API: `GET /api/tags`, `/api/ps` and `/api/show` describe models, `POST /api/chat` and
 * `/api/generate` answer as streams of JSON lines, and `POST /api/embed` embeds. A prompt that does not fit
 * is an error and is never cut: see `ollama-context.ts`.
 */
export function ollamaBackend({ url = OLLAMA_URL, key, contextLimit }: OllamaOptions = {}): Backend {
  const server: Server = { kind: 'Ollama', url: serverUrl(url), key };
  const details = createDetails(server);
  const contexts = createContexts(server, details, contextLimit ?? (() => undefined));
  let digests: ReadonlyMap<string, string> = new Map();

  /**
   * Sends a request with the context that it needs. When Ollama finds that too small, it sends the request
   * again with the largest context that it may need.
   */
  async function sendWithContext(
    path: string,
    model: string,
    body: WithOptions,
    need: TokenNeed,
    { traceparent, signal }: Pick<Generation, 'traceparent' | 'signal'>,
  ) {
    const ask = async (size: number | undefined) => {
      const options = { ...body.options, ...(size !== undefined && { num_ctx: size }) };
      return {
        response: await send(server, path, { body: { ...body, options }, traceparent, signal }),
        size,
      };
    };
    const size = await contexts.sizeFor(model, need, { signal });
    try {
      return await ask(size);
    } catch (error) {
      if (!isTooLong(error)) throw error;
      const largest = await contexts.sizeFor(model, need, { isCertain: true, signal });
      if (largest === undefined || largest <= (size ?? 0)) throw error;
      return await ask(largest);
    }
  }

  async function generate(generation: Generation): Promise<Generated> {
    const { model, chat, signal } = generation;
    const thinks =
      generation.params.reasoning_effort === undefined ? undefined : (await details.of(model))?.thinks;
    const asked = chat
      ? { ...generation, chat: { ...chat, messages: withEngineIds(chat.messages) } }
      : generation;
    const need = needOf(generation);
    const path = chat ? '/api/chat' : '/api/generate';
    const { response, size } = await sendWithContext(
      path,
      model,
      requestFor(asked, thinks),
      need,
      generation,
    );
    const answer = createAnswer(server.kind, generation);
    for await (const line of readLines(server, response, signal)) {
      if (line.trim() === '') continue;
      const part = parseObject(server, line);
      const error = errorIn(part);
      if (error) throw engineError(server.kind, error);
      answer.add(asCompletion(part));
      if (part.done !== true) continue;
      const generated = answer.generated();
      if (fillsContext(part, size)) throw cut(part, size);
      if (!isCutShort(part, need)) return generated;
      if (await countsCached(part, signal)) throw cut(part, need.least);
      // The engine counted only the tokens that were not in its cache.
      return without(generated, 'prompt_tokens');
    }
    throw new BackendError('Ollama closed the connection before the end of the text', { down: true });
  }

  async function versionOf(signal: AbortSignal | undefined): Promise<string | undefined> {
    const answer = await inTime(async limit => {
      return await readJson(server, await send(server, '/api/version', { signal: limit }), limit);
    }, signal);
    return typeof answer?.version === 'string' ? answer.version : undefined;
  }

  /**
   * Whether the engine's count of the prompt includes cached tokens. It does when it counts those too, and
   * since version 0.4.
   */
  async function countsCached(part: Record<string, unknown>, signal: AbortSignal): Promise<boolean> {
    if (Number.isInteger(part.prompt_eval_cached_count)) return true;
    const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(`${await versionOf(signal)}`) ?? [];
    return Number(major) > 0 || Number(minor) >= 4;
  }

  async function embed(embedding: Embedding): Promise<Embedded> {
    const { model, input, params, signal } = embedding;
    const texts = input.filter(text => typeof text === 'string');
    if (texts.length < input.length) {
      throw new BackendError('Ollama embeds texts, not tokens', { failureClass: 'unsupported' });
    }
    const { dimensions } = params;
    const body = {
      model,
      input,
      truncate: false,
      ...(dimensions !== undefined && { dimensions }),
      options: {},
    };
    // Each text is read by itself, so the longest one decides.
    const most = (count: (text: string) => number) =>
      texts.reduce((sum, text) => Math.max(sum, count(text)), 0);
    const need = {
      least: most(minTokens),
      likely: most(likelyTokens) + TEMPLATE_TOKENS,
      most: most(maxTokens) + TEMPLATE_TOKENS,
    };
    try {
      const { response } = await sendWithContext('/api/embed', model, body, need, embedding);
      const answer = await readJson(server, response, signal);
      const error = errorIn(answer);
      if (error) throw engineError(server.kind, error);
      const { embeddings, prompt_eval_count } = answer;
      const data = Array.isArray(embeddings) ? embeddings.map(vector => ({ embedding: vector })) : undefined;
      return { vectors: vectorsOf(server, data, input.length), ...usageFrom(prompt_eval_count, undefined) };
    } catch (error) {
      // Versions before 0.3 only have OpenAI's route.
      if (error instanceof EngineError && error.status === 404 && error.code !== 'model_not_found')
        return await embedBy(server, embedding);
      throw error;
    }
  }

  return {
    kind: 'ollama',
    name: `Ollama at ${server.url}`,
    async models(signal) {
      const answer = await readList(server, '/api/tags', signal);
      digests = new Map(namesIn(answer).map(({ name, digest }) => [name, digest]));
      return [...digests.keys()];
    },
    async loaded(signal) {
      const answer = await readList(server, '/api/ps', signal);
      contexts.learn(answer);
      return namesIn(answer).map(({ name }) => name);
    },
    async abilities(models, signal) {
      const asked = new Map([...digests].filter(([model]) => models.includes(model)));
      const all = await details.all(asked, signal);
      return new Map([...all].map(([model, { abilities }]) => [model, abilities]));
    },
    async passports(models, signal) {
      const asked = new Map([...digests].filter(([model]) => models.includes(model)));
      const [all, version] = await Promise.all([details.all(asked, signal), versionOf(signal)]);
      return new Map(
        [...all].map(([model, { passport, abilities, numCtx }]) => {
          const engine = {
            engine: 'ollama',
            build: version,
            context_length: numCtx ?? abilities.context_length,
          };
          const digest = digests.get(model)?.replace(/^sha256:/, '');
          // The digest of the manifest covers the weights, where nothing names their file.
          return [model, { ...statement('engine', { weights: `sha256:${digest}`, ...engine }), ...passport }];
        }),
      );
    },
    takes: () => [...SAMPLER_NAMES, 'seed'],
    generate,
    embed,
    async close() {},
  };
}

interface WithOptions {
  options: Record<string, unknown>;
}

const isTooLong = (error: unknown) =>
  error instanceof EngineError && error.code === 'context_length_exceeded';

/** The tokens that a template adds to one message. */
const TEMPLATE_TOKENS = 32;
/** The tokens of an image, which depend on the model and the image. */
const IMAGE_TOKENS = { likely: 2_048, most: 16_384 };
/** The expected tokens of an answer without a limit. */
const ANSWER_TOKENS = 1_024;

function needOf(generation: Generation): TokenNeed {
  const { chat, params } = generation;
  const texts = allTexts(generation);
  const images = imagesIn(generation);
  const around = ((chat?.messages.length ?? 1) + 1) * TEMPLATE_TOKENS + (params.max_tokens ?? ANSWER_TOKENS);
  // Clients may ask for a context with Ollama's own parameter.
  const asked = Number.isInteger(params.num_ctx) ? Number(params.num_ctx) : 0;
  return {
    least: sumOf(shownTexts(generation), minTokens),
    likely: Math.max(asked, sumOf(texts, likelyTokens) + images * IMAGE_TOKENS.likely + around),
    most: Math.max(asked, sumOf(texts, maxTokens) + images * IMAGE_TOKENS.most + around),
  };
}

/** Converts a line of Ollama's stream to the shape of OpenAI's API. */
function asCompletion(part: Record<string, unknown>): Record<string, unknown> {
  const { message, response, thinking, done, done_reason, logprobs, prompt_eval_count, eval_count } = part;
  const said = Object(message);
  const delta = {
    content: said.content ?? response,
    thinking: said.thinking ?? thinking,
    tool_calls: said.tool_calls ?? part.tool_calls,
  };
  return {
    choices: [{ delta, finish_reason: done === true ? done_reason : null, logprobs: { content: logprobs } }],
    usage: {
      prompt_tokens: prompt_eval_count,
      completion_tokens: eval_count,
      prompt_tokens_details: { cached_tokens: part.prompt_eval_cached_count },
    },
  };
}

/** Whether the prompt left no room for an answer. Then Ollama has cut it to the size of the context. */
const fillsContext = ({ prompt_eval_count: count }: Record<string, unknown>, size: number | undefined) =>
  size !== undefined && Number(count) >= size;

/** Whether fewer tokens were counted than any tokenizer makes from the prompt. */
const isCutShort = ({ prompt_eval_count: count }: Record<string, unknown>, { least }: TokenNeed) =>
  Number.isInteger(count) && Number(count) > 0 && Number(count) < least;

function without({ usage, ...generated }: Generated, count: keyof TokenUsage): Generated {
  const { [count]: _, ...left } = usage ?? {};
  return { ...generated, ...(Object.keys(left).length > 0 && { usage: left }) };
}

const cut = ({ prompt_eval_count: count }: Record<string, unknown>, least: number | undefined) =>
  new BackendError(`Ollama cut the prompt: it read ${count} tokens of ${least} or more`, {
    failureClass: 'refused',
    code: 'context_length_exceeded',
  });

/** Returns a model tagged `:latest` under both names, as Ollama adds that tag to a name without one. */
function namesIn(answer: unknown): { name: string; digest: string }[] {
  const { models } = Object(answer);
  return (Array.isArray(models) ? models : []).flatMap(entry => {
    const { model, name = model, digest } = Object(entry);
    if (typeof name !== 'string') return [];
    const names = name.endsWith(':latest') ? [name.slice(0, -':latest'.length), name] : [name];
    return names.map(each => ({ name: each, digest: `${digest}` }));
  });
}
