import { noteComparisons } from '../../miners/presence.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { SavedChange } from '../../store/topics.ts';
import { isEnded, type JobChange, type JobRow, markCancelled, markFailed } from '../job.ts';
import { saveJobs } from '../save-jobs.ts';
import { barred, ownersOf } from '../scheduling/assignments.ts';
import { followChecks } from './decide-spot-checks.ts';
import { questionDifferences } from './question-differences.ts';
import { agreedOn, isSameResult, type Output, progressed, verdictOn } from './runs.ts';

/**
 * Updates replicated jobs when their runs change and runs when their jobs change, and saves the resulting changes. Does
 * nothing if no changed job is or has a run.
 */
export async function followRuns(changes: readonly SavedChange[], context: WriteContext): Promise<void> {
  const moved = changes.filter(hasMoved);
  if (moved.length === 0) return;
  const { tx } = context;
  const ids = [...new Set(moved.map(({ after }) => after.run_of ?? after.id))];
  const [jobs, runs] = await Promise.all([tx.load('job', 'id', ids), tx.load('job', 'run_of', ids)]);
  const outputs = await loadOutputs([...jobs, ...runs], context);
  const runsByJob = Map.groupBy(runs, run => run.run_of ?? '');
  const movesByJob = Map.groupBy(moved, ({ after }) => after.run_of ?? after.id);
  const consequences: JobChange[] = [];
  for (const job of jobs) {
    const group = { job, runs: runsByJob.get(job.id) ?? [], moves: movesByJob.get(job.id) ?? [], outputs };
    await barFailed(group, context);
    consequences.push(...(await follow(group, context)));
  }
  await saveJobs(consequences, context);
}

const hasMoved = (change: SavedChange): change is JobChange =>
  change.before !== undefined &&
  change.after.role !== 'ordinary' &&
  change.before.status !== change.after.status;

async function follow(group: Group, context: WriteContext): Promise<JobChange[]> {
  if (group.job.role === 'ordinary') return await followChecks(group, context);
  return isEnded(group.job.status) ? await afterEnd(group, context) : await decide(group, context);
}

interface Group {
  job: JobRow;
  runs: readonly JobRow[];
  /** The changes of these runs and of the job itself. */
  moves: readonly JobChange[];
  outputs: ReadonlyMap<string, Output>;
}

async function loadOutputs(jobs: readonly JobRow[], { tx }: WriteContext): Promise<Map<string, Output>> {
  const completed = jobs.filter(job => job.status === 'completed').map(job => job.id);
  const rows = await tx.load('job_output', 'job_id', completed);
  return new Map(rows.map(row => [row.job_id, row]));
}

/** An operator that failed with a run gets no run of this job again. */
async function barFailed({ job, moves }: Group, { tx }: WriteContext): Promise<void> {
  const failed = moves.filter(({ after, minerFailed }) => minerFailed && after.status === 'pending');
  const before = ownersOf(job);
  if (failed.length === 0 || !before) return;
  const owners = failed.reduce((owners, { after }) => barred(owners, after.id), before);
  await tx.update('job', [{ id: job.id, owners: JSON.stringify(owners) }]);
}

async function decide(group: Group, context: WriteContext): Promise<JobChange[]> {
  const { job, runs, outputs } = group;
  const verdict = verdictOn(runs, outputs);
  if (!verdict) return [{ before: job, after: progressed(job, runs) }];
  if ('error' in verdict) {
    const after = markFailed(progressed(job, runs), verdict.error, context.now);
    await questionDifferences(runs, outputs, context);
    return [{ before: job, after }, ...cancelPending(runs, context)];
  }
  const { agreed, disagreed } = verdict;
  const [chosen] = agreed;
  const after = agreedOn(job, runs, chosen, context.now);
  const output = outputs.get(chosen.id);
  if (output) await context.tx.insert('job_output', [{ ...output, job_id: job.id }]);
  await noteComparisons({ agreed: minersOf(agreed), disagreed: minersOf(disagreed) }, context);
  await questionDifferences(runs, outputs, context);
  return [{ before: job, after }, ...cancelPending(runs, context)];
}

/** Runs that are still running may finish and are paid, unless the client cancelled the job. */
async function afterEnd({ job, runs, moves, outputs }: Group, context: WriteContext): Promise<JobChange[]> {
  const result = outputs.get(job.id);
  const ended = moves.filter(({ after }) => after.run_of !== null && after.status === 'completed');
  const lateIds = new Set(ended.map(({ after }) => after.id));
  const late = runs.filter(run => lateIds.has(run.id));
  if (result) {
    const isAgreed = (run: JobRow) => isSameResult(outputs.get(run.id) ?? result, result);
    const agreed = late.filter(isAgreed);
    const disagreed = late.filter(run => !agreed.includes(run));
    await noteComparisons({ agreed: minersOf(agreed), disagreed: minersOf(disagreed) }, context);
    await questionDifferences(runs, outputs, context);
  }
  return job.status === 'cancelled' ? cancelAll(runs, context) : cancelPending(runs, context);
}

const cancelPending = (runs: readonly JobRow[], context: WriteContext) =>
  cancelAll(
    runs.filter(run => run.status === 'pending'),
    context,
  );

const cancelAll = (runs: readonly JobRow[], { now }: WriteContext): JobChange[] =>
  runs.filter(run => !isEnded(run.status)).map(before => ({ before, after: markCancelled(before, now) }));

const minersOf = (runs: readonly JobRow[]) => runs.flatMap(run => run.miner_id ?? []);
