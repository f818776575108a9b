import { setImmediate } from 'node:timers/promises';
import { LIMITS } from '@aitbc/protocol';
import { RequestError } from '../errors.ts';
import { readPart } from '../files/files.ts';
import { ENDPOINTS, type EndpointPath } from '../gateway/endpoints.ts';
import { errorOf, OpenAiError } from '../gateway/errors.ts';
import type { SubmissionConfig } from '../jobs/submitting/options.ts';
import type { ServerConfig } from '../server-options.ts';
import type { Store } from '../store/store.ts';
import type { BatchRow } from './batch.ts';
import { type Line, linesOf, type Place } from './lines.ts';

/** What limits the length of a request. */
type LineLimits = Pick<ServerConfig, 'bodyLimit'> & Pick<SubmissionConfig, 'mediaLimit'>;

/** Lines of a file, blank ones too. */
export const MOST_LINES = 4 * LIMITS.fileRequests;

/** How long a file is worked on before all else has its turn, in ms. */
const SLICE_MS = 5;

/**
 * The lines of a batch's file that are not blank, from a place on; behind the last line that a file may have, the next
 * one, whatever it is. Other owners' files, and requests, have their turns in between.
 */
export async function* requestLines(
  { input_file_id }: BatchRow,
  { store, config }: { store: Store; config: LineLimits },
  from: Place,
): AsyncGenerator<Line> {
  async function partAt(index: number) {
    // Reads may be answered at once, and a long file would keep all else waiting.
    await setImmediate();
    return await readPart(store, input_file_id, index);
  }
  let sliceEndsAt = performance.now() + SLICE_MS;
  for await (const line of linesOf(partAt, from, lineLimit(config))) {
    if (line.number > MOST_LINES || line.text?.trim() !== '') yield line;
    if (line.number > MOST_LINES) return;
    if (performance.now() < sliceEndsAt) continue;
    await setImmediate();
    sliceEndsAt = performance.now() + SLICE_MS;
  }
}

/** Of a request of a batch, in characters: as of one that comes alone. */
export const lineLimit = ({ bodyLimit, mediaLimit }: LineLimits) => bodyLimit + mediaLimit;

export const endpointOf = ({ endpoint }: BatchRow) => ENDPOINTS[endpoint as EndpointPath];

/** What `read` answers, or how it refuses. Throws what is no refusal. */
export function attempt<Value>(read: () => Value): Value | OpenAiError {
  try {
    return read();
  } catch (error) {
    if (error instanceof OpenAiError) return error;
    if (error instanceof RequestError) return errorOf(error.info);
    throw error;
  }
}
