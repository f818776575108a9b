import type { NumberedJobEvent } from '@aitbc/protocol';
import { createParser } from 'eventsource-parser';
import type { CallOptions } from './coordinator.ts';

/** Someone who reads the events of a job, as they come. */
export interface Listener {
  response: Response;
  /** Undefined after the last one. */
  next(): Promise<NumberedJobEvent | undefined>;
  /** The events up to one of this name, or to the end. */
  until(event: NumberedJobEvent['event'] | 'end'): Promise<NumberedJobEvent[]>;
  /** Resolves with the first comment that is still to come. Events before it are kept for `next`. */
  comment(): Promise<void>;
  disconnect(): void;
}

export interface ListenOptions extends Pick<CallOptions, 'key'> {
  /** Id of the event to go on behind. */
  after?: string | undefined;
  /** Send it in the query rather than in a header. */
  inQuery?: boolean;
}

export async function listenTo(
  url: string,
  jobId: string,
  { key, after, inQuery = false }: ListenOptions = {},
): Promise<Listener> {
  const controller = new AbortController();
  const query = after !== undefined && inQuery ? `?last_event_id=${encodeURIComponent(after)}` : '';
  const response = await fetch(`${url}/v1/jobs/${jobId}/events${query}`, {
    headers: {
      ...(key !== undefined && { 'x-api-key': key }),
      ...(after !== undefined && !inQuery && { 'last-event-id': after }),
    },
    signal: controller.signal,
  });
  const events: NumberedJobEvent[] = [];
  let comments = 0;
  const parser = createParser({
    onEvent: ({ event, id, data }) => events.push({ event, id, data: JSON.parse(data) } as NumberedJobEvent),
    onComment: () => comments++,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();

  /** Reads what arrives next. Resolves with false at the end. */
  async function read(): Promise<boolean> {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) return false;
    parser.feed(value);
    return true;
  }

  async function next() {
    while (events.length === 0) if (!(await read())) return undefined;
    return events.shift();
  }

  return {
    response,
    next,
    async until(name) {
      const told: NumberedJobEvent[] = [];
      for (let event = await next(); event; event = await next()) {
        told.push(event);
        if (event.event === name) break;
      }
      return told;
    },
    async comment() {
      const before = comments;
      while (comments === before) if (!(await read())) throw new Error('The events ended without a comment');
    },
    disconnect: () => controller.abort(),
  };
}

/** What events say in short: `running 1`, `"text"`, `restart 2`, `result`. */
export const inShort = (events: readonly NumberedJobEvent[]) =>
  events.map(told => {
    if (told.event === 'status') return `${told.data.status} ${told.data.attempt}`;
    if (told.event === 'chunk') return JSON.stringify(told.data.text);
    if (told.event === 'restart') return `restart ${told.data.attempt}`;
    return told.event;
  });
