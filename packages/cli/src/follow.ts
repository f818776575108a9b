import { type CoordinatorClient, hasEnded, type Job } from '@aitbc/sdk';
import { failureLine, progressOf } from './describe.ts';
import { CommandFailure, Interruption } from './failure.ts';
import type { Io } from './io.ts';
import { note } from './output.ts';

/** Often enough for the queue position on a terminal. Without one, the client's longer polls are enough. */
const SCREEN_POLL_SECONDS = 2;

export interface FollowOptions {
  /** Seconds; no limit when absent. */
  timeout?: number | undefined;
  /** The state of the job so far. It is printed even without a spinner. */
  first?: string | undefined;
  /** Whether the coordinator has just answered, so that its absence is waited for. */
  patient?: boolean;
}

/**
 * Waits on the screen until a job has ended.
 *
 * @throws {Interruption} on Ctrl-C, which leaves the job alone
 */
export async function follow(
  client: CoordinatorClient,
  jobId: string,
  io: Io,
  options: FollowOptions,
): Promise<Job> {
  const advice = `Wait for it with \`aitbc jobs get ${jobId} --wait\`, or stop it with \`aitbc jobs cancel ${jobId}\`.`;
  const interrupted = new AbortController();
  const unsubscribe = io.onInterrupt(() =>
    interrupted.abort(new Interruption(`${jobId} goes on. ${advice}`)),
  );
  if (options.first !== undefined) note(io, options.first);
  const spinner = io.spinner(options.first ?? `Waiting for ${jobId}`);
  try {
    return await client.jobs.wait(jobId, {
      timeout: options.timeout === undefined ? Number.POSITIVE_INFINITY : options.timeout * 1000,
      signal: interrupted.signal,
      patient: options.patient,
      ...(io.stderr.isTTY ? { poll: SCREEN_POLL_SECONDS } : {}),
      onUpdate: job => spinner.update(progressOf(job)),
    });
  } finally {
    spinner.stop();
    unsubscribe();
  }
}

/** Throws a CommandFailure when the job ended without a result. */
export function requireResult(job: Job): void {
  if (!hasEnded(job) || job.status === 'completed') return;
  throw new CommandFailure(`${job.job_id} ${job.status}${job.error ? `: ${failureLine(job.error)}` : ''}`);
}
