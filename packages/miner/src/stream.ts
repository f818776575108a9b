import type { MinerJob } from '@aitbc/protocol';
import { type CoordinatorClient, CoordinatorError, isCoordinatorError } from '@aitbc/sdk';
import { type BackoffOptions, createBackoff, pause } from './backoff.ts';
import { isPassing, retryAfterMs } from './link.ts';
import { orAborted, type StopReason } from './slots.ts';

/** The text of a job on its way to whoever reads it while it is generated. */
export interface TextStream {
  /** More of the text. It leaves at once where nothing is on its way, and else together with what comes meanwhile. */
  push(piece: string): void;
  /** There is no more: resolves when all has left, or can't just now. The whole text goes with the result anyway. */
  end(): Promise<void>;
}

export interface TextStreamOptions {
  client: Pick<CoordinatorClient, 'postChunks'>;
  job: Pick<MinerJob, 'job_id'>;
  minerId: string;
  backoff: BackoffOptions;
  /** Aborts when the text is wanted no more. */
  signal: AbortSignal;
  /** The coordinator says that the job is not to go on. */
  onStop: (reason: StopReason) => void;
}

/** Between two requests: tokens come faster than anyone reads. */
const PACE_MS = 50;

/** Of 4 bytes in UTF-8 at most, so that any coordinator takes a chunk. */
const CHUNK_LENGTH = 1_024;
const CHUNKS_AT_ONCE = 100;
const TIMEOUT_MS = 10_000;

export function createTextStream(options: TextStreamOptions): TextStream {
  const { client, job, minerId, signal, onStop } = options;
  const backoff = createBackoff({ longest: 5_000, ...options.backoff });
  let text = '';
  /** Of the text, in UTF-16 units. */
  let posted = 0;
  let chunks = 0;
  /** Under way, cut as they were when they were first posted: what arrived unacknowledged is known by its number. */
  let parts: string[] = [];
  let isOver = false;
  let hasEnded = false;
  let sending: Promise<void> | undefined;
  const ending = new AbortController();

  async function send(): Promise<void> {
    // What comes in this turn of the event loop leaves together.
    await undefined;
    while (!isOver && !signal.aborted && posted < sendable()) {
      const waitMs = await post();
      if (waitMs > 0 && !hasEnded) await pause(waitMs, AbortSignal.any([signal, ending.signal]));
      else if (waitMs > PACE_MS) isOver = true;
    }
    sending = undefined;
  }

  /** Half a character waits for its other half. */
  const sendable = () =>
    hasEnded || !isHighSurrogate(text, text.length - 1) ? text.length : text.length - 1;

  /** @returns milliseconds to wait before the next */
  async function post(): Promise<number> {
    if (parts.length === 0) parts = cut(text.slice(posted, sendable()));
    try {
      const request = { miner_id: minerId, first: chunks, chunks: parts };
      await client.postChunks(job.job_id, request, { maxRetries: 0, timeout: TIMEOUT_MS, signal });
      posted += parts.reduce((sum, part) => sum + part.length, 0);
      chunks += parts.length;
      parts = [];
      backoff.reset();
      return PACE_MS;
    } catch (error) {
      return failed(error);
    }
  }

  function failed(error: unknown): number {
    if (isPassing(error)) return Math.max(PACE_MS + 1, backoff.next(), retryAfterMs(error));
    if (chunks > 0 && error instanceof CoordinatorError && error.field === 'first') {
      // Its lease had run out, and came back to this miner: the stream has started anew.
      posted = 0;
      chunks = 0;
      parts = [];
      return 0;
    }
    isOver = true;
    if (isCoordinatorError(error, 'JOB_ALREADY_CANCELLED')) onStop('cancelled');
    else if (isCoordinatorError(error, 'JOB_NOT_LEASED')) onStop('lost');
    return 0;
  }

  return {
    push(piece) {
      text += piece;
      sending ??= send();
    },
    async end() {
      hasEnded = true;
      ending.abort();
      sending ??= send();
      await orAborted(sending, signal);
    },
  };
}

function cut(text: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length && parts.length < CHUNKS_AT_ONCE; ) {
    const isSplit = isHighSurrogate(text, at + CHUNK_LENGTH - 1);
    const part = text.slice(at, at + CHUNK_LENGTH - (isSplit ? 1 : 0));
    parts.push(part);
    at += part.length;
  }
  return parts;
}

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit <= 0xdbff;
}
