import {
  type AnswerDetails,
  type ChatRequest,
  type FailureClass,
  type FinishReason,
  type JobParams,
  LIMITS,
  type ModelAbilities,
  type TokenUsage,
  type ToolCall,
} from '@aitbc/protocol';

/** One text to generate. */
export interface Generation {
  /** One of the names that `models()` gave. */
  model: string;
  prompt: string;
  /** A conversation, which is then to be answered instead of the prompt. */
  chat?: ChatRequest;
  params: JobParams;
  /** Ends the generation: it then rejects with the signal's reason. */
  signal: AbortSignal;
  /** Gets the text piece by piece as it comes; the pieces together are the result. */
  onToken?: (piece: string) => void;
  /** Gets what the model thinks before its answer, piece by piece, where the engine tells it apart from the text. */
  onReasoning?: (piece: string) => void;
}

/** `reasoning`, `refusal` and `logprobs` are absent where the engine does not tell them. */
export interface Generated extends AnswerDetails {
  text: string;
  /** Functions that the model wants called, of the tools of the chat. */
  toolCalls?: ToolCall[];
  /** Absent where the engine does not say. */
  finishReason?: FinishReason;
  /** As the engine counted. A count that it does not tell is absent. */
  usage?: TokenUsage;
}

/** The conversation to answer: a prompt is one of a single message. */
export function chatOf({ prompt, chat }: Pick<Generation, 'prompt' | 'chat'>): ChatRequest {
  return chat ?? { messages: [{ role: 'user', content: prompt }] };
}

/** A text to embed, or the tokens of one by the model's own vocabulary. */
export type EmbeddingText = string | readonly number[];

/** Texts to embed. */
export interface Embedding {
  /** One of the names that `models()` gave. */
  model: string;
  input: readonly EmbeddingText[];
  params: JobParams;
  signal: AbortSignal;
}

export interface Embedded {
  /** One for each text, in order. */
  vectors: readonly (readonly number[])[];
  usage?: TokenUsage;
}

/** An engine that runs models. Its methods reject with a BackendError. */
export interface Backend {
  /** For log lines: `Ollama at http://127.0.0.1:11434`. */
  readonly name: string;
  /** The models that it can run now, by the names that jobs ask for. */
  models(signal?: AbortSignal): Promise<string[]>;
  /** Those of them that it has in memory, which begin at once. Absent where it does not say. */
  loaded?(signal?: AbortSignal): Promise<string[]>;
  /** What these of its models can do, as far as it tells. Absent where it tells nothing. */
  abilities?(models: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, ModelAbilities>>;
  generate(generation: Generation): Promise<Generated>;
  /** Absent where it can't. */
  embed?(embedding: Embedding): Promise<Embedded>;
  close(): Promise<void>;
}

export interface BackendErrorOptions {
  /** What kind of failure it is. Default `broken`. */
  failureClass?: FailureClass | undefined;
  /** The engine's own code for the error, such as `context_length_exceeded`. */
  code?: string | undefined;
  /** Of a busy engine: seconds until it may have room. */
  retryAfterSeconds?: number | undefined;
  /** Whether the engine itself seems to be gone: it is looked at before the next job. Default false. */
  down?: boolean | undefined;
  /** Whether no job would succeed even though the engine answers, as it does not take the key. Default false. */
  isLockedOut?: boolean | undefined;
  cause?: unknown;
}

/** What a backend can't do, told to whoever owns it and, for a job, to its client. */
export class BackendError extends Error {
  override name = 'BackendError';
  readonly failureClass: FailureClass;
  readonly code: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly down: boolean;
  readonly isLockedOut: boolean;

  constructor(message: string, options: BackendErrorOptions = {}) {
    const {
      failureClass = 'broken',
      code,
      retryAfterSeconds,
      down = false,
      isLockedOut = false,
      cause,
    } = options;
    super(message, { cause });
    this.failureClass = failureClass;
    this.code = code?.toWellFormed().slice(0, LIMITS.engineCodeLength) || undefined;
    this.retryAfterSeconds =
      retryAfterSeconds === undefined
        ? undefined
        : Math.min(Math.max(retryAfterSeconds, 0), LIMITS.retryAfterSeconds);
    this.down = down;
    this.isLockedOut = isLockedOut;
  }

  /** Whether the same job may succeed on another try at this engine. */
  get retryable(): boolean {
    return isRetryable(this.failureClass);
  }
}

/** Whether a failure of this class may not happen again on another try at the same engine. */
export const isRetryable = (failureClass: FailureClass): boolean =>
  failureClass !== 'refused' && failureClass !== 'unsupported';
