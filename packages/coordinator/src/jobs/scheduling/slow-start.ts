import { LIMITS } from '@aitbc/protocol';
import { parseNames } from '../../miners/eligibility.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';

/*
 * How many jobs an owner's miners may hold at once. A new owner begins with a few and earns one more with each
 * completed job. An owner on probation has one. The limit for new owners applies only between owners: not in open mode,
 * not to owners whom the operator vouches for, and not to miners whose models no other owner offers, because jobs that
 * they did not get would only wait.
 */

export interface SlowStartPolicy {
  /** Whether new owners begin with few jobs at once. */
  slowStart: boolean;
  /** Operators that have no limit any more. They are not checked again. */
  established: Set<number>;
}

/** The jobs at once of an owner that has completed none. */
const FIRST_JOBS = 4;

/** How many miners of others are checked. If there are more, one of them is assumed to offer the same model. */
const OTHERS = 20;

export interface OwnerAllowances {
  /** Returns how many more jobs the miner's operator may be given, or Infinity if there is no limit. */
  left(miner: Row<'miner'>): number;
  take(miner: Row<'miner'>, jobs: number): void;
}

/** Takes no query if all miners belong to established operators. */
export async function loadOwnerAllowances(
  miners: readonly Row<'miner'>[],
  { slowStart, established }: SlowStartPolicy,
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<OwnerAllowances> {
  const isLimited = ({ probation, operator_id }: Row<'miner'>) =>
    probation === 1 || (slowStart && !established.has(operator_id));
  const limited = miners.filter(isLimited);
  const left = new Map<number, number>();
  for (const [id, own] of Map.groupBy(limited, miner => miner.operator_id)) {
    const { running, completed } = await workOf(id, tx);
    if (own.some(({ probation }) => probation === 1)) left.set(id, 1 - running);
    else if (completed >= LIMITS.claimMax || (await isTrusted(id, tx))) established.add(id);
    else if (await shareModels(id, own, tx)) left.set(id, FIRST_JOBS + completed - running);
  }
  return {
    left: ({ operator_id }) => left.get(operator_id) ?? Infinity,
    take({ operator_id }, jobs) {
      const before = left.get(operator_id);
      if (before !== undefined) left.set(operator_id, before - jobs);
    },
  };
}

async function workOf(operatorId: number, tx: WriteContext['tx']) {
  const [sums] = await tx.query<{ running: number | null; completed: number | null }>(
    ['miner'],
    `SELECT CAST(sum(running) AS BIGINT) AS running, CAST(sum(completed) AS BIGINT) AS completed
      FROM miner WHERE operator_id = ?`,
    [operatorId],
  );
  return { running: Number(sums?.running ?? 0), completed: Number(sums?.completed ?? 0) };
}

/** Whether the operator of the coordinator vouches for an account. */
export async function isTrusted(accountId: number, tx: WriteContext['tx']): Promise<boolean> {
  const [account] = await tx.load('account', 'id', [accountId]);
  return account?.trusted === 1;
}

/** Whether another owner has an online miner that offers one of these miners' models. */
async function shareModels(
  operatorId: number,
  miners: readonly Row<'miner'>[],
  tx: WriteContext['tx'],
): Promise<boolean> {
  const others = await tx.query<Pick<Row<'miner'>, 'capabilities'>>(
    ['miner'],
    `SELECT capabilities FROM miner WHERE status = 'online' AND operator_id <> ? LIMIT ${OTHERS}`,
    [operatorId],
  );
  if (others.length === OTHERS) return true;
  const own = new Set(miners.flatMap(({ capabilities }) => [...parseNames(capabilities)]));
  return others.some(({ capabilities }) => !own.isDisjointFrom(parseNames(capabilities)));
}
