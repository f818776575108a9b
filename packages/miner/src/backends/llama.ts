import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { ModelAbilities, PassportStatement } from '@aitbc/protocol';
import { type Backend, BackendError, chatOf, type Generated, type Generation } from '../backend.ts';
import { hashModel, readGguf } from '../gguf.ts';
import { digestOfText, statement } from '../passports.ts';
import { SAMPLER_NAMES } from '../sampling.ts';
import { createLlamaAnswer, demandsOf } from './llama/chat.ts';
import { type ChatTemplate, createChatTemplate } from './llama/chat-template.ts';
import { createEmbedder } from './llama/embeddings.ts';
import { logprobsOf } from './llama/logprobs.ts';
import {
  errorText,
  type Llama,
  type LlamaModel,
  loadNodeLlamaCpp,
  NODE_LLAMA_CPP,
  type NodeLlamaCpp,
  type Sequence,
} from './llama/node-llama-cpp.ts';
import { DEFAULTS, type LlamaEngine, type Written, write } from './llama/write.ts';

export interface LlamaOptions {
  /** The path of a GGUF file. */
  gguf: string;
  /** The names by which jobs ask for the model. Default: the file's name without `.gguf`. */
  models?: readonly string[] | undefined;
  /** How many texts are generated at once, each with its own context. Default 1. */
  concurrency?: number;
  /** Tokens of prompt and answer together. Default: what the model was trained for, at most 4,096. */
  contextSize?: number | undefined;
  /**
   * Default: one less than the number of cores. llama.cpp's threads spin while they wait for each other, so a
   * core shared with another program slows all of them down many times.
   */
  threads?: number | undefined;
  /** A Jinja template to use instead of the file's. */
  chatTemplate?: string | undefined;
  /** The folder in which the hash of the file is kept. Without it, each start reads the whole file. */
  state?: string | undefined;
}

const DEFAULT_CONTEXT_SIZE = 4_096;

/**
 * Runs a GGUF file in this process with node-llama-cpp.
 *
 * @throws {BackendError} when node-llama-cpp is not installed or the file can not be loaded
 */
export async function llamaBackend(options: LlamaOptions): Promise<Backend> {
  const { gguf } = options;
  const { library, llama, model, sequences, template, passportOf } = await openLlama(options);
  const idle = [...sequences];
  let passport: Promise<PassportStatement> | undefined;
  const names = options.models?.length ? options.models : [nameOf(gguf)];
  return {
    kind: 'llama.cpp',
    name: `${basename(gguf)} on ${llama.gpu ? `the GPU (${llama.gpu})` : 'the CPU'}`,
    async models() {
      return [...names];
    },
    async loaded() {
      return [...names];
    },
    async abilities(models) {
      const abilities = abilitiesOf(sequences[0]?.contextSize ?? DEFAULT_CONTEXT_SIZE, template);
      return new Map(models.map(name => [name, abilities]));
    },
    async passports(models) {
      passport ??= passportOf();
      passport.catch(() => {
        passport = undefined;
      });
      const own = await passport;
      return new Map(models.map(name => [name, own]));
    },
    takes: () => [...SAMPLER_NAMES, 'seed'],
    async generate(generation) {
      const rendered = textFor(generation, template);
      const prompt = tokensOf(model, rendered);
      const sequence = takeSequence(idle, prompt);
      if (!sequence) throw new BackendError('All contexts of the model are in use', { failureClass: 'busy' });
      try {
        return await generate({ library, llama, model, sequence }, template, generation, {
          rendered,
          prompt,
        });
      } finally {
        idle.push(sequence);
      }
    },
    embed: createEmbedder(model, sequences[0]?.contextSize ?? DEFAULT_CONTEXT_SIZE),
    async close() {
      await llama.dispose();
    },
  };
}

/** A model's file that is loaded, and what makes prompts for it. */
export interface OpenLlama {
  library: NodeLlamaCpp;
  llama: Llama;
  model: LlamaModel;
  sequences: Sequence[];
  template: ChatTemplate | undefined;
  /** Reads the whole file unless its hash is kept. */
  passportOf(): Promise<PassportStatement>;
}

