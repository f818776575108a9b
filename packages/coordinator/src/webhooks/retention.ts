import { done, type Operation, type WriteContext } from '../store/operation.ts';
import { idTime } from './webhook.ts';

/** How many rows of each table are erased at once. */
const AT_ONCE = 1_000;

/**
 * Erases deliveries and tries of events that happened too long ago, whatever became of them. Their ids begin with the
 * time, so they are the first rows of both tables.
 */
export const eraseDeliveries = ({ keepMs }: { keepMs: number }): Operation<undefined, { more: boolean }> => ({
  name: 'webhooks.erase',
  async apply(inputs, context) {
    const before = idTime(context.now - keepMs);
    const deliveries = await erase('webhook_delivery', before, context);
    const attempts = await erase('webhook_attempt', before, context);
    return inputs.map(() => done({ more: deliveries === AT_ONCE || attempts === AT_ONCE }));
  },
});

async function erase(
  table: 'webhook_delivery' | 'webhook_attempt',
  before: string,
  { tx }: WriteContext,
): Promise<number> {
  const sql = `SELECT id FROM ${table} WHERE id < ? ORDER BY id LIMIT ${AT_ONCE}`;
  const ids = (await tx.query<{ id: string }>(sql, [before])).map(row => row.id);
  await tx.delete(table, 'id', ids);
  return ids.length;
}
