import { sleep } from './deadline.ts';

/** How a client reaches its coordinator. Durations are in milliseconds. */
export interface ClientOptions {
  /** Sent as `X-Api-Key`. Not needed where the coordinator runs open. */
  apiKey?: string | null;
  /** For an answer to one try, besides the time that the coordinator was asked to wait. Default 30,000. */
  timeout?: number;
  /** Tries after the first, of what may be repeated. Default 2. */
  maxRetries?: number;
  /** Added to every request. */
  headers?: Record<string, string>;
  /** In place of the global `fetch`. */
  fetch?: typeof fetch;
  /** In place of a timer, for tests of what happens between tries. */
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** In place of `Math.random`: the jitter of the waits between tries. */
  random?: () => number;
  /** In place of `Date.now`. */
  now?: () => number;
}

/** What one call may set for itself; the rest comes from the client's options. */
export interface RequestOptions {
  signal?: AbortSignal | undefined;
  timeout?: number | undefined;
  maxRetries?: number | undefined;
}

export type Settings = Required<ClientOptions>;

export function settle(options: ClientOptions): Settings {
  return {
    apiKey: options.apiKey ?? null,
    timeout: options.timeout ?? 30_000,
    maxRetries: options.maxRetries ?? 2,
    headers: options.headers ?? {},
    // Browsers refuse to call fetch as the method of anything but their window.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    sleep: options.sleep ?? sleep,
    random: options.random ?? Math.random,
    now: options.now ?? Date.now,
  };
}
