import { type Outcome, type Refusal, refused } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Transaction } from '../store/transaction.ts';
import type { JobRow } from './job.ts';

/** Rows by id, as a batch works on them: an operation reads what the one before it in the batch wrote. */
export async function loadJobs(tx: Transaction, ids: readonly string[]): Promise<Map<string, JobRow>> {
  const rows = await tx.load('job', 'id', [...new Set(ids)]);
  return new Map(rows.map(row => [row.id, row]));
}

export async function loadMiners(
  tx: Transaction,
  ids: readonly string[],
): Promise<Map<string, Row<'miner'>>> {
  const rows = await tx.load('miner', 'id', [...new Set(ids)]);
  return new Map(rows.map(row => [row.id, row]));
}

/** Who acts for a miner: its owner's account, or an administrator (null). */
export interface MinerActor {
  minerId: string;
  ownerId: number | null;
}

export function ownedMiner(
  miners: ReadonlyMap<string, Row<'miner'>>,
  actor: MinerActor,
): Row<'miner'> | undefined {
  const miner = miners.get(actor.minerId);
  if (!miner || miner.status === 'removed') return undefined;
  return actor.ownerId === null || miner.owner_id === actor.ownerId ? miner : undefined;
}

export const minerNotFound = (minerId: string): Outcome<never> =>
  refused('MINER_NOT_FOUND', `No miner ${minerId} is registered with this key: register it first`);

/** Whether a job is one of the account's, or of anyone's to an administrator (null). Its runs are not shown as jobs. */
export const isSeenBy = (accountId: number | null, job: Pick<JobRow, 'account_id' | 'role'>): boolean =>
  job.role !== 'run' && (accountId === null || job.account_id === accountId);

export const jobNotFound: Outcome<never> = refused('JOB_NOT_FOUND', 'Job not found');

/** Why a job that has ended, or is on its way, can't be acted upon. */
export function refusalFor(job: JobRow): Refusal {
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
