import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { JobParams } from '@aitbc/protocol';
import { type Backend, BackendError, type Generated, type Generation } from '../backend.ts';
import { answered, demandsOf, historyOf, textIn } from './llama-chat.ts';
import { createEmbedder } from './llama-embeddings.ts';
import {
  type Llama,
  loadNodeLlamaCpp,
  type Model,
  messageOf,
  type NodeLlamaCpp,
  type ResponseOptions,
  type Sequence,
} from './node-llama-cpp.ts';

export interface LlamaOptions {
  /** Path of a GGUF file. */
  gguf: string;
  /** What jobs call the model; the name of the file without `.gguf` unless given. */
  models?: readonly string[] | undefined;
  /** Texts generated at once, each with a context of its own. Default 1. */
  concurrency?: number;
  /** Tokens of prompt and answer together. Default: what the model was trained for, 4,096 at most. */
  contextSize?: number | undefined;
  /**
   * Default: one fewer than there are cores. llama.cpp's threads spin while they wait for one another, so that one
   * core shared with another program makes all of them many times slower.
   */
  threads?: number | undefined;
}

const DEFAULT_CONTEXT_SIZE = 4_096;

/** Room for what the chat template adds to a prompt. */
const TEMPLATE_TOKENS = 64;

/**
 * A GGUF file in this process, through node-llama-cpp.
 *
 * @throws {BackendError} when node-llama-cpp is not installed or the file can't be loaded
 */
export async function llamaBackend(options: LlamaOptions): Promise<Backend> {
  const { gguf, concurrency = 1 } = options;
  await access(gguf).catch(error => {
    throw new BackendError(`The model can not be read: ${messageOf(error)}`);
  });
  const library = await loadNodeLlamaCpp();
  const { llama, model, sequences } = await load(library, options, concurrency);
  const idle = [...sequences];
  const names = options.models?.length ? options.models : [nameOf(gguf)];
  return {
    name: `${basename(gguf)} on ${llama.gpu ? `the GPU (${llama.gpu})` : 'the CPU'}`,
    async models() {
      return [...names];
    },
    async loaded() {
      return [...names];
    },
    async generate(generation) {
      const sequence = idle.pop();
      if (!sequence) throw new BackendError('All contexts of the model are in use', { failureClass: 'busy' });
      try {
        return await generate({ library, llama, model, sequence }, generation);
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

async function load(
  library: NodeLlamaCpp,
  { gguf, contextSize, threads }: LlamaOptions,
  concurrency: number,
): Promise<{ llama: Llama; model: Model; sequences: Sequence[] }> {
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
    throw new BackendError(`${gguf} can not be loaded: ${messageOf(error)}`, { cause: error });
  }
}

interface Engine {
  library: NodeLlamaCpp;
  llama: Llama;
  model: Model;
  sequence: Sequence;
}

async function generate(
  { library, llama, model, sequence }: Engine,
  generation: Generation,
): Promise<Generated> {
  const { params, signal, onToken } = generation;
  const room = sequence.contextSize - model.tokenize(textIn(generation)).length - TEMPLATE_TOKENS;
  if (room < 1) {
    throw new BackendError(`The prompt is too long: this miner takes ${sequence.contextSize} tokens`, {
      failureClass: 'refused',
      code: 'context_length_exceeded',
    });
  }
  const demands = await demandsOf(generation, llama);
  await sequence.clearHistory();
  const on = { contextSequence: sequence, autoDisposeSequence: false };
  const isRaw = !generation.chat && params.raw === true;
  const engine = isRaw ? new library.LlamaCompletion(on) : new library.LlamaChat(on);
  const { usedInputTokens, usedOutputTokens } = sequence.tokenMeter;
  try {
    const options: ResponseOptions = {
      ...samplingOf(params),
      ...biasOf(params, library, model),
      ...demands.options,
      maxTokens: Math.min(params.max_tokens ?? room, room),
      signal,
      ...(onToken && !demands.isCall && { onTextChunk: onToken }),
    };
    const answer = await ('generateResponse' in engine
      ? engine.generateResponse(historyOf(generation, demands, engine), options)
      : engine.generateCompletionWithMeta(generation.prompt, options));
    const usage = {
      prompt_tokens: sequence.tokenMeter.usedInputTokens - usedInputTokens,
      completion_tokens: sequence.tokenMeter.usedOutputTokens - usedOutputTokens,
    };
    return { ...answered(answer, demands), usage };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BackendError) throw error;
    throw new BackendError(`The model failed: ${messageOf(error)}`, { cause: error });
  } finally {
    engine.dispose();
  }
}

/** Of the parameters that pass unchecked, those that are what they should be. */
function samplingOf(params: JobParams): Partial<ResponseOptions> {
  const { temperature, top_p, top_k, min_p, seed, stop } = params as Record<string, unknown>;
  const { presence_penalty: presencePenalty, frequency_penalty: frequencyPenalty } = params;
  const stops = (Array.isArray(stop) ? stop : [stop]).filter(text => typeof text === 'string' && text !== '');
  return {
    ...(typeof temperature === 'number' && { temperature }),
    ...(typeof top_p === 'number' && { topP: top_p }),
    ...(typeof top_k === 'number' && { topK: top_k }),
    ...(typeof min_p === 'number' && { minP: min_p }),
    ...(typeof seed === 'number' && { seed }),
    ...(stops.length > 0 && { customStopTriggers: stops }),
    ...((presencePenalty || frequencyPenalty) && {
      repeatPenalty: {
        ...(presencePenalty && { presencePenalty }),
        ...(frequencyPenalty && { frequencyPenalty }),
      },
    }),
  };
}

/** Of tokens by their number, from -100, which is never, to 100. */
function biasOf(
  { logit_bias }: JobParams,
  { TokenBias }: NodeLlamaCpp,
  { tokenizer }: Model,
): Pick<ResponseOptions, 'tokenBias'> {
  const biases = Object.entries(Object(logit_bias)).flatMap(([token, bias]) =>
    /^\d+$/.test(token) && typeof bias === 'number' ? [[Number(token), bias] as const] : [],
  );
  if (biases.length === 0) return {};
  const tokenBias = new TokenBias(tokenizer);
  for (const [token, logit] of biases) tokenBias.set(token, logit <= -100 ? 'never' : { logit });
  return { tokenBias };
}

/** Models are named in printable ASCII without spaces. */
const nameOf = (gguf: string) =>
  basename(gguf)
    .replace(/\.gguf$/i, '')
    .replace(/[^\x21-\x7e]+/g, '-');
