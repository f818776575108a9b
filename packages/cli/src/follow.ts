import { type CoordinatorClient, hasEnded, type Job } from '@aitbc/sdk';
import { failureLine, progressOf } from './describe.ts';
import { CommandFailure, Interruption } from './failure.ts';
import type { Io } from './io.ts';
import { note } from './output.ts';

/** Often enough for a queue position on the screen. Where nobody looks, the client's longer polls will do. */
const SCREEN_POLL_SECONDS = 2;

export interface FollowOptions {
  /** Seconds; no limit when absent. */
  timeout?: number | undefined;
  /** How the job stands so far: a line that stays, also where no spinner turns. */
  first?: string | undefined;
  /** The coordinator has answered just now: its absence is waited out. */
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
  const advice = `See how it goes with \`aitbc jobs get ${jobId} --wait\`, stop it with \`aitbc jobs cancel ${jobId}\`.`;
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

/** Fails the command when its job ended without a result. */
export function requireResult(job: Job): void {
  if (!hasEnded(job) || job.status === 'completed') return;
  throw new CommandFailure(`${job.job_id} ${job.status}${job.error ? `: ${failureLine(job.error)}` : ''}`);
}
