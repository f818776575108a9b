import type { HeartbeatAnswer, JobOutcome, MinerJob } from '@aitbc/protocol';
import { isoTime } from '../../store/numbers.ts';
import { askedIn } from '../content.ts';
import type { JobRow } from '../job.ts';
import { constraintsOf, parseParams } from '../views.ts';
import type { HeartbeatOutcome } from './heartbeat.ts';
import type { HeldJob } from './held-job.ts';

export function toMinerJob({ job, input, requirements }: HeldJob, traceparent: string | undefined): MinerJob {
  return {
    job_id: job.id,
    status: job.status,
    model: job.model,
    prompt: input.prompt,
    ...askedIn({ kind: input.kind, text: input.prompt, own: input.own }),
    params: parseParams(input.params),
    priority: job.priority,
    // Miners are not shown which others the client chose.
    constraints: constraintsOf(job, { ...requirements, miners: '' }),
    stream: job.stream === 1,
    attempt: job.attempts,
    created_at: isoTime(job.created_at),
    lease_expires_at: isoTime(job.lease_expires_at ?? job.created_at),
    deadline: isoTime(job.deadline ?? job.created_at),
    salt: job.salt,
    ...(traceparent !== undefined && { traceparent }),
  };
}

export function toOutcome(job: JobRow): JobOutcome {
  return { job_id: job.id, status: job.status, attempts: job.attempts, max_attempts: job.max_attempts };
}

export function toHeartbeatAnswer(
  { miner, holds, stop }: HeartbeatOutcome,
  heartbeat_seconds: number,
): HeartbeatAnswer {
  return {
    miner_id: miner.id,
    status: miner.status === 'removed' ? 'offline' : miner.status,
    suspended: miner.suspended_at !== null,
    heartbeat_seconds,
    jobs: holds.map(job => ({
      job_id: job.id,
      lease_expires_at: isoTime(job.lease_expires_at ?? 0),
      deadline: isoTime(job.deadline ?? 0),
    })),
    stop: stop.map(({ jobId, status }) => ({ job_id: jobId, status })),
  };
}
