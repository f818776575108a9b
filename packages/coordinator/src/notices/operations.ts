import { LIMITS } from '@aitbc/protocol';
import { type OnceInput, once } from '../accounts/idempotency.ts';
import { type Actor, recordActions } from '../audit/record-actions.ts';
import { done, failed, type Operation, type Outcome } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';

export interface CreateNoticeInput extends OnceInput {
  row: Row<'notice'>;
  actor: Actor;
}

/** Stores notices, at most `LIMITS.notices`. Those that have expired are deleted first. */
export const createNotice = once<CreateNoticeInput>(
  {
    name: 'notices.create',
    async apply(inputs, context) {
      const { tx, now } = context;
      const stored = await tx.query<Row<'notice'>>(
        ['notice'],
        `SELECT * FROM notice ORDER BY id LIMIT ${LIMITS.notices}`,
        [],
      );
      const expired = stored.filter(({ expires_at }) => expires_at <= now).map(({ id }) => id);
      await tx.delete('notice', expired);
      const taken = inputs.slice(0, LIMITS.notices - stored.length + expired.length);
      await tx.insert(
        'notice',
        taken.map(({ row }) => row),
      );
      await recordActions(
        taken.map(({ row: { id, text, miner, owner, below_version }, actor }) => ({
          ...{ actor, action: 'notice.create' as const, target: id },
          details: { text, miner, owner, below_version },
        })),
        context,
      );
      return inputs.map(input => (taken.includes(input) ? done(undefined) : FULL));
    },
  },
  ({ row }) => row.id,
);

export const deleteNotice: Operation<{ id: string; actor: Actor }, undefined> = {
  name: 'notices.delete',
  async apply(inputs, context) {
    const outcomes: Outcome<undefined>[] = [];
    for (const { id, actor } of inputs) {
      const [row] = await context.tx.load('notice', 'id', [id]);
      if (!row) {
        outcomes.push(failed('NOTICE_NOT_FOUND', 'There is no such notice'));
        continue;
      }
      await context.tx.delete('notice', [id]);
      await recordActions([{ actor, action: 'notice.delete', target: id }], context);
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
};

const FULL = failed(
  'NOTICE_LIMIT_REACHED',
  `There are ${LIMITS.notices} notices, which is the limit: delete one`,
);
