import { isEnded } from '../jobs/job.ts';
import type { EndedJobs } from '../store/events.ts';
import type { WriteContext } from '../store/operation.ts';
import type { SavedChange } from '../store/topics.ts';

/** Tells the process, once it is committed, what an operation did to jobs. */
export async function countForMetrics(
  changes: readonly SavedChange[],
  { now, emit }: Pick<WriteContext, 'now' | 'emit'>,
): Promise<void> {
  const waits = new Map<string, number[]>();
  const ended = new Map<string, EndedJobs>();
  let submitted = 0;
  let retries = 0;
  let returns = 0;
  for (const { before, after } of changes) {
    const { status, role, model } = after;
    if (!before && role !== 'run') submitted++;
    if (!before || before.status === status || role === 'replicated') {
      // A replicated job is not run itself, but it ends.
    } else if (status === 'running') {
      if (after.attempts === 1) getOrInsert(waits, model, () => []).push(now - after.created_at);
    } else if (before.status === 'running' && status === 'pending') {
      if (after.attempts < before.attempts) returns++;
      else retries++;
    }
    if (!before || role === 'run' || isEnded(before.status) || !isEnded(status)) continue;
    const { error_code: errorCode, error_class: errorClass } = after;
    const key = `${status} ${errorCode} ${errorClass}`;
    getOrInsert(ended, key, () => ({ status, errorCode, errorClass, jobs: 0 })).jobs++;
  }
  if (submitted + retries + returns + waits.size + ended.size === 0) return;
  emit({
    type: 'jobs.counted',
    submitted,
    waits: [...waits].map(([model, ms]) => ({ model, ms })),
    retries,
    returns,
    ended: [...ended.values()],
  });
}

function getOrInsert<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
