import type { JobError, JobEvent, NumberedJobEvent } from '@aitbc/protocol';
import { accountScope, type Principal } from '../../accounts/keys.ts';
import { fail } from '../../errors.ts';
import type { ReceiptService } from '../../receipts/receipts.ts';
import type { StreamChunk, StreamGrowth } from '../../store/events.ts';
import type { Store } from '../../store/store.ts';
import { isEnded } from '../job.ts';
import { isSeenBy } from '../lookup.ts';
import { findWholeJob } from '../queries.ts';
import { LOOK_AGAIN_MS, type Waits } from '../scheduling/waiting.ts';
import { jobErrorOf, toResult } from '../views.ts';
import {
  type EventCursor,
  eventIdOf,
  type FollowStage,
  FROM_THE_START,
  readEventId,
  STAGES,
} from './event-cursor.ts';
import { createAdmission, type FollowLimits } from './follower-limits.ts';
import { type FollowedJob, findFollowedJob, listChunks } from './queries.ts';
import { createRecentChunks } from './recent-chunks.ts';

export interface FollowRequest {
  /** The id of the event after which to continue. Absent to start at the beginning. */
  after?: string | undefined;
  /** Ends the events. It must abort eventually if the events are not read to their end. */
  signal: AbortSignal;
}

export interface JobEvents {
  /**
   * Yields what happens to a job, at the reader's pace: at most one page is kept for a reader, and a reader that falls
   * behind reads from the database. The events end with the job, when the signal aborts, or when the coordinator stops.
   * Returns undefined if nothing follows `after`.
   *
   * Throws RequestError with JOB_NOT_FOUND, also for jobs of others, or with RATE_LIMIT_EXCEEDED.
   */
  follow(
    principal: Principal,
    jobId: string,
    request: FollowRequest,
  ): Promise<AsyncIterable<NumberedJobEvent> | undefined>;
}

export interface JobEventsOptions {
  store: Store;
  waits: Waits;
  receipts: Pick<ReceiptService, 'signed'>;
  limits: FollowLimits;
}

/** The number of chunks that are read at once, and the most that are kept. */
const PAGE = 64;

/** Nobody is woken when a job starts that does not stream, so only its followers pay for noticing that. */
const LOOK_AGAIN_UNSTREAMED_MS = 1_000;

/** Why a follower's last wait ends. Without a reason, each would make an exception with its stack, which takes long. */
const HAS_LEFT = new Error('The follower has left');

