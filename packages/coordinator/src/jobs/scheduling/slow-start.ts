import { LIMITS } from '@aitbc/protocol';
import { parseNames } from '../../miners/eligibility.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';

/*
 * How many jobs an owner's miners hold at once. A new owner begins with a few and earns one more with each that it
 * completes; one on probation has one. The first holds between owners: not in open mode, not for those whom the
 * coordinator's operator vouches for, and not for miners whose models no other owner offers, since jobs that they did not
 * get would only wait.
 */

export interface SlowStartPolicy {
  /** New owners begin with few jobs at once. */
  slowStart: boolean;
  /** Operators that have earned all, kept so that they are not looked at again. */
  established: Set<number>;
}

/** Jobs at once of an owner that has completed none yet. */
const FIRST_JOBS = 4;

/** Miners of others that are looked at. Where there are more, one of them is taken to offer the same model. */
const OTHERS = 20;

export interface OwnerAllowances {
  /** Jobs that this miner's operator may be given yet; Infinity where nothing limits them. */
  left(miner: Row<'miner'>): number;
  take(miner: Row<'miner'>, jobs: number): void;
}

/** Costs nothing where all miners are of operators that are established. */
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
    `SELECT CAST(sum(running) AS BIGINT) AS running, CAST(sum(completed) AS BIGINT) AS completed
      FROM miner WHERE operator_id = ?`,
    [operatorId],
  );
  return { running: Number(sums?.running ?? 0), completed: Number(sums?.completed ?? 0) };
}

/** Whether the coordinator's operator vouches for an account. */
export async function isTrusted(accountId: number, tx: WriteContext['tx']): Promise<boolean> {
  const [account] = await tx.load('account', 'id', [accountId]);
  return account?.trusted === 1;
}

/** Whether a miner of another owner that is online offers one of the models of these. */
async function shareModels(
  operatorId: number,
  miners: readonly Row<'miner'>[],
  tx: WriteContext['tx'],
): Promise<boolean> {
  const others = await tx.query<Pick<Row<'miner'>, 'capabilities'>>(
    `SELECT capabilities FROM miner WHERE status = 'online' AND operator_id <> ? LIMIT ${OTHERS}`,
    [operatorId],
  );
  if (others.length === OTHERS) return true;
  const own = new Set(miners.flatMap(({ capabilities }) => [...parseNames(capabilities)]));
  return others.some(({ capabilities }) => !own.isDisjointFrom(parseNames(capabilities)));
}
