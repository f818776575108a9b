import type { ApiKey } from '@aitbc/sdk';
import { Status } from '../../components/status/status.tsx';
import { formatCredits } from '../../format/numbers.ts';

/** Whether a key is accepted. */
export function KeyState({ apiKey: { revoked_at, expires_at } }: { apiKey: ApiKey }) {
  if (revoked_at !== null) return <Status tone="quiet">revoked</Status>;
  const isOver = expires_at !== null && Date.parse(expires_at) <= Date.now();
  return isOver ? <Status tone="quiet">expired</Status> : <Status tone="good">valid</Status>;
}

/** What was spent of each limit. */
export function describeBudget(budget: ApiKey['budget']): string {
  const parts = (['day', 'month', 'total'] as const).flatMap(period => {
    const limit = budget?.[period] ?? null;
    const name = period === 'total' ? 'in all' : `a ${period}`;
    return limit === null || !budget
      ? []
      : [`${formatCredits(budget.spent[period])} of ${formatCredits(limit)} ${name}`];
  });
  return parts.length === 0 ? 'no limit' : parts.join(', ');
}
