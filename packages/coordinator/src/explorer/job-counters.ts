import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { SavedChange } from '../store/topics.ts';

/** Counts jobs by status, for the statistics. The runs of a replicated job do not count. */
export async function countJobs(changes: readonly SavedChange[], { tx }: WriteContext): Promise<void> {
  const counters: Row<'counter'>[] = [];
  for (const { before, after } of changes) {
    if (before?.status === after.status || after.role === 'run') continue;
    if (before) counters.push({ name: `jobs.${before.status}`, value: -1 });
    counters.push({ name: `jobs.${after.status}`, value: 1 });
  }
  await tx.add('counter', counters);
}
