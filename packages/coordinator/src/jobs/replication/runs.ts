import type { FailureClass, JobError } from '@aitbc/protocol';
import type { Row } from '../../store/schema.ts';
import { isEnded, type JobRow } from '../job.ts';
import { majorityOf } from '../replication-request.ts';

/*
 * A replicated job is run by miners of several owners. It is not run itself: each of its runs is a job to its miner,
 * with its own id, salt and receipt. These pure functions compute what happens to a job when its runs change.
 */

export type Output = Row<'job_output'>;

export const isSameResult = (a: Output, b: Output) => a.type === b.type && a.result === b.result;

/** Groups completed runs by result: the largest group first, and of equal groups the one that completed first. */
export function groupResults(runs: readonly JobRow[], outputs: ReadonlyMap<string, Output>): JobRow[][] {
  const groups: JobRow[][] = [];
  for (const run of runs.toSorted(byEnd)) {
    const output = outputs.get(run.id);
    if (run.status !== 'completed' || !output) continue;
    const group = groups.find(
      ([first]) => first?.passport === run.passport && isSameResult(output, outputs.get(first.id) ?? output),
    );
    if (group) group.push(run);
    else groups.push([run]);
  }
  return groups.toSorted((a, b) => b.length - a.length);
}

/** Sorts by completion, then by id. */
const byEnd = (a: JobRow, b: JobRow) =>
  (a.completed_at ?? 0) - (b.completed_at ?? 0) || (a.id < b.id ? -1 : 1);

export type Verdict =
  | { agreed: readonly [JobRow, ...JobRow[]]; disagreed: readonly JobRow[] }
  | { error: JobError }
  | undefined;

/** Returns the agreed result, or an error if there can be none, or undefined while neither is certain. */
export function verdictOn(runs: readonly JobRow[], outputs: ReadonlyMap<string, Output>): Verdict {
  const needed = majorityOf(runs.length);
  const groups = groupResults(runs, outputs);
  const [largest = [], ...others] = groups;
  const [first, ...rest] = largest;
  if (first && largest.length >= needed) return { agreed: [first, ...rest], disagreed: others.flat() };
  const open = runs.filter(run => !isEnded(run.status)).length;
  if (largest.length + open >= needed) return undefined;
  return { error: groups.length > 1 ? noMajority(runs.length, groups.length) : failureOf(runs) };
}

function noMajority(runs: number, results: number): JobError {
  const detail = `${runs} runs gave ${results} different results: no ${majorityOf(runs)} of them agree`;
  return { error_code: 'RESULTS_DISAGREE', detail };
}

function failureOf(runs: readonly JobRow[]): JobError {
  const failed = runs.find(run => run.error_code !== null);
  const detail = `Too few of ${runs.length} runs have a result. ${failed?.error_detail ?? ''}`.trim();
  const error_code = (failed?.error_code ?? 'MINER_FAILED') as JobError['error_code'];
  const { error_class, engine_code } = failed ?? {};
  return {
    ...{ error_code, detail },
    ...(error_class && { error_class: error_class as FailureClass }),
    ...(engine_code && { engine_code }),
  };
}

/** Returns the job while the result is undecided. */
export function progressed(job: JobRow, runs: readonly JobRow[]): JobRow {
  const isUnderWay = runs.some(run => run.status === 'running' || run.status === 'completed');
  return {
    ...job,
    ...countsOf(runs),
    status: isUnderWay ? 'running' : 'pending',
    // A replicated job is never claimed itself.
    held_until: isUnderWay ? null : job.expires_at,
    started_at: isUnderWay ? startOf(runs) : null,
  };
}

/**
 * Returns the job completed with the result of an agreeing run. It takes over that run's receipt, and the salt that
 * opens the receipt.
 */
export function agreedOn(job: JobRow, runs: readonly JobRow[], run: JobRow, now: number): JobRow {
  return {
    ...job,
    ...countsOf(runs),
    held_until: null,
    status: 'completed',
    started_at: startOf(runs),
    completed_at: now,
    miner_id: run.miner_id,
    receipt_id: run.receipt_id,
    salt: run.salt,
    prompt_hash: run.prompt_hash,
  };
}

const countsOf = (runs: readonly JobRow[]) => ({
  attempts: runs.reduce((sum, run) => sum + run.attempts, 0),
});

function startOf(runs: readonly JobRow[]): number | null {
  const starts = runs.flatMap(run => run.started_at ?? []);
  return starts.length === 0 ? null : Math.min(...starts);
}
