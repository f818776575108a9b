import type { MinerEvent, MinerEventHandler } from '@aitbc/miner';
import type { Io } from './io.ts';
import { print } from './output.ts';

/** Prints a miner's events as lines for people, or as JSON lines for programs. */
export function minerLog(io: Io, { backend, json }: { backend: string; json: boolean }): MinerEventHandler {
  return event => {
    const time = new Date();
    if (json) io.stdout.write(`${JSON.stringify({ time: time.toISOString(), ...event })}\n`);
    else print(io, `${time.toLocaleTimeString('en-GB')}  ${lineOf(event, backend)}`);
  };
}

function lineOf(event: MinerEvent, backend: string): string {
  switch (event.event) {
    case 'registered':
      return registeredLine(event, backend);
    case 'model_skipped':
      return `The model "${event.model}" is skipped, because jobs can not have this name`;
    case 'models_left_out':
      return leftOutLine(event);
    case 'paused':
      return `Paused, claiming no jobs: ${event.error}`;
    case 'resumed':
      return 'Claiming again';
    case 'disconnected':
      return `${event.error}. Trying again until the coordinator answers; running jobs go on`;
    case 'reconnected':
      return 'The coordinator answers again';
    case 'drained':
      return 'The coordinator gives this miner no new jobs: it was drained';
    case 'superseded':
      return `Ending: ${event.error}`;
    case 'suspended':
      return 'The coordinator gives this miner no jobs: its reputation is too low. Its operator can reinstate it';
    case 'reinstated':
      return 'The coordinator gives this miner jobs again';
    case 'idle':
      return idleLine(event);
    case 'notice':
      return `From the operator: ${event.text}`;
    case 'stopping':
      return `Stopping: ${jobs(event.running)} may finish within ${event.timeout_seconds} s`;
    case 'stopped':
      return `Stopped after ${jobs(event.completed)}, ${event.total_credits} credits earned`;
    default:
      return jobLine(event);
  }
}

type JobEvent = Extract<MinerEvent, { job_id: string }>;

function jobLine(event: JobEvent): string {
  const { job_id } = event;
  switch (event.event) {
    case 'job_started':
      return `${job_id} started, ${event.model}${event.attempt > 1 ? `, attempt ${event.attempt}` : ''}`;
    case 'job_completed':
      return `${job_id} completed in ${event.seconds} s${speed(event)}: ${event.credits} credits, ${event.total_credits} in all`;
    case 'job_failed':
      return `${job_id} failed${event.retryable ? ', another try may follow' : ''}: ${event.error}`;
    case 'job_stopped':
      return `${job_id} stopped, its result is no longer wanted: ${event.reason}`;
    case 'job_released':
      return `${job_id} handed back: ${event.reason}`;
    case 'job_lost':
      return `${job_id} ended, but the coordinator could not be told: ${event.error}`;
  }
}

function idleLine({ reason, blocked }: Extract<MinerEvent, { event: 'idle' }>): string {
  const kinds = blocked.map(({ jobs: count, detail }) => `${jobs(count)} waiting: ${detail}`);
  return ['No jobs for this miner.', ...(reason ? [reason] : []), ...kinds].join(' ');
}

const NAMED = 5;

function leftOutLine({ models, limit }: Extract<MinerEvent, { event: 'models_left_out' }>): string {
  const more = models.length > NAMED ? ` and ${models.length - NAMED} more` : '';
  const names = models.slice(0, NAMED).join(', ');
  return `The coordinator takes ${limit} models of one miner. Left out: ${names}${more}. Choose with --model`;
}

function registeredLine(event: Extract<MinerEvent, { event: 'registered' }>, backend: string): string {
  const { miner_id, models, gpu, address } = event;
  const on = gpu ? ` on ${gpu}` : '';
  return `${miner_id} runs ${models.join(', ')} by ${backend}${on}. Earnings go to ${address}. Waiting for jobs`;
}

function speed({ tokens, seconds }: { tokens: number | null; seconds: number }): string {
  return tokens === null || seconds === 0
    ? ''
    : `, ${tokens} tokens, ${(tokens / seconds).toFixed(1)} per second`;
}

const jobs = (count: number) => (count === 1 ? '1 job' : `${count} jobs`);
