import type { WriteContext } from '../../store/operation.ts';
import type { JobRow } from '../job.ts';
import { isSameResult, type Output } from './runs.ts';

/**
 * Asks verifiers about completed runs whose results differ. Which of them fits the model is not a matter of majority: two
 * equal builds would outvote an honest third one.
 */
export async function questionDifferences(
  runs: readonly JobRow[],
  outputs: ReadonlyMap<string, Output>,
  context: WriteContext,
): Promise<void> {
  const completed = runs.filter(run => run.status === 'completed' && outputs.has(run.id));
  const [first, ...others] = completed.flatMap(run => outputs.get(run.id) ?? []);
  if (!first || others.every(other => isSameResult(first, other))) return;
  await context.publish('results.differ', completed);
}

/** The id of the verification that a difference brings for a run. Each run has at most one. */
export const differenceId = (jobId: string): string => jobId.replace(/^job-/, 'ver-');

/** Returns those of the jobs whose texts a verifier will read. */
export async function isQuestioned(
  jobIds: readonly string[],
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<ReadonlySet<string>> {
  const rows = await tx.load('verification', 'id', jobIds.map(differenceId));
  return new Set(rows.filter(({ state }) => state !== 'ended').map(({ job_id }) => job_id));
}
