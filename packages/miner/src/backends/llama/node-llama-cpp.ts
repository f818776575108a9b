import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BackendError } from '../../backend.ts';

/** The used part of node-llama-cpp 3, which is too large to install for its types alone. */
export interface NodeLlamaCpp {
  getLlama(options: {
    build: 'never';
    logLevel: string;
    progressLogs: boolean;
    maxThreads: number;
  }): Promise<Llama>;
  LlamaGrammarEvaluationState: new (options: { model: LlamaModel; grammar: LlamaGrammar }) => GrammarState;
  getModuleVersion?(): Promise<string>;
  TokenBias: new (tokenizer: LlamaModel['tokenizer']) => TokenBias;
}

export interface Llama {
  /** `false` without a usable GPU. */
  gpu: string | false;
  /** The build of llama.cpp: `b6000`. */
  llamaCppRelease?: { repo: string; release: string };
  loadModel(options: { modelPath: string }): Promise<LlamaModel>;
  /** @param options a grammar in GBNF */
  createGrammar(options: { grammar: string }): Promise<LlamaGrammar>;
  dispose(): Promise<void>;
}

export type LlamaGrammar = { readonly grammar: string };
/** How far a text has advanced in a grammar. */
export type GrammarState = { clone(): GrammarState };

export interface LlamaModel {
  trainContextSize: number;
  readonly tokenizer: object;
  /** The file's metadata: `tokenizer.chat_template` and others, each name split at its dots. */
  readonly fileInfo: { metadata: Record<string, unknown> };
  readonly tokens: {
    bos: number | null;
    eos: number | null;
    /** Ends a turn of a conversation, where that is another token than `eos`. */
    eot: number | null;
    bosString: string | null;
    eosString: string | null;
    shouldPrependBosToken: boolean;
  };
  /** @param specialTokens whether a special token's name in the text becomes that token */
  tokenize(text: string, specialTokens?: boolean): number[];
  /** @param lastTokens the preceding tokens, on which spaces depend */
  detokenize(tokens: readonly number[], specialTokens?: boolean, lastTokens?: readonly number[]): string;
  /** Whether the token ends a text. */
  isEogToken(token: number): boolean;
  isSpecialToken(token: number): boolean;
  iterateAllTokens(): Iterable<number>;
  createContext(options: {
    sequences: number;
    contextSize: number | { max: number };
    flashAttention?: boolean;
    experimentalKvCacheKeyType?: string;
    experimentalKvCacheValueType?: string;
  }): Promise<{ contextSize: number; getSequence(): Sequence; dispose(): Promise<void> }>;
  dispose(): Promise<void>;
  createEmbeddingContext(options: { contextSize: number }): Promise<EmbeddingContext>;
}

export interface EmbeddingContext {
  /** Embeds a text, or tokens of the model, one after the other. */
  getEmbeddingFor(text: string | readonly number[]): Promise<{ vector: readonly number[] }>;
  /** Returns the number of tokens. */
  calculateInputLength(text: string | readonly number[]): number;
}

/** Makes tokens more or less likely. */
export interface TokenBias {
  set(token: number, bias: 'never' | { logit: number }): TokenBias;
}

/** A text that the model reads and writes. */
export interface Sequence {
  contextSize: number;
  /** The number of tokens that the model has read. */
  readonly nextTokenIndex: number;
  /** These tokens. */
  readonly contextTokens: readonly number[];
  clearHistory(): Promise<void>;
  /** Forgets the tokens after the first difference, perhaps more than necessary. */
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  /** Reads the tokens, then generates. It reads each generated token when the next one is requested. */
  evaluate(
    tokens: readonly number[],
    options: Sampling & { yieldEogToken: boolean; grammarEvaluationState?: GrammarState },
  ): AsyncIterable<number>;
  /** Reads the tokens, and returns what may follow each of them. */
  controlledEvaluate(
    input: readonly (readonly [token: number, options: { generateNext: NextTold }])[],
  ): Promise<({ next: { logits?: Map<number, number>; totalLogitWeight?: number } } | undefined)[]>;
}

export interface NextTold {
  logits: { filter: { tokens: number[]; includeMax: boolean; includeTop: number } };
  totalLogitWeight: boolean;
  /** Applied before the logits are told. Without them, the engine's defaults cut the list. */
  options?: Pick<Sampling, 'temperature' | 'topK' | 'topP' | 'minP'>;
}

export interface Sampling {
  temperature: number;
  topP: number;
  topK: number;
  minP: number;
  seed: number;
  repeatPenalty?: {
    penalty: number;
    punishTokens: () => readonly number[];
    maxPunishTokens: number;
    presencePenalty?: number;
    frequencyPenalty?: number;
  };
  tokenBias?: TokenBias;
}

export const NODE_LLAMA_CPP = 'node-llama-cpp';

/**
 * Loads node-llama-cpp from this program's folder or the working directory.
 *
 * @throws {BackendError} with the way to install it, when it is missing
 */
export async function loadNodeLlamaCpp(): Promise<NodeLlamaCpp> {
  const failures: unknown[] = [];
  for (const locate of [() => NODE_LLAMA_CPP, fromWorkingDirectory]) {
    try {
      const specifier = locate();
      return (await import(specifier)) as NodeLlamaCpp;
    } catch (error) {
      if (!isMissing(error)) failures.push(error);
    }
  }
  const [failure] = failures;
  if (failure)
    throw new BackendError(`${NODE_LLAMA_CPP} can not be loaded: ${errorText(failure)}`, { cause: failure });
  throw new BackendError(
    `The llama backend needs ${NODE_LLAMA_CPP}, which is not installed as it is large. Install it here with:\n  npm install --no-save ${NODE_LLAMA_CPP}`,
  );
}

function fromWorkingDirectory(): string {
  const require = createRequire(join(process.cwd(), 'package.json'));
  return pathToFileURL(require.resolve(NODE_LLAMA_CPP)).href;
}

function isMissing(error: unknown): boolean {
  const { code } = Object(error);
  const isAbsent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return isAbsent && errorText(error).includes(`'${NODE_LLAMA_CPP}'`);
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
