import type { JobParams } from '@aitbc/protocol';
import type { Llama, Model, NodeLlamaCpp, Sampling, Sequence } from './node-llama-cpp.ts';

/*
 * Has a model go on with a text, token by token.
 */

export interface Engine {
  library: NodeLlamaCpp;
  llama: Llama;
  model: Model;
  sequence: Sequence;
}

/** From a place in the text on, what the model writes is held to a grammar. Or the text ends there. */
export type Turn = 'end' | { at: number; grammarAfter: (begun: string) => string };

export interface Assignment {
  /** Tokens of the prompt. */
  prompt: readonly number[];
  /** Tokens to write at most. */
  limit: number;
  params: JobParams;
  /** In GBNF. Absent: anything may be written. */
  grammar?: string | undefined;
  /** Tokens that have no text of their own but are wanted as they are spelled, as the marks of calls. */
  spelled: ReadonlySet<number>;
  signal: AbortSignal;
  /** Gets all of the text whenever there is more. */
  read(text: string): Turn | undefined;
}

export interface Written {
  /** Without that which ended it. */
  tokens: number[];
  /** Where each of the tokens begins in the text. */
  starts: number[];
  /** Tokens that the model made, as all engines count them: that which ended it among them. */
  count: number;
  isCut: boolean;
}

/** Tokens of a prompt between looks at whether the job was cancelled. */
const PROMPT_STEP = 512;

/** What a token's text depends on. */
const TOKENS_BEFORE = 8;

/** Half of a character that is more than one token. */
const HALF = '\ufffd';
const MOST_HALVES = 6;

export async function write(engine: Engine, assignment: Assignment): Promise<Written> {
  const { model, sequence, library, llama } = engine;
  const { prompt, limit, params, signal, spelled, read } = assignment;
  await sequence.clearHistory();
  await readPrompt(sequence, prompt.slice(0, -1), signal);
  const options = samplingOf(params, engine, () => written.tokens);
  const written: Written = { tokens: [], starts: [], count: 0, isCut: false };
  let { grammar } = assignment;
  let next = prompt.slice(-1);
  let text = '';

  for (;;) {
    const held = grammar === undefined ? undefined : await llama.createGrammar({ grammar });
    const state = held && new library.LlamaGrammarEvaluationState({ model, grammar: held });
    let turn: Turn | undefined;
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

/** In steps, as a step can't be ended early. */
async function readPrompt(sequence: Sequence, tokens: readonly number[], signal: AbortSignal): Promise<void> {
  for (let at = 0; at < tokens.length; at += PROMPT_STEP) {
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + PROMPT_STEP));
  }
}

function spelledOut(
  model: Model,
  tokens: readonly number[],
  prompt: readonly number[],
  written: readonly number[],
  spelled: ReadonlySet<number>,
): string {
  const before = [...prompt.slice(-TOKENS_BEFORE), ...written.slice(0, -tokens.length)].slice(-TOKENS_BEFORE);
  const isSpelled = tokens.some(token => spelled.has(token));
  return model.detokenize(tokens, isSpelled, before);
}

/** Takes back the tokens behind the place. Returns the text between the last one that stays and the place. */
function takeBack({ tokens, starts }: Written, text: string, at: number): string {
  const kept = starts.findIndex((start, index) => (starts[index + 1] ?? text.length) > at && start <= at);
  if (kept < 0) return '';
  const start = starts[kept] ?? at;
  tokens.length = kept;
  starts.length = kept;
  return text.slice(start, at);
}

/** Brings what the model has read to these tokens. Returns those that it has yet to read: the last one at least. */
async function wound(sequence: Sequence, tokens: readonly number[]): Promise<number[]> {
  await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
  return tokens.slice(Math.min(sequence.nextTokenIndex, tokens.length - 1));
}

/** What llama.cpp's server goes by where a client does not say. */
const DEFAULTS = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 };

/** Of the parameters that pass unchecked, those that are what they should be. */
function samplingOf(params: JobParams, engine: Engine, written: () => readonly number[]): Sampling {
  const { temperature, top_p, top_k, min_p, seed, repeat_penalty } = params as Record<string, unknown>;
  const { presence_penalty: presencePenalty, frequency_penalty: frequencyPenalty } = params;
  const penalty = typeof repeat_penalty === 'number' ? repeat_penalty : 1;
  const isPenal = presencePenalty || frequencyPenalty || penalty !== 1;
  return {
    temperature: typeof temperature === 'number' ? temperature : DEFAULTS.temperature,
    topP: typeof top_p === 'number' ? top_p : DEFAULTS.topP,
    topK: typeof top_k === 'number' ? top_k : DEFAULTS.topK,
    minP: typeof min_p === 'number' ? min_p : DEFAULTS.minP,
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

/** Without a seed, and with -1, each text has one of its own: those of a job with several answers must differ. */
function seedOf(seed: unknown): number {
  if (Number.isSafeInteger(seed) && seed !== -1) return Number(BigInt.asUintN(31, BigInt(seed as number)));
  return Math.floor(Math.random() * 2 ** 31);
}

/** Of tokens by their number, from -100, which is never, to 100. */
function biasOf(
  { logit_bias }: JobParams,
  { library: { TokenBias }, model }: Engine,
): Pick<Sampling, 'tokenBias'> {
  const biases = Object.entries(Object(logit_bias)).flatMap(([token, bias]) =>
    /^\d+$/.test(token) && typeof bias === 'number' ? [[Number(token), bias] as const] : [],
  );
  if (biases.length === 0) return {};
  const tokenBias = new TokenBias(model.tokenizer);
  for (const [token, logit] of biases) tokenBias.set(token, logit <= -100 ? 'never' : { logit });
  return { tokenBias };
}
