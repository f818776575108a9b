import type { Job } from '@aitbc/protocol';

/** Headers that tell who answered a request, and what the coordinator added to the miner's own time. */
export type AnswerHeaders = Partial<Record<'aitbc-miner-id' | 'aitbc-overhead-ms', string>>;

/**
 * Returns the headers of a whole answer. The overhead is the time of the request in which no miner worked on it: for
 * reading and storing it, waiting for a miner, and answering. Where there are several jobs, the longest one counts.
 *
 * @param elapsedMs since the request arrived
 */
export function headersOf(
  jobs: readonly Pick<Job, 'miner_id' | 'started_at' | 'completed_at'>[],
  elapsedMs: number,
): AnswerHeaders {
  const runs = jobs.map(({ started_at, completed_at }) =>
    started_at === null || completed_at === null ? 0 : Date.parse(completed_at) - Date.parse(started_at),
  );
  return toHeaders(
    jobs.flatMap(({ miner_id }) => miner_id ?? []),
    elapsedMs - Math.max(...runs),
  );
}

/** Collects what is known of a stream when its headers are sent. */
export interface StreamWatch {
  /** Call this when a miner begins or takes over a job. */
  running(jobId: string, minerId: string): void;
  /** The overhead is the time until the first miner began, or all the time where none has begun yet. */
  headers(): AnswerHeaders;
}

/** @param elapsedMs returns the time since the request arrived */
export function watchStream(elapsedMs: () => number): StreamWatch {
  const miners = new Map<string, string>();
  let beganAfterMs: number | undefined;
  return {
    running(jobId, minerId) {
      beganAfterMs ??= elapsedMs();
      miners.set(jobId, minerId);
    },
    headers: () => toHeaders([...miners.values()], beganAfterMs ?? elapsedMs()),
  };
}

function toHeaders(miners: readonly string[], overheadMs: number): AnswerHeaders {
  return {
    ...(miners.length > 0 && { 'aitbc-miner-id': miners.join(', ') }),
    'aitbc-overhead-ms': Math.max(overheadMs, 0).toFixed(1),
  };
}
