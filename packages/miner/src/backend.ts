import type { JobParams, TokenUsage } from '@aitbc/protocol';

/** One text to generate. */
export interface Generation {
  /** One of the names that `models()` gave. */
  model: string;
  prompt: string;
  params: JobParams;
  /** Ends the generation: it then rejects with the signal's reason. */
  signal: AbortSignal;
  /** Gets the text piece by piece as it comes; the pieces together are the result. */
  onToken?: (piece: string) => void;
}

export interface Generated {
  text: string;
  /** As the engine counted. Absent where it does not say. */
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
