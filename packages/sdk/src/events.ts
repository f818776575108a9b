import type { JobEvent, NumberedJobEvent } from '@aitbc/protocol';
import { createParser } from 'eventsource-parser';
import { readAnswer } from './answers.ts';
import { withDeadline } from './deadline.ts';
import { AitbcError, ConnectionError, CoordinatorError, TimeoutError } from './errors.ts';
import type { RequestOptions, Settings } from './options.ts';
import { retryDelay } from './retry.ts';
import { parseBaseUrl, requestInit } from './transport.ts';

export interface EventsOptions extends Omit<RequestOptions, 'maxRetries'> {
  /** The id of an event. The stream continues after it. */
  after?: string | undefined;
  /**
   * How many failed connections in a row are retried. Default: the client's `maxRetries` for the first
   * connection, and without limit once there was one, so that a coordinator may restart.
   */
  maxRetries?: number | undefined;
}

/** Opens one connection and returns its events. Undefined when the stream has ended. */
export type OpenEvents = <Event = NumberedJobEvent>(
  path: string,
  after: string | undefined,
  options: EventsOptions,
) => Promise<AsyncIterable<Event> | undefined>;

/**
 * Coordinators send a comment every 15 seconds by default. A connection that is silent for this long is
 * broken.
 */
const LONGEST_SILENCE_MS = 45_000;

/**
 * Opens a connection for events, without retries. Opening and reading reject with an AitbcError or the
 * signal's reason.
 */
export function openEvents(baseUrl: string, settings: Settings): OpenEvents {
  const base = parseBaseUrl(baseUrl);
  return async <Event>(path: string, after: string | undefined, options: EventsOptions) => {
    const ms = options.timeout ?? settings.timeout;
    const closing = new AbortController();
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (after !== undefined) headers['last-event-id'] = after;
    const expired = () => new TimeoutError(`No answer from ${base} within ${ms / 1000} s`, ms);
    const open = async (signal: AbortSignal) => {
      signal.addEventListener('abort', () => closing.abort(signal.reason));
      try {
        const init = requestInit(
          { path, headers, fresh: true },
          settings,
          closing.signal,
          options.traceparent,
        );
        const response = await settings.fetch(base + path, init);
        const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
        if (response.status === 204) return undefined;
        if (!response.ok) await readAnswer(response, {}, settings.now);
        if (isStream) return response;
        const detail = 'The answer is not a stream of events. Is this the URL of a coordinator?';
        throw new CoordinatorError(response.status, { detail });
      } catch (error) {
        throw failureOf(error, base, signal);
      }
    };
    const response = await withDeadline({ ms, signal: options.signal, expired }, open);
    return response && readEvents<Event>(response, base, closing, options.signal);
  };
}

async function* readEvents<Event>(
  response: Response,
  base: string,
  closing: AbortController,
  signal: AbortSignal | undefined,
): AsyncGenerator<Event> {
  let came: Event[] = [];
  const parser = createParser({
    onEvent({ event, id = '', data }) {
      came.push({ event, id, data: JSON.parse(data) } as Event);
    },
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const abort = () => closing.abort(signal?.reason);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  const silence = new ConnectionError(base, new Error('the connection is silent'));
  try {
    for (;;) {
      const timer = setTimeout(() => closing.abort(silence), LONGEST_SILENCE_MS);
      const part = await reader?.read().finally(() => clearTimeout(timer));
      if (!part || part.done) return;
      parser.feed(part.value);
      yield* came.splice(0);
    }
  } catch (error) {
    throw closing.signal.aborted ? closing.signal.reason : failureOf(error, base, signal);
  } finally {
    signal?.removeEventListener('abort', abort);
    came = [];
    closing.abort();
  }
}

function failureOf(error: unknown, base: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  return error instanceof AitbcError ? error : new ConnectionError(base, error);
}

/** Yields a job's events to the last one, over as many connections as needed. */
export async function* followJob(
  open: (after: string | undefined) => Promise<AsyncIterable<NumberedJobEvent> | undefined>,
  settings: Settings,
  { after, maxRetries, signal }: EventsOptions,
): AsyncGenerator<NumberedJobEvent, void> {
  let last = after;
  let allowed = maxRetries ?? settings.maxRetries;
  for (let retries = 0; ; retries++) {
    let failure: unknown;
    try {
      const events = await open(last);
      if (!events) return;
      allowed = maxRetries ?? Number.POSITIVE_INFINITY;
      for await (const event of events) {
        retries = 0;
        last = event.id;
        yield event;
        if (isLast(event)) return;
      }
    } catch (error) {
      failure = error;
    }
    // A stream that ends before the last event comes from a coordinator that stops.
    failure ??= new ConnectionError('the coordinator', new Error('it ended the stream'));
    signal?.throwIfAborted();
    const delay = retryDelay(failure, { repeatable: true, retries, random: settings.random });
    if (delay === null || retries >= allowed) throw failure;
    await settings.sleep(delay, signal);
  }
}

const isLast = (told: JobEvent) =>
  told.event === 'receipt' ||
  told.event === 'error' ||
  (told.event === 'status' && told.data.status === 'cancelled');
