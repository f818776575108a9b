import type { ErrorInfo } from '../errors.ts';
import { hasReadableAbilities } from '../miners/eligibility.ts';
import { superseded } from '../miners/register.ts';
import { done, failed, type Outcome } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { WriteTransaction } from '../store/transaction.ts';
import type { JobRow } from './job.ts';

/** Loads jobs by id. Within a batch, an operation sees what earlier operations wrote. */
export async function loadJobs(tx: WriteTransaction, ids: readonly string[]): Promise<Map<string, JobRow>> {
  const rows = await tx.load('job', 'id', [...new Set(ids)]);
  return new Map(rows.map(row => [row.id, row]));
}

export async function loadMiners(
  tx: WriteTransaction,
  ids: readonly string[],
): Promise<Map<string, Row<'miner'>>> {
  const rows = await tx.load('miner', 'id', [...new Set(ids)]);
  return new Map(rows.map(row => [row.id, row]));
}

/** Loads the miners that the inputs of a batch name, without checking who may act for them. */
export const loadMinersOf = (
  inputs: readonly MinerActor[],
  tx: WriteTransaction,
): Promise<Map<string, Row<'miner'>>> =>
  loadMiners(
    tx,
    inputs.map(input => input.minerId),
  );

/** The jobs and miners that the inputs of a batch name. */
export interface NamedRows {
  /** An operation puts changed jobs here, so that later inputs of the batch find them as they are then. */
  jobs: Map<string, JobRow>;
  miners: ReadonlyMap<string, Row<'miner'>>;
  /** The miners that the inputs may act for. */
  acting: Row<'miner'>[];
  find(input: MinerActor & { jobId: string }): Outcome<{ job: JobRow; miner: Row<'miner'> }>;
}

/** Loads the jobs that the inputs of a batch name, and the miners that act on them. */
export async function loadNamed(
  inputs: readonly (MinerActor & { jobId: string })[],
  tx: WriteTransaction,
): Promise<NamedRows> {
  const [miners, jobs] = await Promise.all([loadMinersOf(inputs, tx), loadJobsOf(inputs, tx)]);
  return {
    ...{ jobs, miners },
    acting: inputs.flatMap(input => ownedMiner(miners, input) ?? []),
    find(input) {
      const miner = ownedMiner(miners, input);
      const job = jobs.get(input.jobId);
      if (!miner) return notActing(miners, input);
      return job ? done({ job, miner }) : jobNotFound;
    },
  };
}

export const isHeldBy = (job: JobRow, miner: Row<'miner'>): boolean =>
  job.status === 'running' && job.miner_id === miner.id;

/** Returns why a miner does not hold a job that it acts on. */
export function notLeased(job: JobRow, minerId: string): Outcome<never> {
  if (job.status === 'pending' || job.status === 'running') {
    return failed(
      'JOB_NOT_LEASED',
      `Miner ${minerId} does not hold this job: its lease ran out or it never had one`,
    );
  }
  const { code, detail } = endedError(job);
  return failed(code === 'JOB_EXPIRED' ? 'JOB_NOT_LEASED' : code, detail);
}

/** Loads the jobs that the inputs of a batch name. */
export const loadJobsOf = (
  inputs: readonly { jobId: string }[],
  tx: WriteTransaction,
): Promise<Map<string, JobRow>> =>
  loadJobs(
    tx,
    inputs.map(input => input.jobId),
  );

/** The caller that acts for a miner. `ownerId` is null for an administrator. */
export interface MinerActor {
  minerId: string;
  ownerId: number | null;
  /** The epoch of the acting process, if it sent one. */
  epoch?: number | undefined;
}

export function ownedMiner(
  miners: ReadonlyMap<string, Row<'miner'>>,
  actor: MinerActor,
): Row<'miner'> | undefined {
  const miner = miners.get(actor.minerId);
  return miner && isActing(miner, actor) && isCurrent(miner, actor) ? miner : undefined;
}

const isActing = ({ status, owner_id }: Row<'miner'>, { ownerId }: MinerActor) =>
  status !== 'removed' && (ownerId === null || owner_id === ownerId);

const isCurrent = (miner: Row<'miner'>, { epoch = miner.epoch }: MinerActor) => epoch === miner.epoch;

/** Returns why `ownedMiner` found no miner. An epoch that the store does not know is older than a restored backup. */
export function notActing(miners: ReadonlyMap<string, Row<'miner'>>, actor: MinerActor): Outcome<never> {
  const miner = miners.get(actor.minerId);
  if (miner && isActing(miner, actor) && (actor.epoch ?? miner.epoch) < miner.epoch)
    return superseded(miner.id);
  return failed(
    'MINER_NOT_FOUND',
    `No miner ${actor.minerId} is registered with this key: register it first`,
  );
}

/**
 * Returns the miner if it may ask for work. A miner whose row is damaged must register again, which rewrites the row.
 * It can still hand in results.
 */
export function readableMiner(
  miners: ReadonlyMap<string, Row<'miner'>>,
  actor: MinerActor,
): Row<'miner'> | undefined {
  const miner = ownedMiner(miners, actor);
  return miner && hasReadableAbilities(miner) ? miner : undefined;
}

/**
 * Whether the account may see the job; null is an administrator. The runs of a replicated job are never shown as jobs.
 */
export const isSeenBy = (accountId: number | null, job: Pick<JobRow, 'account_id' | 'role'>): boolean =>
  job.role !== 'run' && (accountId === null || job.account_id === accountId);

export const jobNotFound: Outcome<never> = failed('JOB_NOT_FOUND', 'Job not found');

/** Returns why a job that is running or has ended cannot be used. */
export function endedError(job: JobRow): ErrorInfo {
  const [code, detail] = REFUSALS[job.status];
  if (job.error_code === 'JOB_EXPIRED') return { code: 'JOB_EXPIRED', detail: 'The job has expired' };
  return { code, detail };
}

const REFUSALS = {
  pending: ['JOB_INVALID_STATUS', 'The job is pending'],
  running: ['JOB_ALREADY_CLAIMED', 'The job is claimed by another miner'],
  completed: ['JOB_ALREADY_COMPLETED', 'The job is completed'],
  failed: ['JOB_INVALID_STATUS', 'The job has failed'],
  cancelled: ['JOB_ALREADY_CANCELLED', 'The job was cancelled'],
} as const;
