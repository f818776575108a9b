import { isEnded, type JobRow } from '../jobs/job.ts';
import { Increments } from '../store/increments.ts';
import type { WriteContext } from '../store/operation.ts';
import type { SavedChange } from '../store/topics.ts';
import { loadBudgetKeys } from './key-budgets.ts';

/** Updates the number of unfinished jobs and the reserved credits of accounts when jobs change. */
export async function countForAccounts(changes: readonly SavedChange[], { tx }: WriteContext): Promise<void> {
  const accounts = new Increments<number, 'reserved' | 'pending' | 'running' | 'input_bytes'>([
    'reserved',
    'pending',
    'running',
    'input_bytes',
  ]);
  for (const { before, after } of changes) {
    const reserved = reservedFor(after) - (before ? reservedFor(before) : 0);
    if (reserved !== 0) accounts.add(after.account_id, 'reserved', reserved);
    const inputBytes = inputBytesOf(after) - (before ? inputBytesOf(before) : 0);
    if (inputBytes !== 0) accounts.add(after.account_id, 'input_bytes', inputBytes);
    if (before?.status === after.status || after.role === 'replicated') continue;
    if (before?.status === 'pending' || before?.status === 'running')
      accounts.add(before.account_id, before.status, -1);
    if (after.status === 'pending' || after.status === 'running')
      accounts.add(after.account_id, after.status, 1);
  }
  await tx.add('account', accounts.rows('id'));
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
  const budgets = new Increments<string, 'reserved'>(['reserved']);
  for (const { before, after } of changed) {
    const by = keyReservedFor(after) - (before ? keyReservedFor(before) : 0);
    for (const id of keysOf.get(after.key_id ?? '') ?? []) budgets.add(id, 'reserved', by);
  }
  await tx.add('key_budget', budgets.rows('id'));
}

const keyReservedFor = (job: JobRow) => (isEnded(job.status) ? 0 : job.key_reserved);

/** Set aside while a job may yet cost something. */
const reservedFor = (job: JobRow) => (isEnded(job.status) ? 0 : job.reserved);

/** They count while the job may be run; then retention decides how long they stay. */
const inputBytesOf = (job: JobRow) => (isEnded(job.status) ? 0 : job.input_bytes);
