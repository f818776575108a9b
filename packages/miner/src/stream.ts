import type { MinerJob, PostChunks } from '@aitbc/protocol';
import { type CoordinatorClient, CoordinatorError, isCoordinatorError } from '@aitbc/sdk';
import { type BackoffOptions, createBackoff, pause } from './backoff.ts';
import { isPassing, retryAfterMs } from './link.ts';
import { epochOf } from './registration.ts';
import { orAborted, type StopReason } from './slots.ts';

/** Sends a job's text to the coordinator while it is generated. */
export interface TextStream {
  /** Adds text. It is sent at once when no request is under way, and otherwise with the next request. */
  push(piece: string): void;
  /** Adds to what the model thinks before its answer. It is sent in order with the text. */
  pushReasoning(piece: string): void;
  /**
   * Resolves when all text is sent, or can not be sent at present. The result contains the whole text anyway.
   */
  end(): Promise<void>;
}

export interface TextStreamOptions {
  client: { jobs: Pick<CoordinatorClient['jobs'], 'postChunks'> };
  job: Pick<MinerJob, 'job_id'>;
  minerId: string;
  epoch?: number | undefined;
  backoff: BackoffOptions;
  /** Aborts when the text is no longer wanted. */
  signal: AbortSignal;
  /** Called when the coordinator says that the job must stop. */
  onStop: (reason: StopReason) => void;
}

/** The pause between two requests. Nobody reads as fast as tokens come. */
const PACE_MS = 50;

/** At most 4 bytes each in UTF-8, which any coordinator accepts as a chunk. */
const CHUNK_LENGTH = 1_024;
const CHUNKS_AT_ONCE = 100;
const TIMEOUT_MS = 10_000;

export function createTextStream(options: TextStreamOptions): TextStream {
  const { client, job, minerId, epoch, signal, onStop } = options;
  const backoff = createBackoff({ longest: 5_000, ...options.backoff });
  const runs: TextRun[] = [];
  let posted: Position = START;
  let chunks = 0;
  /**
   * The request under way. A repetition must cut the text at the same places, as the coordinator knows chunks
   * by their number.
   */
  let underWay: Parts = { parts: [], end: START };
  /** Older coordinators accept text only. */
  let takesReasoning = true;
  let isOver = false;
  let hasEnded = false;
  let sending: Promise<void> | undefined;
  const ending = new AbortController();

  async function send(): Promise<void> {
    // All pieces of this turn of the event loop go into one request.
    await undefined;
    while (!isOver && !signal.aborted) {
      if (underWay.parts.length === 0) underWay = cut(runs, posted, { hasEnded, takesReasoning });
      if (underWay.parts.length === 0) break;
      const waitMs = await post();
      if (waitMs > 0 && !hasEnded) await pause(waitMs, AbortSignal.any([signal, ending.signal]));
      else if (waitMs > PACE_MS) isOver = true;
    }
    sending = undefined;
  }

  /** @returns milliseconds to wait before the next request */
  async function post(): Promise<number> {
    const { parts, end } = underWay;
    try {
      const request = { miner_id: minerId, ...epochOf(epoch), first: chunks, chunks: parts };
      await client.jobs.postChunks(job.job_id, request, { maxRetries: 0, timeout: TIMEOUT_MS, signal });
      posted = end;
      chunks += parts.length;
      underWay = { parts: [], end };
      backoff.reset();
      return PACE_MS;
    } catch (error) {
      return failed(error);
    }
  }

  function failed(error: unknown): number {
    if (isPassing(error)) return Math.max(PACE_MS + 1, backoff.next(), retryAfterMs(error));
    if (chunks > 0 && error instanceof CoordinatorError && error.field === 'first') {
      // The lease ran out and came back to this miner, so the stream starts again.
      posted = START;
      chunks = 0;
      underWay = { parts: [], end: START };
      return 0;
    }
    if (takesReasoning && isUnknownChunk(error) && underWay.parts.some(part => typeof part !== 'string')) {
      takesReasoning = false;
      underWay = { parts: [], end: posted };
      return 0;
    }
    isOver = true;
    if (isCoordinatorError(error, 'JOB_ALREADY_CANCELLED')) onStop('cancelled');
    else if (isCoordinatorError(error, 'JOB_NOT_LEASED', 'MINER_SUPERSEDED')) onStop('lost');
    return 0;
  }

  function add(isReasoning: boolean, piece: string): void {
    const last = runs.at(-1);
    if (last?.isReasoning === isReasoning) last.text += piece;
    else if (piece !== '') runs.push({ isReasoning, text: piece });
    sending ??= send();
  }

  return {
    push: piece => add(false, piece),
    pushReasoning: piece => add(true, piece),
    async end() {
      hasEnded = true;
      ending.abort();
      sending ??= send();
      await orAborted(sending, signal);
    },
  };
}

/** Consecutive text of one kind. */
interface TextRun {
  isReasoning: boolean;
  text: string;
}

/** The position of the next character: its run, and its index there in UTF-16 units. */
interface Position {
  run: number;
  offset: number;
}

const START: Position = { run: 0, offset: 0 };

/** The next chunks, and where the ones after them begin. */
interface Parts {
  parts: PostChunks['chunks'];
  end: Position;
}

function cut(
  runs: readonly TextRun[],
  { run, offset }: Position,
  { hasEnded, takesReasoning }: { hasEnded: boolean; takesReasoning: boolean },
): Parts {
  const parts: Parts['parts'] = [];
  while (parts.length < CHUNKS_AT_ONCE) {
    const { isReasoning = false, text = '' } = runs[run] ?? {};
    const isLast = run >= runs.length - 1;
    if (offset === text.length || (isReasoning && !takesReasoning)) {
      if (isLast) break;
      run++;
      offset = 0;
      continue;
    }
    let end = Math.min(text.length, offset + CHUNK_LENGTH);
    // The first half of a surrogate pair waits for the other half.
    const mayGoOn = end < text.length || (isLast && !hasEnded);
    if (mayGoOn && isHighSurrogate(text, end - 1)) end--;
    if (end === offset) break;
    const part = text.slice(offset, end);
    parts.push(isReasoning ? { reasoning: part } : part);
    offset = end;
  }
  return { parts, end: { run, offset } };
}

const isUnknownChunk = (error: unknown) =>
  error instanceof CoordinatorError && error.status === 400 && /^chunks\b/.test(error.field ?? '');

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit <= 0xdbff;
}
