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

import type { PassportsByModel } from './passports.ts';
import type { SamplingName } from './sampling.ts';

/** One text to generate. */
export interface Generation {
  /** A name that `models()` returned. */
  model: string;
  prompt: string;
  /** A conversation to answer instead of the prompt. */
  chat?: ChatRequest;
  /** With the parameters that the agent added, see `sampling.ts`. */
  params: JobParams;
  /** Whether the seed in `params` is the agent's, and not the client's. */
  isSeedPinned?: boolean;
  /** The place of the job in a trace, for the engine's request (W3C Trace Context). */
  traceparent?: string;
  /** Ends the generation, which then rejects with the signal's reason. */
  signal: AbortSignal;
  /** Receives the text piece by piece. The pieces together are the result. */
  onToken?: (piece: string) => void;
  /**
   * Receives what the model thinks before its answer, piece by piece, when the engine reports it apart from
   * the text.
   */
  onReasoning?: (piece: string) => void;
}

/** `reasoning`, `refusal` and `logprobs` are absent when the engine does not report them. */
export interface Generated extends AnswerDetails {
  text: string;
  /** The tool calls of the model. */
  toolCalls?: ToolCall[];
  /** Absent when the engine does not report it. */
  finishReason?: FinishReason;
  /** The engine's counts. Unknown counts are absent. */
  usage?: TokenUsage;
  /** The prompt as the engine rendered it by the chat template, where it shows that. */
  renderedPrompt?: string;
}

/** Returns the conversation to answer. A prompt becomes a conversation of a single message. */
export function chatOf({ prompt, chat }: Pick<Generation, 'prompt' | 'chat'>): ChatRequest {
  return chat ?? { messages: [{ role: 'user', content: prompt }] };
}

/** A text to embed, or its tokens in the model's own vocabulary. */
export type EmbeddingText = string | readonly number[];

export interface Embedding {
  /** A name that `models()` returned. */
  model: string;
  input: readonly EmbeddingText[];
  params: JobParams;
  /** As in a generation. */
  traceparent?: string;
  signal: AbortSignal;
}

export interface Embedded {
  /** One for each text, in order. */
  vectors: readonly (readonly number[])[];
  usage?: TokenUsage;
}

/** An engine that runs models. Its methods reject with a BackendError. */
export interface Backend {
  /** The name in log lines: `Ollama at http://127.0.0.1:11434`. */
  readonly name: string;
  /** The kind of engine in traces: `ollama`, `openai`. Absent for backends of others. */
  readonly kind?: string;
  /** Returns the models that the engine can run now, by the names that jobs ask for. */
  models(signal?: AbortSignal): Promise<string[]>;
  /** Returns the models in memory, which start at once. Absent when the engine does not report them. */
  loaded?(signal?: AbortSignal): Promise<string[]>;
  /** Returns what these models can do, as far as the engine reports it. Absent when it reports nothing. */
  abilities?(models: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, ModelAbilities>>;
  /** Returns what these models are and how they run. Absent when the backend knows nothing of that. */
  passports?(models: readonly string[], signal?: AbortSignal): Promise<PassportsByModel>;
  /** Returns the parameters of sampling that the engine takes. The agent then sends them with each job. */
  takes?(model: string): readonly SamplingName[];
  generate(generation: Generation): Promise<Generated>;
  /** Absent when the engine can not embed. */
  embed?(embedding: Embedding): Promise<Embedded>;
  close(): Promise<void>;
}

export interface BackendErrorOptions {
  /** The kind of failure. Default `broken`. */
  failureClass?: FailureClass | undefined;
  /** The engine's own code for the error, such as `context_length_exceeded`. */
  code?: string | undefined;
  /** Seconds until a busy engine may have room. */
  retryAfterSeconds?: number | undefined;
  /** Whether the engine itself seems to be gone. It is then checked before the next job. Default false. */
  down?: boolean | undefined;
  /** Whether the engine answers but no job could succeed, because it rejects the API key. Default false. */
  isLockedOut?: boolean | undefined;
  cause?: unknown;
}

/** A backend's failure. Its message goes to the miner's owner and, for a job, to the client. */
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

/** Whether a failure of this class may go away on another try at the same engine. */
export const isRetryable = (failureClass: FailureClass): boolean =>
  failureClass !== 'refused' && failureClass !== 'unsupported';
