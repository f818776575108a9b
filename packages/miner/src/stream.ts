import type { MinerJob, PostChunks } from '@aitbc/protocol';
import { CoordinatorError, isCoordinatorError } from '@aitbc/sdk';
import { type BackoffOptions, createBackoff, pause } from './backoff.ts';
import type { ChunkSender } from './chunk-sender.ts';
import { isPassing, retryAfterMs } from './link.ts';
import { orAborted, type StopReason } from './slots.ts';

/** Sends a job's text to the coordinator while it is generated. */
export interface TextStream {
  /** Adds text. It is sent at once when nothing of the stream is under way, and otherwise with what comes meanwhile. */
  push(piece: string): void;
  /** Adds to what the model thinks before its answer. It is sent in order with the text. */
  pushReasoning(piece: string): void;
  /**
   * Resolves when all text is sent, or can not be sent at present. The result contains the whole text anyway.
   */
  end(): Promise<void>;
}

export interface TextStreamOptions {
  sender: ChunkSender;
  job: Pick<MinerJob, 'job_id'>;
  backoff: BackoffOptions;
  /** Aborts when the text is no longer wanted. */
  signal: AbortSignal;
  /** Called when the coordinator says that the job must stop. */
  onStop: (reason: StopReason) => void;
}

/** At most 4 bytes each in UTF-8, which any coordinator accepts as a chunk. */
const CHUNK_LENGTH = 1_024;
const CHUNKS_AT_ONCE = 100;

export function createTextStream(options: TextStreamOptions): TextStream {
  const { sender, job, signal, onStop } = options;
  const backoff = createBackoff({ longest: 5_000, ...options.backoff });
  /**
   * All chunks so far. The coordinator knows chunks by their index, and what it has lost is sent again, so a chunk
   * never changes.
   */
  let chunks: Chunk[] = [];
  /** Text that is not cut into chunks yet. */
  let open = { isReasoning: false, text: '' };
  /** How many chunks the coordinator has. */
  let posted = 0;
  /** Older coordinators accept text only. */
  let takesReasoning = true;
  let isOver = false;
  let hasEnded = false;
  let sending: Promise<void> | undefined;
  const ending = new AbortController();

  async function send(): Promise<void> {
    while (!isOver && !signal.aborted && hasMore()) {
      const waitMs = await post();
      if (waitMs > 0 && hasEnded) isOver = true;
      else if (waitMs > 0) await pause(waitMs, AbortSignal.any([signal, ending.signal]));
    }
    sending = undefined;
  }

  const hasMore = () => posted < chunks.length || cut(open.text, hasEnded).parts.length > 0;

  /** Cuts the open text only when all chunks are posted, so that text gathers while it can't be sent. */
  function nextChunks(): Chunk[] {
    if (posted === chunks.length) cutOpen({ isWhole: hasEnded });
    return chunks.slice(posted, posted + CHUNKS_AT_ONCE);
  }

  function cutOpen({ isWhole }: { isWhole: boolean }): void {
    const { isReasoning, text } = open;
    const { parts, rest } = cut(text, isWhole);
    chunks.push(...(isReasoning ? parts.map(reasoning => ({ reasoning })) : parts));
    open = { isReasoning, text: rest };
  }

  /** @returns milliseconds to wait before the next request */
  async function post(): Promise<number> {
    let sent = 0;
    try {
      await sender.post(job.job_id, () => {
        if (signal.aborted) return undefined;
        const next = nextChunks();
        sent = next.length;
        return { first: posted, chunks: next };
      });
      posted += sent;
      backoff.reset();
      return 0;
    } catch (error) {
      return failed(error);
    }
  }

  function failed(error: unknown): number {
    if (isPassing(error)) return Math.max(1, backoff.next(), retryAfterMs(error));
    if (posted > 0 && error instanceof CoordinatorError && error.field === 'first') {
      // The stream started again, or the coordinator's machine lost power before it had stored the last chunks.
      posted = 0;
      return 0;
    }
    if (takesReasoning && isUnknownChunk(error) && chunks.slice(posted).some(isReasoning)) {
      takesReasoning = false;
      chunks = chunks.filter(chunk => !isReasoning(chunk));
      if (open.isReasoning) open = { isReasoning: false, text: '' };
      return 0;
    }
    isOver = true;
    if (isCoordinatorError(error, 'JOB_ALREADY_CANCELLED')) onStop('cancelled');
    else if (isCoordinatorError(error, 'JOB_NOT_LEASED', 'MINER_SUPERSEDED')) onStop('lost');
    return 0;
  }

  function add(isReasoning: boolean, piece: string): void {
    if (isOver || (isReasoning && !takesReasoning)) return;
    if (open.text !== '' && open.isReasoning !== isReasoning) cutOpen({ isWhole: true });
    open = { isReasoning, text: open.text + piece };
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

type Chunk = PostChunks['chunks'][number];

const isReasoning = (chunk: Chunk) => typeof chunk !== 'string';

/**
 * Cuts a text into chunks.
 *
 * @param isWhole whether no more text follows; otherwise the first half of a surrogate pair waits for the other half
 */
function cut(text: string, isWhole: boolean): { parts: string[]; rest: string } {
  const parts: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = Math.min(text.length, start + CHUNK_LENGTH);
    const mayGoOn = end < text.length || !isWhole;
    if (mayGoOn && isHighSurrogate(text, end - 1)) end--;
    if (end === start) break;
    parts.push(text.slice(start, end));
    start = end;
  }
  return { parts, rest: text.slice(start) };
}

const isUnknownChunk = (error: unknown) =>
  error instanceof CoordinatorError && error.status === 400 && /^chunks\b/.test(error.field ?? '');

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit <= 0xdbff;
}
