import { type OnceInput, once } from '../accounts/idempotency.ts';
import { insertOne } from '../accounts/key-operations.ts';
import type { KeySettings } from '../accounts/keys.ts';
import { type Actor, recordActions } from '../audit/record-actions.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';

/** What the keys of an invitation may do. Their expiry follows from when somebody joins. */
export type InvitedSettings = Omit<KeySettings, 'expiresAt'>;

export interface CreateInvitationInput extends OnceInput {
  row: Row<'invitation'>;
  actor: Actor;
}

export const createInvitation = once<CreateInvitationInput>(
  {
    name: 'invitations.create',
    async apply(inputs, context) {
      await context.tx.insert(
        'invitation',
        inputs.map(({ row }) => row),
      );
      await recordActions(
        inputs.map(({ row, actor }) => ({
          ...{ actor, action: 'invitation.create' as const, target: row.id },
          details: { ...JSON.parse(row.settings), uses: row.max_uses, expires_at: row.expires_at },
        })),
        context,
      );
      return inputs.map(() => done(undefined));
    },
  },
  ({ row }) => row.id,
);

/** Revokes invitations. Keys that came of them stay. */
export const revokeInvitation: Operation<{ id: string; actor: Actor }, undefined> = {
  name: 'invitations.revoke',
  async apply(inputs, context) {
    const { tx, now } = context;
    const outcomes: Outcome<undefined>[] = [];
    for (const { id, actor } of inputs) {
      const [row] = await tx.load('invitation', 'id', [id]);
      if (row?.revoked_at !== null) {
        outcomes.push(invitationNotFound);
        continue;
      }
      await tx.update('invitation', [{ id, revoked_at: now }]);
      await recordActions([{ actor, action: 'invitation.revoke', target: id }], context);
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
};

export interface RedeemInput {
  tokenHash: string;
  /** The id, the hash of the secret and the address of the key that is made. */
  keyId: string;
  keyHash: string;
  address: string;
  actor: Actor;
}

/** Makes an account and a key, or finds the key that the same request has made before. Returns the id of the key. */
export const redeemInvitation: Operation<RedeemInput, string> = {
  name: 'invitations.redeem',
  async apply(inputs, context) {
    const outcomes: Outcome<string>[] = [];
    for (const input of inputs) outcomes.push(await redeem(input, context));
    return outcomes;
  },
};

async function redeem(
  { tokenHash, keyId, keyHash, address, actor }: RedeemInput,
  context: WriteContext,
): Promise<Outcome<string>> {
  const { tx, now } = context;
  const [row] = await tx.load('invitation', 'token_hash', [tokenHash]);
  if (!row) return invitationNotFound;
  const [made] = await tx.load('api_key', 'hash', [keyHash]);
  if (made) return done(made.id);
  if (row.revoked_at !== null) return ended('The invitation was revoked');
  if (row.expires_at <= now) return ended('The invitation has expired');
  if (row.uses >= row.max_uses) return ended('The invitation was used as often as it may be');
  const settings: InvitedSettings = JSON.parse(row.settings);
  const key = {
    ...{ id: keyId, hash: keyHash, address, parentIds: [], mostKeys: Infinity, actor },
    settings: { ...settings, expiresAt: row.key_valid_ms === null ? null : now + row.key_valid_ms },
  };
  const outcome = await insertOne(key, context);
  if (!outcome.ok) return outcome;
  await tx.update('invitation', [{ id: row.id, uses: row.uses + 1 }]);
  const details = { key_id: keyId, account: address };
  await recordActions([{ actor, action: 'invitation.redeem', target: row.id, details }], context);
  return done(keyId);
}

const ended = (detail: string) => failed('INVITATION_ENDED', detail);

export const invitationNotFound = failed('INVITATION_NOT_FOUND', 'There is no such invitation');
