import { batchOf } from '../jobs/batch-line.ts';
import { isEnded } from '../jobs/job.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { SavedChange } from '../store/topics.ts';

/** Counts the outstanding and the ended jobs of batches. Other jobs cost nothing. */
export async function countProgress(changes: readonly SavedChange[], { tx }: WriteContext): Promise<void> {
  const batches: Partial<Row<'batch'>>[] = [];
  for (const { before, after } of changes) {
    if (after.batch_line === null) continue;
    const id = batchOf(after.batch_line);
    if (!before) batches.push({ id, outstanding: 1 });
    if (!isEnded(after.status) || (before && isEnded(before.status))) continue;
    batches.push({ id, outstanding: -1, [after.status === 'completed' ? 'completed' : 'failed']: 1 });
  }
  await tx.add('batch', batches);
}
