import { sleep } from './deadline.ts';

/** How a client reaches its coordinator. Durations are in milliseconds. */
export interface ClientOptions {
  /** Sent as `X-Api-Key`. A coordinator without authentication does not need it. */
  apiKey?: string | null;
  /** How long one try waits for its answer, in addition to the `wait` of the request. Default 30,000. */
  timeout?: number;
  /** How many times a repeatable request is retried. Default 2. */
  maxRetries?: number;
  /** Headers to add to every request. */
  headers?: Record<string, string>;
  /**
   * Called for each request. Returns the `traceparent` of the caller's span (W3C Trace Context), so that its jobs become
   * part of the caller's trace.
   */
  traceparent?: () => string | undefined;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
  /** Replaces the timer between tries, for tests. */
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Replaces `Math.random`, which draws the jitter between tries. */
  random?: () => number;
  /** Replaces `Date.now`. */
  now?: () => number;
}

/** Options of a single call. Others come from the client's options. */
export interface RequestOptions {
  signal?: AbortSignal | undefined;
  timeout?: number | undefined;
  maxRetries?: number | undefined;
  /** The caller's place in a trace (W3C Trace Context), instead of what the client's option returns. */
  traceparent?: string | undefined;
}

export type Settings = Required<ClientOptions>;

export function withDefaults(options: ClientOptions): Settings {
  return {
    apiKey: options.apiKey ?? null,
    timeout: options.timeout ?? 30_000,
    maxRetries: options.maxRetries ?? 2,
    headers: options.headers ?? {},
    traceparent: options.traceparent ?? (() => undefined),
    // Browsers throw when fetch is called as a method of another object than the window.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    sleep: options.sleep ?? sleep,
    random: options.random ?? Math.random,
    now: options.now ?? Date.now,
  };
}
