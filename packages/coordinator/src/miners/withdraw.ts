import { type Actor, COORDINATOR_ITSELF, recordActions } from '../audit/record-actions.ts';
import { done, failed, type Operation, type WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { countActive } from './presence.ts';
import { isActive, superseded } from './register.ts';
import { noteTurn } from './roster.ts';
import { loadStandings, newStanding, updateMiners } from './standing.ts';

export interface WithdrawInput {
  minerId: string;
  /** The epoch of the process that withdraws its miner. */
  epoch?: number | undefined;
  /** Null for an administrator. */
  ownerId: number | null;
  to: 'draining' | 'removed';
  actor: Actor;
}

/** Stops giving jobs to a miner. Before a miner is removed, its caller must have released the jobs that it holds. */
export const withdrawMiners: Operation<WithdrawInput, Row<'miner'>> = {
  name: 'miners.withdraw',
  async apply(inputs, context) {
    const { tx, emit } = context;
    const outcomes = [];
    for (const { minerId, epoch, ownerId, to, actor } of inputs) {
      const [miner] = await tx.load('miner', 'id', [minerId]);
      if (!miner || miner.status === 'removed' || (ownerId !== null && miner.owner_id !== ownerId)) {
        outcomes.push(failed('MINER_NOT_FOUND', `No miner ${minerId} is registered with this key`));
        continue;
      }
      if (epoch !== undefined && epoch < miner.epoch) {
        outcomes.push(superseded(minerId));
        continue;
      }
      const after = { ...miner, status: to, draining: 1 };
      // Lets the owner register the id again with a new key after losing the old one.
      if (to === 'removed' && ownerId === null) Object.assign(after, { public_key: null, key_proven: 0 });
      await tx.change('miner', [{ before: miner, after }]);
      if (to === 'removed') await tx.add('counter', [{ name: 'miners.total', value: -1 }]);
      await countActive((to === 'draining' ? 1 : 0) - (isActive(miner) ? 1 : 0), context);
      emit({ type: 'miner.changed', miner: after });
      noteTurn(miner, after, context);
      // Owners withdraw their miners whenever they stop them, which is no administrative action.
      const action = to === 'removed' ? 'miner.remove' : 'miner.drain';
      if (ownerId === null) await recordActions([{ actor, action, target: minerId }], context);
      outcomes.push(done(after));
    }
    return outcomes;
  },
};

/** Gives drained miners jobs again. A miner that is offline gets them when it is heard of. */
export const resumeMiners: Operation<Omit<WithdrawInput, 'to'>, undefined> = {
  name: 'miners.resume',
  async apply(inputs, context) {
    const { tx, emit } = context;
    const outcomes = [];
    for (const { minerId, epoch, ownerId, actor } of inputs) {
      const [miner] = await tx.load('miner', 'id', [minerId]);
      if (!miner || miner.status === 'removed' || (ownerId !== null && miner.owner_id !== ownerId)) {
        outcomes.push(failed('MINER_NOT_FOUND', `No miner ${minerId} is registered with this key`));
        continue;
      }
      if (epoch !== undefined && epoch < miner.epoch) {
        outcomes.push(superseded(minerId));
        continue;
      }
      if (miner.draining === 1) {
        const status = miner.status === 'draining' ? ('online' as const) : miner.status;
        const after = { ...miner, status, draining: 0 };
        await tx.change('miner', [{ before: miner, after }]);
        emit({ type: 'miner.changed', miner: after });
        noteTurn(miner, after, context);
        if (ownerId === null)
          await recordActions([{ actor, action: 'miner.resume', target: minerId }], context);
      }
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
};

/**
 * Suspends a miner's operator, as a bad reputation does: all of its miners get no jobs until they are reinstated, or return
 * on probation. Does nothing if it is suspended.
 */
export const suspendMiners: Operation<{ minerId: string; actor: Actor }, undefined> = {
  name: 'miners.suspend',
  async apply(inputs, context) {
    const { tx, now } = context;
    const outcomes = [];
    for (const { minerId, actor } of inputs) {
      const [miner] = await tx.load('miner', 'id', [minerId]);
      if (!miner || miner.status === 'removed') {
        outcomes.push(failed('MINER_NOT_FOUND', `No miner ${minerId} is registered`));
        continue;
      }
      if (miner.suspended_at === null) {
        const found = (await loadStandings([miner.operator_id], context)).get(miner.operator_id);
        const standing = {
          ...(found ?? newStanding(miner.operator_id, now)),
          suspended_at: now,
          probation: 0,
        };
        await tx.update('standing', [{ id: standing.id, suspended_at: now, probation: 0 }]);
        await updateMiners([standing], context);
        await recordActions([{ actor, action: 'miner.suspend', target: minerId }], context);
      }
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
};

/**
 * Ends the suspension of a miner's operator and clears its record: the old record would suspend it again at the next
 * judgement.
 */
export const reinstateMiners: Operation<{ minerId: string; actor: Actor }, undefined> = {
  name: 'miners.reinstate',
  async apply(inputs, context) {
    const { tx, now } = context;
    const outcomes = [];
    for (const { minerId, actor } of inputs) {
      const [miner] = await tx.load('miner', 'id', [minerId]);
      if (!miner || miner.status === 'removed') {
        outcomes.push(failed('MINER_NOT_FOUND', `No miner ${minerId} is registered`));
        continue;
      }
      if (miner.suspended_at !== null || miner.probation === 1) {
        const standing = newStanding(miner.operator_id, now);
        await tx.upsert('standing', [standing]);
        await updateMiners([standing], context);
        const before = { suspended: miner.suspended_at !== null, probation: miner.probation === 1 };
        await recordActions(
          [{ actor, action: 'miner.reinstate', target: minerId, details: { before } }],
          context,
        );
      }
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
};

/**
 * Suspends the operators of miners whose answers were accused, as a bad reputation does. Does nothing for those that are
 * suspended.
 */
export async function suspendOperators(
  accused: readonly { operatorId: number; minerId: string; verificationId: string }[],
  context: WriteContext,
): Promise<void> {
  if (accused.length === 0) return;
  const { tx, now } = context;
  const standings = await loadStandings(
    accused.map(({ operatorId }) => operatorId),
    context,
  );
  const suspended = accused.filter(({ operatorId }) => standings.get(operatorId)?.suspended_at === null);
  const after = suspended.flatMap(({ operatorId, verificationId }) => {
    const standing = standings.get(operatorId);
    return standing ? [{ ...standing, suspended_at: now, suspended_by: verificationId, probation: 0 }] : [];
  });
  await tx.update(
    'standing',
    after.map(({ id, suspended_at, suspended_by, probation }) => ({
      ...{ id, suspended_at, suspended_by, probation },
    })),
  );
  await updateMiners(after, context);
  await recordActions(
    suspended.map(({ minerId, verificationId }) => ({
      ...{ actor: COORDINATOR_ITSELF, action: 'miner.suspend' as const, target: minerId },
      details: { verification: verificationId },
    })),
    context,
  );
}

/** Ends the suspensions of operators that began with an accusation which an appeal has refuted. */
export async function liftSuspensions(
  refuted: readonly { operatorId: number; minerId: string; accusedAt: number; verificationId: string }[],
  context: WriteContext,
): Promise<void> {
  if (refuted.length === 0) return;
  const { tx } = context;
  const standings = await loadStandings(
    refuted.map(({ operatorId }) => operatorId),
    context,
  );
  const began = (time: number | null | undefined) => Math.floor((time ?? 0) / 1000);
  const lifted = refuted.filter(
    ({ operatorId, accusedAt }) => began(standings.get(operatorId)?.suspended_at) === began(accusedAt),
  );
  const after = lifted.flatMap(({ operatorId }) => {
    const standing = standings.get(operatorId);
    return standing ? [{ ...standing, suspended_at: null, suspended_by: null }] : [];
  });
  await tx.update(
    'standing',
    after.map(({ id }) => ({ id, suspended_at: null, suspended_by: null })),
  );
  await updateMiners(after, context);
  await recordActions(
    lifted.map(({ minerId, verificationId }) => ({
      ...{ actor: COORDINATOR_ITSELF, action: 'miner.reinstate' as const, target: minerId },
      details: { verification: verificationId },
    })),
    context,
  );
}
