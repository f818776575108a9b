import { LIMITS } from '@aitbc/protocol';
import { registeredDigest } from '../../miners/passports.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import type { JobRow } from '../job.ts';
import type { Requirements } from '../requirements.ts';

/** A job with its texts, for the miner that holds it. */
export interface HeldJob {
  job: JobRow;
  input: Row<'job_input'>;
  requirements: Requirements;
}

export const freeLeases = (miner: Row<'miner'>) => (miner.concurrency ?? LIMITS.claimMax) - miner.running;

/** The miner as the claimant of a job. */
export const claimantOf = (miner: Row<'miner'>, { model }: Pick<JobRow, 'model'>) => ({
  minerId: miner.id,
  passport: registeredDigest(miner, model),
});

export interface Texts {
  inputs: ReadonlyMap<string, Row<'job_input'>>;
  queues: ReadonlyMap<number, Requirements>;
}

export async function loadTexts(tx: WriteContext['tx'], jobs: readonly JobRow[]): Promise<Texts> {
  const [inputs, queues] = await Promise.all([
    tx.load(
      'job_input',
      'job_id',
      jobs.map(job => job.id),
    ),
    tx.load('queue', 'id', [...new Set(jobs.map(job => job.queue_id))]),
  ]);
  return {
    inputs: new Map(inputs.map(row => [row.job_id, row])),
    queues: new Map(queues.map(row => [row.id, row])),
  };
}

export function held(job: JobRow, { inputs, queues }: Texts): HeldJob {
  const input = inputs.get(job.id);
  const requirements = queues.get(job.queue_id);
  if (!input || !requirements) throw new Error(`Job ${job.id} has no input or no queue`);
  return { job, input, requirements };
}

export async function loadQueues(
  tx: WriteContext['tx'],
  jobs: readonly JobRow[],
): Promise<Map<number, Row<'queue'>>> {
  const rows = await tx.load('queue', 'id', [...new Set(jobs.map(job => job.queue_id))]);
  return new Map(rows.map(row => [row.id, row]));
}
