import { isEnded, type JobRow } from '../jobs/job.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { SavedChange } from '../store/topics.ts';
import { loadBudgetKeys } from './key-budgets.ts';

/** Updates the number of unfinished jobs and the reserved credits of accounts when jobs change. */
export async function countForAccounts(changes: readonly SavedChange[], { tx }: WriteContext): Promise<void> {
  const accounts: Partial<Row<'account'>>[] = [];
  for (const { before, after } of changes) {
    const reserved = reservedFor(after) - (before ? reservedFor(before) : 0);
    const input_bytes = inputBytesOf(after) - (before ? inputBytesOf(before) : 0);
    if (reserved !== 0 || input_bytes !== 0) accounts.push({ id: after.account_id, reserved, input_bytes });
    if (before?.status === after.status || after.role === 'replicated') continue;
    if (before?.status === 'pending' || before?.status === 'running')
      accounts.push({ id: before.account_id, [before.status]: -1 });
    if (after.status === 'pending' || after.status === 'running')
      accounts.push({ id: after.account_id, [after.status]: 1 });
  }
  await tx.add('account', accounts);
}

/** Updates what unfinished jobs have reserved in the budgets of their keys. Jobs of keys without budgets cost nothing. */
export async function countForBudgets(changes: readonly SavedChange[], { tx }: WriteContext): Promise<void> {
  const changed = changes.filter(
    ({ before, after }) => keyReservedFor(after) !== (before ? keyReservedFor(before) : 0),
  );
  if (changed.length === 0) return;
  const keysOf = await loadBudgetKeys(
    changed.map(({ after }) => after),
    tx,
  );
  const budgets = changed.flatMap(({ before, after }) => {
    const reserved = keyReservedFor(after) - (before ? keyReservedFor(before) : 0);
    return (keysOf.get(after.key_id ?? '') ?? []).map(id => ({ id, reserved }));
  });
  await tx.add('key_budget', budgets);
}

const keyReservedFor = (job: JobRow) => (isEnded(job.status) ? 0 : job.key_reserved);

/** Set aside while a job may yet cost something. */
const reservedFor = (job: JobRow) => (isEnded(job.status) ? 0 : job.reserved);

/** They count while the job may be run; then retention decides how long they stay. */
const inputBytesOf = (job: JobRow) => (isEnded(job.status) ? 0 : job.input_bytes);
