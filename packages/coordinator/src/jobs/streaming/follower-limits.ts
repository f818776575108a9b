import type { Principal } from '../../accounts/keys.ts';
import { fail } from '../../errors.ts';

export interface FollowLimits {
  /** The most followers at once. */
  all: number;
  /** The most followers at once of one account. */
  perAccount(principal: Principal): number;
}

/**
 * Returns a function that counts a follower, and whose result uncounts it. Throws RequestError if a limit is reached.
 */
export function createAdmission({ all, perAccount }: FollowLimits): (principal: Principal) => () => void {
  const byAccount = new Map<number, number>();
  let count = 0;
  return principal => {
    const { accountId } = principal;
    const own = byAccount.get(accountId) ?? 0;
    if (own >= perAccount(principal)) {
      fail('RATE_LIMIT_EXCEEDED', `${own} streams of events are open, which is as many as you may have`, {
        limit: 'streams',
        retryAfter: 1,
      });
    }
    if (count >= all)
      fail('SYSTEM_OVERLOADED', 'Too many streams of events are open', { limit: 'overload', retryAfter: 1 });
    byAccount.set(accountId, own + 1);
    count++;
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      count--;
      const left = (byAccount.get(accountId) ?? 1) - 1;
      if (left === 0) byAccount.delete(accountId);
      else byAccount.set(accountId, left);
    };
  };
}
