import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BackendError } from '../../backend.ts';

/** What is used of node-llama-cpp 3: it is too large to be installed for its types. */
export interface NodeLlamaCpp {
  getLlama(options: {
    build: 'never';
    logLevel: string;
    progressLogs: boolean;
    maxThreads: number;
  }): Promise<Llama>;
  LlamaGrammarEvaluationState: new (options: { model: Model; grammar: LlamaGrammar }) => GrammarState;
  TokenBias: new (tokenizer: Model['tokenizer']) => TokenBias;
}

export interface Llama {
  /** `false` without a GPU that it can use. */
  gpu: string | false;
  loadModel(options: { modelPath: string }): Promise<Model>;
  /** Of a grammar in GBNF. */
  createGrammar(options: { grammar: string }): Promise<LlamaGrammar>;
  dispose(): Promise<void>;
}

export type LlamaGrammar = { readonly grammar: string };
/** How far a text has come by a grammar. */
export type GrammarState = { clone(): GrammarState };

export interface Model {
  trainContextSize: number;
  readonly tokenizer: object;
  /** Of the file: `tokenizer.chat_template` and others, each name split at its dots. */
  readonly fileInfo: { metadata: Record<string, unknown> };
  readonly tokens: {
    bos: number | null;
    bosString: string | null;
    eosString: string | null;
    shouldPrependBosToken: boolean;
  };
  /** @param specialTokens whether text that spells a special token is one */
  tokenize(text: string, specialTokens?: boolean): number[];
  /** @param lastTokens those before, on which spaces depend */
  detokenize(tokens: readonly number[], specialTokens?: boolean, lastTokens?: readonly number[]): string;
  /** Whether it ends a text. */
  isEogToken(token: number): boolean;
  isSpecialToken(token: number): boolean;
  createContext(options: {
    sequences: number;
    contextSize: number | { max: number };
  }): Promise<{ contextSize: number; getSequence(): Sequence }>;
  createEmbeddingContext(options: { contextSize: number }): Promise<EmbeddingContext>;
}

export interface EmbeddingContext {
  /** Of a text, or of tokens of the model. Texts are embedded one after the other. */
  getEmbeddingFor(text: string | readonly number[]): Promise<{ vector: readonly number[] }>;
  /** In tokens. */
  calculateInputLength(text: string | readonly number[]): number;
}

/** What is more or less likely to be said. */
export interface TokenBias {
  set(token: number, bias: 'never' | { logit: number }): TokenBias;
}

/** A text that the model reads and writes. */
export interface Sequence {
  contextSize: number;
  /** Tokens that it has read. */
  readonly nextTokenIndex: number;
  clearHistory(): Promise<void>;
  /** Forgets what differs from these tokens, which may be more than is needed. */
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  /** Reads the tokens, then writes on, each token read when the next one is asked for. */
  evaluate(
    tokens: readonly number[],
    options: Sampling & { yieldEogToken: boolean; grammarEvaluationState?: GrammarState },
  ): AsyncIterable<number>;
  /** Reads the tokens, and tells of each what may come next. */
  controlledEvaluate(
    input: readonly (readonly [token: number, options: { generateNext: NextTold }])[],
  ): Promise<({ next: { logits?: Map<number, number>; totalLogitWeight?: number } } | undefined)[]>;
}

export interface NextTold {
  logits: { filter: { tokens: number[]; includeMax: boolean; includeTop: number } };
  totalLogitWeight: boolean;
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

const NAME = 'node-llama-cpp';

/**
 * Loads node-llama-cpp, installed beside this program or in the working directory.
 *
 * @throws {BackendError} how to install it, when it is not
 */
export async function loadNodeLlamaCpp(): Promise<NodeLlamaCpp> {
  const failures: unknown[] = [];
  for (const locate of [() => NAME, fromWorkingDirectory]) {
    try {
      const specifier = locate();
      return (await import(specifier)) as NodeLlamaCpp;
    } catch (error) {
      if (!isMissing(error)) failures.push(error);
    }
  }
  const [failure] = failures;
  if (failure) throw new BackendError(`${NAME} can not be loaded: ${messageOf(failure)}`, { cause: failure });
  throw new BackendError(
    `The llama backend needs ${NAME}, which is not installed as it is large. Install it here with:\n  npm install --no-save ${NAME}`,
  );
}

function fromWorkingDirectory(): string {
  const require = createRequire(join(process.cwd(), 'package.json'));
  return pathToFileURL(require.resolve(NAME)).href;
}

function isMissing(error: unknown): boolean {
  const { code } = Object(error);
  const isAbsent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return isAbsent && messageOf(error).includes(`'${NAME}'`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