/** @throws {BackendError} when node-llama-cpp is not installed or the file can not be loaded */
export async function openLlama(options: LlamaOptions): Promise<OpenLlama> {
  await access(options.gguf).catch(error => {
    throw new BackendError(`The model can not be read: ${errorText(error)}`);
  });
  const library = await loadNodeLlamaCpp();
  const loaded = await load(library, options, options.concurrency ?? 1);
  const { llama, model, sequences } = loaded;
  return {
    ...{ library, ...loaded, template: templateOf(model, options.chatTemplate) },
    passportOf: () => readPassport(library, llama, sequences[0]?.contextSize, options),
  };
}

async function load(
  library: NodeLlamaCpp,
  { gguf, contextSize, threads }: LlamaOptions,
  concurrency: number,
): Promise<{ llama: Llama; model: LlamaModel; sequences: Sequence[] }> {
  try {
    const maxThreads = threads ?? Math.max(1, availableParallelism() - 1);
    const llama = await library.getLlama({
      build: 'never',
      logLevel: 'error',
      progressLogs: false,
      maxThreads,
    });
    const model = await llama.loadModel({ modelPath: gguf });
    const context = await model.createContext({
      sequences: concurrency,
      contextSize: contextSize ?? { max: Math.min(model.trainContextSize, DEFAULT_CONTEXT_SIZE) },
    });
    const sequences = Array.from({ length: concurrency }, () => context.getSequence());
    return { llama, model, sequences };
  } catch (error) {
    throw new BackendError(`${gguf} can not be loaded: ${errorText(error)}`, { cause: error });
  }
}

/** Returns the chat template of the file. Base models have none. */
function templateOf({ fileInfo, tokens }: LlamaModel, given: string | undefined): ChatTemplate | undefined {
  const { chat_template } = Object(fileInfo.metadata.tokenizer);
  const source = given ?? chat_template;
  if (typeof source !== 'string') return undefined;
  try {
    return createChatTemplate(source, { bos: tokens.bosString ?? '', eos: tokens.eosString ?? '' });
  } catch (error) {
    throw new BackendError(`The model's chat template can not be read: ${errorText(error)}`, {
      cause: error,
    });
  }
}

function abilitiesOf(contextSize: number, template: ChatTemplate | undefined): ModelAbilities {
  const answersChats = template !== undefined;
  return {
    ...{ context_length: contextSize, text: true, embeddings: true, images: false },
    ...{ tools: answersChats, json_schema: answersChats },
  };
}

async function readPassport(
  { getModuleVersion }: NodeLlamaCpp,
  { llamaCppRelease }: Llama,
  contextSize: number | undefined,
  { gguf, chatTemplate: given, state }: LlamaOptions,
): Promise<PassportStatement> {
  const [{ quantization, tokenizer, chatTemplate }, sha256] = await Promise.all([
    readGguf(gguf),
    hashModel(gguf, state),
  ]);
  const template = given ?? chatTemplate;
  const version = await getModuleVersion?.();
  const build = [version, llamaCppRelease && `llama.cpp ${llamaCppRelease.release}`]
    .filter(Boolean)
    .join(', ');
  return {
    ...statement('engine', {
      ...{ engine: NODE_LLAMA_CPP, build: build || undefined, context_length: contextSize },
      ...{ kv_cache_type: 'f16', sampler: DEFAULTS },
    }),
    ...statement('hashed', {
      ...{ weights: `sha256:${sha256}`, quantization, tokenizer },
      chat_template: template === undefined ? undefined : digestOfText(template),
    }),
  };
}

/** Fewer tokens than this are read in no time. Conversations have the first few of their template in common. */
const LEAST_COMMON = 32;

/** Takes the idle sequence whose tokens begin most like the prompt; if none does, the one that was used longest ago. */
function takeSequence(idle: Sequence[], prompt: readonly number[]): Sequence | undefined {
  let [best, most] = [0, LEAST_COMMON];
  for (const [index, { contextTokens }] of idle.entries()) {
    const common = commonLength(contextTokens, prompt);
    if (common > most) [best, most] = [index, common];
  }
  return idle.splice(best, 1)[0];
}

function commonLength(one: readonly number[], other: readonly number[]): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one[length] === other[length]) length++;
  return length;
}

/**
 * Whether the text may be compared with those of other miners. What was read in other steps gives slightly different
 * numbers, so such a prompt is read afresh.
 */
const isComparable = ({ params: { temperature, seed }, isSeedPinned }: Generation) =>
  temperature === 0 && seed !== undefined && !isSeedPinned;

