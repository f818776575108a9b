import type { WriteContext } from '../store/operation.ts';
import type { SavedChange } from '../store/topics.ts';

/** Tells the process, once it is committed, what happened to jobs that belong to a trace. */
export async function noteTracedJobs(
  changes: readonly SavedChange[],
  { now, emit }: Pick<WriteContext, 'now' | 'emit'>,
): Promise<void> {
  if (!changes.some(isTraced)) return;
  emit({ type: 'jobs.traced', changes: changes.filter(isTraced), at: now });
}

const isTraced = ({ after }: SavedChange) => after.traceparent !== null;
