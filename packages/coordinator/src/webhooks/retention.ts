import { done, type Operation, type WriteContext } from '../store/operation.ts';
import { idTime } from './webhook.ts';

/** How many rows of each table are erased at once. */
const AT_ONCE = 1_000;

export interface DeliveryRetention {
  /** How long deliveries and the log of tries are kept, in ms. */
  keepMs: number;
  /** How long the texts of jobs are kept after their end, in ms, or 0 for ever. */
  retentionMs: number;
}

/**
 * Erases deliveries and tries of events that happened too long ago, whatever became of them. Their ids begin with the
 * time, so they are the first rows of both tables. A try has the URL of the job's own webhook, and what the receiver
 * answered may repeat what it was sent, so tries are kept no longer than the texts of jobs. A delivery has only the id
 * of its job, which ended at the time of the event.
 */
export const eraseDeliveries = ({
  keepMs,
  retentionMs,
}: DeliveryRetention): Operation<undefined, { more: boolean }> => ({
  name: 'webhooks.erase',
  async apply(inputs, context) {
    const { now } = context;
    const deliveries = await erase('webhook_delivery', idTime(now - keepMs), context);
    const keepTriesMs = retentionMs === 0 ? keepMs : Math.min(keepMs, retentionMs);
    const attempts = await erase('webhook_attempt', idTime(now - keepTriesMs), context);
    return inputs.map(() => done({ more: deliveries === AT_ONCE || attempts === AT_ONCE }));
  },
});

async function erase(
  table: 'webhook_delivery' | 'webhook_attempt',
  before: string,
  { tx }: WriteContext,
): Promise<number> {
  const sql = `SELECT id FROM ${table} WHERE id < ? ORDER BY id LIMIT ${AT_ONCE}`;
  const ids = (await tx.query<{ id: string }>([table], sql, [before])).map(row => row.id);
  await tx.delete(table, ids);
  return ids.length;
}
