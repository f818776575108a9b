import type { LimitName } from '../errors.ts';
import { failed, type Outcome } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { WriteTransaction } from '../store/transaction.ts';
import type { Tier } from './tiers.ts';

/** What an account may have at once, or spend per day. */
export type AccountQuota = Pick<Tier, 'pending' | 'running' | 'credits_per_day' | 'disk_mib'>;

export interface QuotaInput {
  accountId: number;
  /** Absent if limits are off. */
  quota?: AccountQuota | undefined;
  jobs: readonly { inputBytes: number; runs: readonly unknown[] }[];
}

export interface Quotas {
  /** Counts the jobs for their account, or returns the error if a quota is exceeded. */
  take(input: QuotaInput): Outcome<never> | undefined;
  save(): Promise<void>;
}

const DAY_MS = 24 * 3600 * 1000;
const MiB = 1024 * 1024;

/** When a client should retry after exceeding a quota that frees up as jobs end. */
const RETRY_SECONDS = 5;

const NONE: Quotas = { take: () => undefined, save: async () => {} };

/**
 * Loads what accounts have left of their quotas, from counters that the job transactions maintain. Reads nothing if no
 * input has a quota.
 */
export async function loadQuotas(
  inputs: readonly QuotaInput[],
  tx: WriteTransaction,
  now: number,
): Promise<Quotas> {
  const ids = new Set(inputs.flatMap(({ accountId, quota }) => (quota ? [accountId] : [])));
  if (ids.size === 0) return NONE;
  const accounts = new Map((await tx.load('account', 'id', [...ids])).map(account => [account.id, account]));
  const today = Math.floor(now / DAY_MS);
  const newDays = new Map<number, Row<'account'>>();
  return {
    take({ accountId, quota, jobs }) {
      const account = accounts.get(accountId);
      if (!quota || !account) return undefined;
      if (quota.credits_per_day !== null && account.spent_day !== today) {
        Object.assign(account, { spent_day: today, spent_before: account.spent });
        newDays.set(accountId, account);
      }
      const count = jobs.reduce((sum, { runs }) => sum + Math.max(1, runs.length), 0);
      const bytes = jobs.reduce((sum, job) => sum + job.inputBytes * (1 + job.runs.length), 0);
      const fault = quotaFault(account, quota, { count, bytes }, now);
      if (fault) return fault;
      account.pending += count;
      account.input_bytes += bytes;
      return undefined;
    },
    async save() {
      const days = [...newDays.values()].map(({ id, spent_day, spent_before }) => ({
        id,
        spent_day,
        spent_before,
      }));
      await tx.update('account', days);
    },
  };
}

function quotaFault(
  account: Row<'account'>,
  { pending, running, credits_per_day, disk_mib }: AccountQuota,
  added: { count: number; bytes: number },
  now: number,
): Outcome<never> | undefined {
  const exceeded = (limit: LimitName, detail: string, retryAfter: number) =>
    failed('RATE_QUOTA_EXCEEDED', detail, { limit, retryAfter });
  if (pending !== null && account.pending + added.count > pending)
    return exceeded(
      'pending',
      `${account.pending} of your jobs are pending, and the limit is ${pending}`,
      RETRY_SECONDS,
    );
  if (running !== null && account.running >= running)
    return exceeded(
      'running',
      `${account.running} of your jobs are running, and the limit is ${running}`,
      RETRY_SECONDS,
    );
  const spent = account.spent - account.spent_before + account.reserved;
  if (credits_per_day !== null && spent >= credits_per_day * 1e6)
    return exceeded(
      'credits',
      `Your jobs have cost ${spent / 1e6} credits today, and the limit is ${credits_per_day} per day`,
      Math.ceil((DAY_MS - (now % DAY_MS)) / 1000),
    );
  if (added.bytes > 0) return storageFault(account, disk_mib, added.bytes);
  return undefined;
}

/** Returns an error if the account may not store this many more bytes of files and job inputs together. */
export function storageFault(
  { file_bytes, input_bytes }: Pick<Row<'account'>, 'file_bytes' | 'input_bytes'>,
  diskMib: number | null,
  bytes: number,
): Outcome<never> | undefined {
  if (diskMib === null || file_bytes + input_bytes + bytes <= diskMib * MiB) return undefined;
  return failed(
    'STORAGE_QUOTA_EXCEEDED',
    `Your files and the inputs of your jobs would exceed ${diskMib} MiB together: delete files, or wait for jobs to end`,
    { limit: 'disk' },
  );
}
