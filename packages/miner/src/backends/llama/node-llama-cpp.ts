import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BackendError } from '../backend.ts';

/** What is used of node-llama-cpp 3: it is too large to be installed for its types. */
export interface NodeLlamaCpp {
  getLlama(options: {
    build: 'never';
    logLevel: string;
    progressLogs: boolean;
    maxThreads: number;
  }): Promise<Llama>;
  LlamaChat: new (options: { contextSequence: Sequence; autoDisposeSequence: boolean }) => Chat;
  LlamaCompletion: new (options: { contextSequence: Sequence; autoDisposeSequence: boolean }) => Completion;
  TokenBias: new (tokenizer: Model['tokenizer']) => TokenBias;
}

export interface Llama {
  /** `false` without a GPU that it can use. */
  gpu: string | false;
  loadModel(options: { modelPath: string }): Promise<Model>;
  getGrammarFor(type: 'json'): Promise<Grammar>;
  createGrammarForJsonSchema(schema: object): Promise<Grammar>;
  dispose(): Promise<void>;
}

export interface Model {
  trainContextSize: number;
  readonly tokenizer: object;
  tokenize(text: string): readonly unknown[];
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

export interface Sequence {
  contextSize: number;
  tokenMeter: { usedInputTokens: number; usedOutputTokens: number };
  clearHistory(): Promise<void>;
}

/** What the model's output is held to. */
export type Grammar = { readonly grammar: string };

export interface Chat {
  chatWrapper: { generateInitialChatHistory(): HistoryItem[] };
  /** `history` ends with what the model has said so far, which may be nothing. */
  generateResponse(history: readonly HistoryItem[], options: ResponseOptions): Promise<ChatResponse>;
  dispose(): void;
}

/** Goes on with a text, by no template. */
export interface Completion {
  generateCompletionWithMeta(text: string, options: ResponseOptions): Promise<ChatResponse>;
  dispose(): void;
}

export type HistoryItem =
  | { type: 'system' | 'user'; text: string }
  | { type: 'model'; response: (string | FunctionCall)[] };

export interface FunctionCall {
  type: 'functionCall';
  name: string;
  params: unknown;
  result: unknown;
}

export interface ChatResponse {
  response: string;
  functionCalls?: { functionName: string; params: unknown }[];
  metadata: { stopReason: string };
}

export interface ResponseOptions {
  signal: AbortSignal;
  maxTokens: number;
  onTextChunk?: (text: string) => void;
  temperature?: number;
  topP?: number;
  topK?: number;
  minP?: number;
  seed?: number;
  customStopTriggers?: string[];
  repeatPenalty?: { presencePenalty?: number; frequencyPenalty?: number };
  grammar?: Grammar;
  tokenBias?: TokenBias;
  maxParallelFunctionCalls?: number;
  functions?: Readonly<Record<string, { description?: string; params?: object }>>;
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