/** Tokenizes a text, and prepends the token that begins all texts of some models. */
export function tokensOf(model: LlamaModel, text: string): number[] {
  const { bos, bosString, shouldPrependBosToken } = model.tokens;
  const isBegun = bosString !== null && bosString !== '' && text.startsWith(bosString);
  const tokens = model.tokenize(text, true);
  return shouldPrependBosToken && bos !== null && !isBegun ? [bos, ...tokens] : tokens;
}

async function generate(
  engine: LlamaEngine,
  template: ChatTemplate | undefined,
  generation: Generation,
  { rendered, prompt }: { rendered: string; prompt: readonly number[] },
): Promise<Generated> {
  const { model, sequence } = engine;
  const { params, signal } = generation;
  const room = sequence.contextSize - prompt.length;
  if (room < 1) throw tooLong(prompt.length, sequence.contextSize);
  const demands = demandsOf(generation, template);
  const answer = createLlamaAnswer(generation, demands, {
    rendered,
    thinks: template?.thinks === true && !isPlain(generation, template),
  });
  try {
    const written = await write(engine, {
      ...{ prompt, params, signal, grammar: answer.grammar, read: text => answer.read(text) },
      limit: Math.min(params.max_tokens ?? room, room),
      reuses: !isComparable(generation),
      spelled: new Set(
        model.tokenize(demands.callForm.before, true).filter(token => model.isSpecialToken(token)),
      ),
    });
    const generated = answer.finish(written);
    const logprobs = await logprobsFor(engine, generation, {
      prompt,
      written,
      length: generated.text.length,
    });
    const usage = {
      ...{ prompt_tokens: prompt.length, completion_tokens: written.count },
      cached_tokens: written.reused,
    };
    return { ...generated, ...(logprobs && { logprobs }), usage, renderedPrompt: rendered };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BackendError) throw error;
    throw new BackendError(`The model failed: ${errorText(error)}`, { cause: error });
  }
}

function tooLong(tokens: number, contextSize: number): BackendError {
  return new BackendError(
    `The prompt is too long: it has ${tokens} tokens, and this miner takes ${contextSize} of prompt and answer together`,
    { failureClass: 'refused', code: 'context_length_exceeded' },
  );
}

/**
 * Whether to continue the prompt without a template: the client asks for it, or the model has no template.
 */
const isPlain = ({ chat, params }: Pick<Generation, 'chat' | 'params'>, template: ChatTemplate | undefined) =>
  !chat && (params.raw === true || !template);

/** Returns the text that the model continues. */
export function textFor(
  { prompt, chat, params }: Pick<Generation, 'prompt' | 'chat' | 'params'>,
  template: ChatTemplate | undefined,
): string {
  if (isPlain({ chat, params }, template)) return prompt;
  if (!template)
    throw new BackendError(
      'This model has no chat template: it continues texts, but can not answer conversations',
      {
        failureClass: 'unsupported',
        code: 'chat_unsupported',
      },
    );
  const { messages, tools, tool_choice } = chatOf({ prompt, ...(chat && { chat }) });
  const { chat_template_kwargs, think, reasoning_effort } = params as Record<string, unknown>;
  const variables = {
    ...Object(chat_template_kwargs),
    ...(typeof think === 'boolean' && { enable_thinking: think }),
    ...(reasoning_effort !== undefined && { reasoning_effort }),
  };
  return template.render({ messages, variables, ...(tools && tool_choice !== 'none' && { tools }) });
}

/** Returns the logprobs of the answer's tokens when the client asked for them. */
async function logprobsFor(
  engine: LlamaEngine,
  { params, signal }: Generation,
  { prompt, written, length }: { prompt: readonly number[]; written: Written; length: number },
) {
  const { logprobs, top_logprobs } = params as Record<string, unknown>;
  if (logprobs !== true && typeof logprobs !== 'number') return undefined;
  const told = written.tokens.filter((_, index) => (written.starts[index] ?? 0) < length);
  const top = Number(typeof logprobs === 'number' ? logprobs : (top_logprobs ?? 0));
  return await logprobsOf(engine, prompt, told, { top, signal });
}

/** Model names are printable ASCII without spaces. */
const nameOf = (gguf: string) =>
  basename(gguf)
    .replace(/\.gguf$/i, '')
    .replace(/[^\x21-\x7e]+/g, '-');