export function createJobEvents({ store, waits, receipts, limits }: JobEventsOptions): JobEvents {
  const admit = createAdmission(limits);
  const recentChunks = createRecentChunks(PAGE);
  store.onCommit(recentChunks.apply);

  async function* events(
    job: FollowedJob,
    from: EventCursor,
    { signal }: FollowRequest,
  ): AsyncGenerator<NumberedJobEvent> {
    const over = new AbortController();
    const ended = AbortSignal.any([signal, over.signal]);
    const lookAgainMs = job.stream === 1 ? LOOK_AGAIN_MS : LOOK_AGAIN_UNSTREAMED_MS;
    const recent = recentChunks.open(job.id);
    let cursor = from;
    let isNew = true;
    try {
      while (!ended.aborted && !waits.closed) {
        // The wait begins before the check, so that no event in between is missed.
        const woken = waits.forEvent(job.id, lookAgainMs, ended);
        const news = recent.take();
        // If no new text explains the wake-up, the database is checked.
        const isKnown = !isNew && !news.more && news.grown.length > 0;
        for await (const step of (isKnown && growthOf(news.grown, cursor)) || look(job.id, cursor)) {
          cursor = step.cursor;
          yield { ...step.event, id: eventIdOf(cursor) };
          if (ended.aborted) return;
        }
        isNew = false;
        if (cursor.stage === 'over') return;
        await woken;
      }
    } finally {
      recent.close();
      over.abort(HAS_LEFT);
    }
  }

  /** Reads from the database what a follower at `cursor` has not been sent. */
  async function* look(jobId: string, cursor: EventCursor): AsyncGenerator<Step> {
    const job = await findFollowedJob(store.read, jobId);
    if (job) yield* newsOf(job, cursor);
  }

  /** Yields what a follower at `cursor` has not been sent, from the given row. */
  async function* newsOf(job: FollowedJob, cursor: EventCursor): AsyncGenerator<Step> {
    if (job.status === 'pending') {
      const isKnown = cursor.stage === 'pending' && cursor.attempt === job.attempts;
      if (!isKnown) yield tell(statusOf(job), { ...cursor, stage: 'pending', attempt: job.attempts });
      return;
    }
    let at = cursor;
    for await (const step of attemptOf(job, cursor)) {
      at = step.cursor;
      yield step;
    }
    if (isEnded(job.status)) yield* endOf(job, at);
  }

  /** Yields the status event of an attempt, and its text. */
  async function* attemptOf(job: FollowedJob, cursor: EventCursor): AsyncGenerator<Step> {
    if (job.miner_id === null || !isBefore(cursor, 'ended')) return;
    const restarts = job.restarts ?? 0;
    let at: EventCursor = { ...cursor, stage: 'running', attempt: job.attempts };
    const isKnown =
      cursor.stage === 'running' && cursor.attempt === job.attempts && cursor.restarts === restarts;
    if (!isKnown) yield tell(statusOf(job, 'running'), at);
    if (cursor.restarts !== restarts) {
      const hadText = cursor.next > 0;
      at = { ...at, restarts, next: 0 };
      if (hadText) yield tell({ event: 'restart', data: { attempt: job.attempts } }, at);
    }
    while (at.next < (job.chunks ?? 0) && job.erased_at === null) {
      const chunks = await listChunks(store.read, { jobId: job.id, restarts, first: at.next, limit: PAGE });
      // The stream has started again, or the text was erased because of its age.
      if (chunks.length === 0) return;
      for (const chunk of chunks) {
        const step = chunkBehind(at, chunk);
        at = step.cursor;
        yield step;
      }
    }
  }

  async function* endOf(job: FollowedJob, cursor: EventCursor): AsyncGenerator<Step> {
    const isLast = job.status === 'cancelled';
    const attempt = job.attempts;
    const at: EventCursor = { ...cursor, attempt };
    if (isBefore(cursor, 'ended')) yield tell(statusOf(job), { ...at, stage: isLast ? 'over' : 'ended' });
    if (isLast) return;
    if (job.status === 'completed' && isBefore(cursor, 'result')) {
      const whole = await findWholeJob(store, job.id);
      yield tell({ event: 'result', data: toResult(whole?.texts.output) }, { ...at, stage: 'result' });
    }
    yield tell(await lastOf(job), { ...at, stage: 'over' });
  }

  async function lastOf(job: FollowedJob): Promise<JobEvent> {
    if (job.receipt_id !== null) return { event: 'receipt', data: await receipts.signed(job.receipt_id) };
    return { event: 'error', data: jobErrorOf(job) ?? UNEXPLAINED };
  }

  return {
    async follow(principal, jobId, request) {
      const cursor = request.after === undefined ? FROM_THE_START : readEventId(request.after);
      const job = await findFollowedJob(store.read, jobId);
      if (!job || !isSeenBy(accountScope(principal), job)) fail('JOB_NOT_FOUND', 'Job not found');
      if (cursor.stage === 'over') return undefined;
      const leave = admit(principal);
      if (request.signal.aborted) leave();
      else request.signal.addEventListener('abort', leave, { once: true });
      return leaving(events(job, cursor, request), leave);
    },
  };
}

/** For a job whose row was read while an older coordinator was writing it. */
const UNEXPLAINED: JobError = { error_code: 'MINER_FAILED', detail: 'The job failed' };

interface Step {
  event: JobEvent;
  /** The cursor after the event. */
  cursor: EventCursor;
}

const tell = (event: JobEvent, cursor: EventCursor): Step => ({ event, cursor });

function chunkBehind(cursor: EventCursor, { kind, text }: StreamChunk): Step {
  const { attempt, next } = cursor;
  const event = kind === 'reasoning' ? 'reasoning' : 'chunk';
  return tell({ event, data: { attempt, index: next, text } }, { ...cursor, next: next + 1 });
}

/** Returns undefined if the text does not continue where the follower is. */
function growthOf(grown: readonly StreamGrowth[], cursor: EventCursor): Step[] | undefined {
  const steps: Step[] = [];
  let at = cursor;
  for (const { restarts, first, chunks } of grown) {
    if (at.stage !== 'running' || at.restarts !== restarts || at.next < first) return undefined;
    for (const chunk of chunks.slice(at.next - first)) {
      const step = chunkBehind(at, chunk);
      at = step.cursor;
      steps.push(step);
    }
  }
  return steps;
}

const isBefore = ({ stage }: EventCursor, other: FollowStage) =>
  STAGES.indexOf(stage) < STAGES.indexOf(other);

function statusOf(job: FollowedJob, status = job.status): JobEvent {
  const { id, attempts, max_attempts, miner_id } = job;
  return { event: 'status', data: { job_id: id, status, attempt: attempts, max_attempts, miner_id } };
}

async function* leaving<T>(events: AsyncIterable<T>, leave: () => void): AsyncGenerator<T> {
  try {
    yield* events;
  } finally {
    leave();
  }
}
