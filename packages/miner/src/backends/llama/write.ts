import type { JobParams } from '@aitbc/protocol';
import type { Llama, LlamaModel, NodeLlamaCpp, Sampling, Sequence } from './node-llama-cpp.ts';

/* Lets a model continue a text, token by token. */

export interface LlamaEngine {
  library: NodeLlamaCpp;
  llama: Llama;
  model: LlamaModel;
  sequence: Sequence;
}

/** From a place in the text on, the model must follow a grammar. Or the text ends. */
export type NextStep = 'end' | { at: number; grammarAfter: (begun: string) => string };

export interface Assignment {
  /** The tokens of the prompt. */
  prompt: readonly number[];
  /** The most tokens to write. */
  limit: number;
  params: JobParams;
  /** In GBNF. Without it, any text may be written. */
  grammar?: string | undefined;
  /** Special tokens that must appear in the text, such as the marks of tool calls. */
  spelled: ReadonlySet<number>;
  signal: AbortSignal;
  /** Whether to keep what the model has read of the same prompt before. */
  reuses: boolean;
  /** Receives the whole text whenever it grows. */
  read(text: string): NextStep | undefined;
}

export interface Written {
  /** The tokens without the one that ended the text. */
  tokens: number[];
  /** Where each token begins in the text. */
  starts: number[];
  /** How many tokens the model generated, including the one that ended the text, as all engines count. */
  count: number;
  isCut: boolean;
  /** How many tokens of the prompt were not read again. */
  reused: number;
}

/** How many tokens of a prompt are read between checks for cancellation. */
const PROMPT_STEP = 512;

/** How many preceding tokens a token's text may depend on. */
const TOKENS_BEFORE = 8;

/** An incomplete character, which continues in the next token. */
const HALF = '\ufffd';
const MOST_HALVES = 6;

export async function write(engine: LlamaEngine, assignment: Assignment): Promise<Written> {
  const { model, sequence, library, llama } = engine;
  const { prompt, limit, params, signal, spelled, reuses, read } = assignment;
  if (!reuses) await sequence.clearHistory();
  let next = await wound(sequence, prompt);
  const reused = prompt.length - next.length;
  await readPrompt(sequence, next.slice(0, -1), signal);
  next = next.slice(-1);
  const options = samplingOf(params, engine, () => written.tokens);
  const written: Written = { tokens: [], starts: [], count: 0, isCut: false, reused };
  let { grammar } = assignment;
  let text = '';

  for (;;) {
    const held = grammar === undefined ? undefined : await llama.createGrammar({ grammar });
    const state = held && new library.LlamaGrammarEvaluationState({ model, grammar: held });
    let turn: NextStep | undefined;
    let halves: number[] = [];
    const evaluation = { ...options, yieldEogToken: true, ...(state && { grammarEvaluationState: state }) };
    for await (const token of sequence.evaluate(next, evaluation)) {
      signal.throwIfAborted();
      written.count++;
      if (model.isEogToken(token)) return written;
      written.starts.push(text.length);
      written.tokens.push(token);
      const piece = spelledOut(model, [...halves, token], prompt, written.tokens, spelled);
      if (piece.endsWith(HALF) && halves.length < MOST_HALVES) halves.push(token);
      else {
        halves = [];
        text += piece;
        turn = piece === '' ? undefined : read(text);
      }
      if (turn) break;
      if (written.count >= limit) return { ...written, isCut: true };
    }
    if (turn === 'end') return written;
    if (!turn) throw new Error('The model stopped before the end of the text');
    const begun = takeBack(written, text, turn.at);
    grammar = turn.grammarAfter(begun);
    text = text.slice(0, turn.at - begun.length);
    next = await wound(sequence, [...prompt, ...written.tokens]);
  }
}

/** Reads in steps, because a step can not be interrupted. */
async function readPrompt(sequence: Sequence, tokens: readonly number[], signal: AbortSignal): Promise<void> {
  for (let at = 0; at < tokens.length; at += PROMPT_STEP) {
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + PROMPT_STEP));
  }
}

function spelledOut(
  model: LlamaModel,
  tokens: readonly number[],
  prompt: readonly number[],
  written: readonly number[],
  spelled: ReadonlySet<number>,
): string {
  const before = [...prompt.slice(-TOKENS_BEFORE), ...written.slice(0, -tokens.length)].slice(-TOKENS_BEFORE);
  const isSpelled = tokens.some(token => spelled.has(token));
  return model.detokenize(tokens, isSpelled, before);
}

/** Removes the tokens after the place. Returns the text between the last kept token and the place. */
function takeBack({ tokens, starts }: Written, text: string, at: number): string {
  const kept = starts.findIndex((start, index) => (starts[index + 1] ?? text.length) > at && start <= at);
  if (kept < 0) return '';
  const start = starts[kept] ?? at;
  tokens.length = kept;
  starts.length = kept;
  return text.slice(start, at);
}

/**
 * Adapts what the model has read to these tokens. Returns the tokens still to read, at least the last one.
 */
async function wound(sequence: Sequence, tokens: readonly number[]): Promise<number[]> {
  await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
  return tokens.slice(Math.min(sequence.nextTokenIndex, tokens.length - 1));
}

/** The defaults of llama.cpp's server. */
export const DEFAULTS = {
  ...{ temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05 },
  ...{ repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0 },
};

/** Uses those of the unchecked parameters that have the right type. */
function samplingOf(params: JobParams, engine: LlamaEngine, written: () => readonly number[]): Sampling {
  const { temperature, top_p, top_k, min_p, seed, repeat_penalty } = params as Record<string, unknown>;
  const { presence_penalty: presencePenalty, frequency_penalty: frequencyPenalty } = params;
  const penalty = typeof repeat_penalty === 'number' ? repeat_penalty : 1;
  const isPenal = presencePenalty || frequencyPenalty || penalty !== 1;
  return {
    temperature: typeof temperature === 'number' ? temperature : DEFAULTS.temperature,
    topP: typeof top_p === 'number' ? top_p : DEFAULTS.top_p,
    topK: typeof top_k === 'number' ? top_k : DEFAULTS.top_k,
    minP: typeof min_p === 'number' ? min_p : DEFAULTS.min_p,
    seed: seedOf(seed),
    ...biasOf(params, engine),
    ...(isPenal && {
      repeatPenalty: {
        penalty,
        punishTokens: () => written().slice(-PUNISHED_TOKENS),
        maxPunishTokens: PUNISHED_TOKENS,
        ...(presencePenalty && { presencePenalty }),
        ...(frequencyPenalty && { frequencyPenalty }),
      },
    }),
  };
}

const PUNISHED_TOKENS = 1_024;

/** Without a seed, or with -1, each text gets a random one, as the answers of one job must differ. */
function seedOf(seed: unknown): number {
  if (Number.isSafeInteger(seed) && seed !== -1) return Number(BigInt.asUintN(31, BigInt(seed as number)));
  return Math.floor(Math.random() * 2 ** 31);
}

/** Reads biases by token number, from -100, which means never, to 100. */
function biasOf(
  { logit_bias }: JobParams,
  { library: { TokenBias }, model }: LlamaEngine,
): Pick<Sampling, 'tokenBias'> {
  const biases = Object.entries(Object(logit_bias)).flatMap(([token, bias]) =>
    /^\d+$/.test(token) && typeof bias === 'number' ? [[Number(token), bias] as const] : [],
  );
  if (biases.length === 0) return {};
  const tokenBias = new TokenBias(model.tokenizer);
  for (const [token, logit] of biases) tokenBias.set(token, logit <= -100 ? 'never' : { logit });
  return { tokenBias };
}
