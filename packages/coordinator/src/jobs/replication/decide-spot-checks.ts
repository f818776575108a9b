import { noteComparisons } from '../../miners/presence.ts';
import type { WriteContext } from '../../store/operation.ts';
import { clearHold, isEnded, type JobChange, type JobRow, markCancelled } from '../job.ts';
import { eraseTextsOf } from '../save-jobs.ts';
import { isQuestioned, questionDifferences } from './question-differences.ts';
import { groupResults, isSameResult, type Output } from './runs.ts';

export interface CheckedGroup {
  /** The checked job, which has completed. */
  job: JobRow;
  runs: readonly JobRow[];
  /** The changes of these runs. */
  moves: readonly JobChange[];
  outputs: ReadonlyMap<string, Output>;
}

/**
 * Handles a run that checked a job. If both have the same result, their miners agree. Otherwise a third run, the
 * referee, decides between them. If nobody runs them, the check is dropped. Returns the resulting changes, which the
 * caller saves.
 */
export async function followChecks(group: CheckedGroup, context: WriteContext): Promise<JobChange[]> {
  const { job, moves, outputs } = group;
  const [check, referee] = group.runs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const ended = new Set(moves.filter(({ after }) => isEnded(after.status)).map(({ after }) => after.id));
  if (!check || !referee || ended.size === 0) return [];
  const [original, second] = [outputs.get(job.id), outputs.get(check.id)];
  const isOpen = !isEnded(referee.status);
  if (ended.has(check.id) && isOpen && original && second && !isSameResult(original, second))
    return [{ before: referee, after: clearHold(referee) }];
  // A referee that was not needed has no effect.
  const speaks = ended.has(check.id) || referee.status === 'completed';
  if (speaks) await compare([job, check, referee], outputs, context);
  else await questionDifferences([job, check], outputs, context);
  // Only the client's own job keeps the text. A verifier that reads a check has it erased afterwards.
  const questioned = await isQuestioned([check.id, referee.id], context);
  await eraseTextsOf(
    [check.id, referee.id].filter(id => !questioned.has(id)),
    context,
  );
  return isOpen ? [{ before: referee, after: markCancelled(referee, context.now) }] : [];
}

/** A result counts as right only if two runs have it. */
async function compare(
  runs: readonly JobRow[],
  outputs: ReadonlyMap<string, Output>,
  context: WriteContext,
): Promise<void> {
  const [agreed = [], ...others] = groupResults(runs, outputs);
  const minersOf = (jobs: readonly JobRow[]) => jobs.flatMap(({ miner_id }) => miner_id ?? []);
  const results =
    agreed.length < 2
      ? { agreed: [], disagreed: [] }
      : { agreed: minersOf(agreed), disagreed: minersOf(others.flat()) };
  await noteComparisons(results, context);
  await questionDifferences(runs, outputs, context);
}
