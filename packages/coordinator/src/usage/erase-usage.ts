import { done, type Operation } from '../store/operation.ts';
import { firstId } from './row-id.ts';

const DAY_MS = 24 * 3600 * 1000;

/** How many rows are deleted at once, since other writes wait meanwhile. */
const AT_ONCE = 500;

/** Deletes the sums of days that are over for longer than `keepDays`. Returns whether there are more. */
export const eraseUsage = (keepDays: number): Operation<undefined, { more: boolean }> => ({
  name: 'usage.erase',
  async apply(inputs, { tx, now }) {
    let more = false;
    if (keepDays > 0) {
      const end = firstId(Math.floor(now / DAY_MS) - keepDays);
      for (const table of ['usage', 'earning'] as const) {
        const due = await tx.query<{ id: string }>(
          [table],
          `SELECT id FROM ${table} WHERE id < ? ORDER BY id LIMIT ${AT_ONCE}`,
          [end],
        );
        await tx.delete(
          table,
          due.map(({ id }) => id),
        );
        more ||= due.length === AT_ONCE;
      }
    }
    return inputs.map(() => done({ more }));
  },
});
