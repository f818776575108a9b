import type { ChatRequest, FinishReason, JobParams, TokenUsage, ToolCall } from '@aitbc/protocol';

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
}

export interface Generated {
  text: string;
  /** Functions that the model wants called, of the tools of the chat. */
  toolCalls?: ToolCall[];
  /** Absent where the engine does not say. */
  finishReason?: FinishReason;
  /** As the engine counted. Absent where it does not say. */
  usage?: TokenUsage;
}

/** The conversation to answer: a prompt is one of a single message. */
export function chatOf({ prompt, chat }: Pick<Generation, 'prompt' | 'chat'>): ChatRequest {
  return chat ?? { messages: [{ role: 'user', content: prompt }] };
}

/** Texts to embed. */
export interface Embedding {
  /** One of the names that `models()` gave. */
  model: string;
  input: readonly string[];
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
  generate(generation: Generation): Promise<Generated>;
  /** Absent where it can't. */
  embed?(embedding: Embedding): Promise<Embedded>;
  close(): Promise<void>;
}

/** What a backend can't do, told to whoever owns it and, for a job, to its client. */
export class BackendError extends Error {
  override name = 'BackendError';
  /** Whether the same job may succeed on another try. */
  readonly retryable: boolean;
  /** Whether the engine itself seems to be gone: no job would succeed now. */
  readonly down: boolean;

  constructor(message: string, { retryable = false, down = false, cause = undefined as unknown } = {}) {
    super(message, { cause });
    this.retryable = retryable || down;
    this.down = down;
  }
}
