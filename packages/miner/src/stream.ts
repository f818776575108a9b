import type { MinerJob, PostChunks } from '@aitbc/protocol';
import { type CoordinatorClient, CoordinatorError, isCoordinatorError } from '@aitbc/sdk';
import { type BackoffOptions, createBackoff, pause } from './backoff.ts';
import { isPassing, retryAfterMs } from './link.ts';
import { epochOf } from './registration.ts';
import { orAborted, type StopReason } from './slots.ts';

/** The text of a job on its way to whoever reads it while it is generated. */
export interface TextStream {
  /** More of the text. It leaves at once where nothing is on its way, and else together with what comes meanwhile. */
  push(piece: string): void;
  /** More of what the model thinks before its answer. It leaves in order with the text. */
  pushReasoning(piece: string): void;
  /** There is no more: resolves when all has left, or can't just now. The whole text goes with the result anyway. */
  end(): Promise<void>;
}

export interface TextStreamOptions {
  client: { jobs: Pick<CoordinatorClient['jobs'], 'postChunks'> };
  job: Pick<MinerJob, 'job_id'>;
  minerId: string;
  epoch?: number | undefined;
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
  const { client, job, minerId, epoch, signal, onStop } = options;
  const backoff = createBackoff({ longest: 5_000, ...options.backoff });
  const runs: Run[] = [];
  let posted: Position = START;
  let chunks = 0;
  /** Under way, cut as they were when they were first posted: what arrived unacknowledged is known by its number. */
  let underWay: Parts = { parts: [], end: START };
  /** Older coordinators take text only. */
  let takesReasoning = true;
  let isOver = false;
  let hasEnded = false;
  let sending: Promise<void> | undefined;
  const ending = new AbortController();

  async function send(): Promise<void> {
    // What comes in this turn of the event loop leaves together.
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

  /** @returns milliseconds to wait before the next */
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
      // Its lease had run out, and came back to this miner: the stream has started anew.
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

/** Text of one kind without the other in between. */
interface Run {
  isReasoning: boolean;
  text: string;
}

/** Of the next character: its run, and its index there in UTF-16 units. */
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
  runs: readonly Run[],
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
    // Half a character waits for its other half.
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
