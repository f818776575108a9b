import type { AuditEntry } from '@aitbc/protocol';
import type { WriteContext } from '../store/operation.ts';

/** Who acts, and from where. */
export interface Actor {
  source: AuditEntry['source'];
  keyId: string | null;
  account: string | null;
  /** The address of the request, or USER@HOST of the command. */
  origin: string | null;
  requestId: string | null;
}

/** The coordinator itself, where a rule decides. */
export const COORDINATOR_ITSELF: Actor = {
  source: 'coordinator',
  keyId: null,
  account: null,
  origin: null,
  requestId: null,
};

export interface AuditedAction {
  actor: Actor;
  action: AuditAction;
  target: string;
  /** What was set or changed. It must not contain secrets. */
  details?: object;
}

export type AuditAction =
  | 'key.create'
  | 'key.change'
  | 'key.rotate'
  | 'key.revoke'
  | 'invitation.create'
  | 'invitation.revoke'
  | 'invitation.redeem'
  | 'credits.grant'
  | 'payout.create'
  | 'payout.confirm'
  | 'payout.dispute'
  | 'payout.withdraw'
  | 'notice.create'
  | 'notice.delete'
  | 'miner.suspend'
  | 'miner.reinstate'
  | 'miner.drain'
  | 'miner.resume'
  | 'miner.remove';

/** Appends actions to the audit log, in the transaction of the actions. */
export async function recordActions(
  actions: readonly AuditedAction[],
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<void> {
  const rows = actions.map(({ actor, action, target, details = {} }) => ({
    at: now,
    action,
    target,
    source: actor.source,
    key_id: actor.keyId,
    account: actor.account,
    origin: actor.origin,
    request_id: actor.requestId,
    details: JSON.stringify(details),
  }));
  await tx.insert('audit_log', rows);
}

/** Returns the fields whose values differ, as `before` and `after`. */
export function changedFields<T extends object>(
  before: T,
  after: T,
): { before: Partial<T>; after: Partial<T> } {
  const names = (Object.keys(after) as (keyof T)[]).filter(
    name => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  const pick = (row: T) => Object.fromEntries(names.map(name => [name, row[name]])) as Partial<T>;
  return { before: pick(before), after: pick(after) };
}
