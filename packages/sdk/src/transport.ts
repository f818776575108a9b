import { type Reading, readAnswer } from './answers.ts';
import { withDeadline } from './deadline.ts';
import { ConnectionError, CoordinatorError, TimeoutError } from './errors.ts';
import type { RequestOptions, Settings } from './options.ts';
import { retryDelay } from './retry.ts';

export type Query = Record<string, string | number | boolean | undefined>;

/** One request. */
export interface ApiCall extends Reading {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** The path after the base URL: `/v1/jobs`. */
  path: string;
  query?: Query | undefined;
  /** A form is sent as it is, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string> | undefined;
  /** Whether sending the request twice leaves the same state as sending it once. Default: true for GET. */
  repeatable?: boolean;
  /** Seconds that the coordinator may hold the request. */
  wait?: number | undefined;
  /** Whether the browser's cache must be skipped, because the answer changes by itself. */
  fresh?: boolean;
}

export interface TransportAnswer<T> {
  body: T;
  headers: Headers;
}

/** Sends a call with retries. Rejects with an AitbcError, or with the reason of the aborted signal. */
export type Transport = <T>(call: ApiCall, options?: RequestOptions) => Promise<TransportAnswer<T>>;

export function createTransport(baseUrl: string, settings: Settings): Transport {
  const base = parseBaseUrl(baseUrl);
  return async <T>(call: ApiCall, options: RequestOptions = {}) => {
    const maxRetries = options.maxRetries ?? settings.maxRetries;
    const repeatable = call.repeatable ?? (call.method ?? 'GET') === 'GET';
    for (let retries = 0; ; retries++) {
      try {
        return await send<T>(base, call, options, settings);
      } catch (error) {
        const delay = retryDelay(error, { repeatable, retries, random: settings.random });
        if (delay === null || retries >= maxRetries) throw error;
        await settings.sleep(delay, options.signal);
        options.signal?.throwIfAborted();
      }
    }
  };
}

export function parseBaseUrl(baseUrl: string): string {
  const url = new URL(baseUrl, globalThis.location?.href);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`The coordinator's URL must begin with http:// or https://, not ${url.protocol}`);
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

async function send<T>(
  base: string,
  call: ApiCall,
  options: RequestOptions,
  settings: Settings,
): Promise<TransportAnswer<T>> {
  const url = base + call.path + queryString(call.query);
  const ms = (options.timeout ?? settings.timeout) + (call.wait ?? 0) * 1000;
  const expired = () => new TimeoutError(`No answer from ${base} within ${ms / 1000} s`, ms);
  return withDeadline({ ms, signal: options.signal, expired }, async signal => {
    const init = requestInit(
      call,
      settings,
      call.as === 'response' ? withBody(signal, options.signal) : signal,
      options.traceparent,
    );
    try {
      const response = await settings.fetch(url, init);
      return { body: await readAnswer<T>(response, call, settings.now), headers: response.headers };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof CoordinatorError ? error : new ConnectionError(base, error);
    }
  });
}

/** The deadline ends when the headers arrive. Only the caller's signal then stops the reading of the body. */
function withBody(deadline: AbortSignal, signal: AbortSignal | undefined): AbortSignal {
  return signal ? AbortSignal.any([deadline, signal]) : deadline;
}

export function requestInit(
  call: ApiCall,
  settings: Settings,
  signal: AbortSignal,
  traceparent = settings.traceparent(),
): RequestInit {
  const headers: Record<string, string> = {
    accept: (call.as ?? 'json') === 'json' ? 'application/json' : '*/*',
    ...settings.headers,
    ...call.headers,
  };
  if (traceparent !== undefined) headers.traceparent = traceparent;
  if (settings.apiKey) headers['x-api-key'] = settings.apiKey;
  const isForm = call.body instanceof FormData;
  // fetch sets the type of a form, with the boundary of its parts.
  if (call.body !== undefined && !isForm) headers['content-type'] = 'application/json';
  return {
    method: call.method ?? 'GET',
    headers,
    signal,
    // When a redirect is followed, a POST becomes a GET and the API key goes to another server.
    redirect: 'manual',
    ...(call.fresh ? { cache: 'no-store' } : {}),
    ...(call.body === undefined
      ? {}
      : { body: isForm ? (call.body as FormData) : JSON.stringify(call.body) }),
  };
}

function queryString(query: Query = {}): string {
  const given = Object.entries(query).filter(entry => entry[1] !== undefined);
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/** Encodes an id as one segment of a path. */
export function id(value: string): string {
  if (value === '') throw new TypeError('An id must not be empty');
  return encodeURIComponent(value);
}
