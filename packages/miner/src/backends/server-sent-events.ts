import { createParser } from 'eventsource-parser';
import type { Response } from 'undici';
import { LONGEST_LINE, noJson, readParts, type Server, tooLong } from './http.ts';

export interface ServerEvent {
  /** The server's name for the event, such as `error`. */
  event: string | undefined;
  data: string;
  /** The answer is this one JSON value rather than a stream of events. */
  isWhole: boolean;
}

/**
 * Reads an answer as server-sent events, or as one JSON value when it begins like one. Its content type is
 * ignored.
 *
 * @throws {BackendError} when the connection breaks, or a line is too long
 */
export async function* readEvents(
  server: Server,
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  let came: ServerEvent[] = [];
  let isTooLong = false;
  let isForeign = false;
  let count = 0;
  const parser = createParser({
    maxBufferSize: LONGEST_LINE,
    onEvent: ({ event, data }) => came.push({ event, data, isWhole: false }),
    onError({ type, field, value = '', line = '' }) {
      if (type === 'max-buffer-size-exceeded') isTooLong = true;
      // llama.cpp's server sends some errors as a field of this name; other servers send bare JSON between
      // events.
      else if (field === 'error') came.push({ event: 'error', data: value, isWhole: false });
      else if (line.startsWith('{')) came.push({ event: undefined, data: line, isWhole: false });
      else isForeign = true;
    },
  });
  function take(): ServerEvent[] {
    if (isTooLong) throw tooLong(server);
    const taken = came;
    came = [];
    count += taken.length;
    return taken;
  }
  let start = '';
  let json: string | undefined;
  for await (const part of readParts(server, response, signal)) {
    if (json !== undefined) {
      json += part;
      if (json.length > LONGEST_LINE) throw tooLong(server);
    } else if (/\S/.test(start)) {
      parser.feed(part);
    } else {
      start += part;
      if (/^\s*[[{]/.test(start)) json = start;
      else if (/\S/.test(start)) parser.feed(start);
    }
    yield* take();
  }
  if (json !== undefined) return yield { event: undefined, data: json, isWhole: true };
  // The last event counts even without an empty line after it.
  parser.feed('\n\n');
  yield* take();
  if (count === 0 && isForeign) throw noJson(server);
}
