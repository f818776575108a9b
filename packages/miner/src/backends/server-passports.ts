import { access } from 'node:fs/promises';
import type { PassportStatement, Sampler } from '@aitbc/protocol';
import { contextLength, inTime } from '../abilities.ts';
import { hashModel, readGguf } from '../gguf.ts';
import { digestOfText, type PassportsByModel, statement } from '../passports.ts';
import { SAMPLER_NAMES, type SamplingName, samplerFrom } from '../sampling.ts';
import { readJson, type Server, send } from './http.ts';

/** The products whose parameters and passports are known, by `owned_by` of their models. */
export type ServerProduct = 'llamacpp' | 'vllm' | undefined;

export function productOf(listed: unknown): ServerProduct {
  const owner = Object(Array.isArray(listed) ? listed[0] : undefined).owned_by;
  return owner === 'llamacpp' || owner === 'vllm' ? owner : undefined;
}

/** The parameters of OpenAI's API. Servers that are not known may reject others. */
const COMMON: readonly SamplingName[] = ['temperature', 'top_p', 'presence_penalty', 'frequency_penalty'];

export const parametersOf = (product: ServerProduct): readonly SamplingName[] =>
  product === undefined ? COMMON : [...SAMPLER_NAMES, 'seed'];

/** Converts parameters to the names and values of the product. */
export function forProduct(product: ServerProduct, params: Record<string, unknown>): Record<string, unknown> {
  if (product !== 'vllm') return params;
  const { repeat_penalty, top_k, ...others } = params;
  return {
    ...others,
    ...(repeat_penalty !== undefined && { repetition_penalty: repeat_penalty }),
    // Earlier versions take -1 only for all tokens.
    ...(top_k !== undefined && { top_k: top_k === 0 ? -1 : top_k }),
  };
}

interface ServerPassportOptions {
  /** Whether the server runs on this machine, so that its file can be read. */
  isLocal: boolean;
  /** The folder in which hashes of model files are kept. */
  state: string | undefined;
}

/** How long what a server told is reused. */
const FRESH_MS = 5 * 60_000;

/**
 * Returns a function that reads what a server tells about its models: llama.cpp's in `GET /props`, vLLM's in
 * `GET /v1/models`, which is its argument, and `GET /version`.
 */
export function createServerPassports(server: Server, { isLocal, state }: ServerPassportOptions) {
  let known: PassportsByModel = new Map();
  let asked = { about: '', at: Number.NEGATIVE_INFINITY };

  async function ask(path: string, signal: AbortSignal | undefined): Promise<Record<string, unknown>> {
    const answer = await inTime(
      async limit => await readJson(server, await send(server, path, { signal: limit }), limit),
      signal,
    );
    return answer ?? {};
  }

  async function read(
    product: ServerProduct,
    entries: readonly ListedModel[],
    signal: AbortSignal | undefined,
  ): Promise<PassportsByModel> {
    if (product === 'vllm') {
      const { version } = await ask('/version', signal);
      return new Map(entries.map(entry => [entry.id, vllmPassport(entry, version)]));
    }
    const [only, another] = entries;
    // With several models the server's properties are those of none.
    if (product !== 'llamacpp' || !only || another) return new Map();
    const factsOf = isLocal ? (path: string) => fileFacts(path, state) : async () => ({});
    return new Map([[only.id, await llamaPassport(await ask('/props', signal), factsOf)]]);
  }

  return async (listed: unknown, signal?: AbortSignal): Promise<PassportsByModel> => {
    const entries: ListedModel[] = (Array.isArray(listed) ? listed : []).filter(
      entry => typeof Object(entry).id === 'string',
    );
    const about = JSON.stringify(entries.map(({ created: _, ...entry }) => entry));
    if (about === asked.about && performance.now() - asked.at < FRESH_MS) return known;
    known = await read(productOf(listed), entries, signal);
    asked = { about, at: performance.now() };
    return known;
  };
}

interface ListedModel extends Record<string, unknown> {
  id: string;
}

/** vLLM does not tell the commit of its weights, nor the defaults of sampling in the model's generation_config.json. */
function vllmPassport({ max_model_len }: Record<string, unknown>, version: unknown): PassportStatement {
  return statement('engine', {
    engine: 'vllm',
    build: typeof version === 'string' ? version : undefined,
    context_length: contextLength(max_model_len),
  });
}

async function llamaPassport(
  {
    model_path,
    model_ftype,
    chat_template,
    build_info,
    default_generation_settings,
  }: Record<string, unknown>,
  factsOf: (path: string) => Promise<PassportStatement>,
): Promise<PassportStatement> {
  const settings = Object(default_generation_settings);
  const template = typeof chat_template === 'string' && chat_template !== '' ? chat_template : undefined;
  return {
    ...statement('engine', {
      engine: 'llama.cpp',
      build: typeof build_info === 'string' ? build_info : undefined,
      quantization: quantizationIn(model_ftype),
      context_length: contextLength(settings.n_ctx),
      chat_template: template && digestOfText(template),
      // Earlier versions have the parameters among the settings.
      sampler: samplerFrom((settings.params ?? settings) as Record<keyof Sampler, unknown>),
    }),
    ...(typeof model_path === 'string' && (await factsOf(model_path))),
  };
}

/** Converts llama.cpp's description of a file type to its name: `Q4_K - Medium` to `Q4_K_M`. */
function quantizationIn(described: unknown): string | undefined {
  if (typeof described !== 'string') return undefined;
  const [, name, size] = /^(?:all )?(\w+)(?: - (Small|Medium|Large)\b)?/.exec(described) ?? [];
  return name && `${name}${size ? `_${size[0]}` : ''}`;
}

/** Hashes the server's model file where it is on this machine, too. */
async function fileFacts(path: string, state: string | undefined): Promise<PassportStatement> {
  try {
    await access(path);
    const { quantization, tokenizer } = await readGguf(path);
    return statement('hashed', {
      weights: `sha256:${await hashModel(path, state)}`,
      quantization,
      tokenizer,
    });
  } catch {
    return {};
  }
}
