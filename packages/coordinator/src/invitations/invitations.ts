import { createHmac } from 'node:crypto';
import type {
  ApiKeyWithSecret,
  Invitation,
  InvitationWithToken,
  NewInvitation,
  RedeemInvitation,
} from '@aitbc/protocol';
import { type ApiKeyService, spendLimitsIn } from '../accounts/api-keys.ts';
import { newAddress, newKeySecret } from '../accounts/create-key.ts';
import { digestOf, KEY_PREFIX, type Principal } from '../accounts/keys.ts';
import { type Repeats, type Replayable, requireCurrentSecret } from '../accounts/repeats.ts';
import type { Actor } from '../audit/record-actions.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import type { Allowance } from '../limits/allowances.ts';
import { type ListPage, nextPlace } from '../list-page.ts';
import { networkOf } from '../networks.ts';
import { unwrap } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import {
  createInvitation,
  type InvitedSettings,
  invitationNotFound,
  redeemInvitation,
  revokeInvitation,
} from './operations.ts';
import { findInvitation, listInvitations } from './queries.ts';

/** Methods throw RequestError. */
export interface InvitationService {
  /** A repeated request with the same idempotency key returns the first invitation with its token. */
  create(
    principal: Principal,
    actor: Actor,
    request: NewInvitation,
    idempotencyKey: string | undefined,
  ): Promise<Replayable<InvitationWithToken>>;
  list(page: { limit: number; before: string | undefined }): Promise<ListPage<Invitation>>;
  get(id: string): Promise<Invitation>;
  revoke(actor: Actor, id: string): Promise<Invitation>;
  /** Makes an account and a key. A repeated request with the same nonce returns the same key. */
  redeem(request: RedeemInvitation, from: { ip: string; requestId: string }): Promise<ApiKeyWithSecret>;
}

export interface InvitationsOptions {
  store: Store;
  ids: Ids;
  now: () => number;
  tiers: readonly string[];
  apiKeys: Pick<ApiKeyService, 'find'>;
  repeats: Repeats;
  /** How many requests to join an address may make per minute. */
  joins: Allowance;
}

export const TOKEN_PREFIX = 'invite_';
const WEEK_SECONDS = 7 * 24 * 3600;

export function createInvitations({
  store,
  ids,
  now,
  tiers,
  apiKeys,
  repeats,
  joins,
}: InvitationsOptions): InvitationService {
  const find = async (id: string) => (await findInvitation(store.read, id)) ?? unwrap(invitationNotFound);

  return {
    async create({ accountId }, actor, request, idempotencyKey) {
      const { uses = 1, valid_seconds = WEEK_SECONDS, key_valid_seconds = null } = request;
      const settings = settingsIn(request);
      if (settings.tier !== null && !tiers.includes(settings.tier))
        fail('VALIDATION_OUT_OF_RANGE', `tier must be one of ${tiers.join(', ')}, or null`, {
          field: 'tier',
        });
      const repeat = repeats(accountId, ['createInvitation', request], idempotencyKey);
      const tokenOf = (id: string) => `${TOKEN_PREFIX}${repeat.secretOf(id)}`;
      const id = ids.next('invite');
      const token = tokenOf(id);
      const row = {
        ...{ id, token_hash: digestOf(token), settings: JSON.stringify(settings) },
        key_valid_ms: key_valid_seconds === null ? null : key_valid_seconds * 1000,
        ...{ max_uses: uses, uses: 0, created_by: actor.keyId, revoked_at: null },
        ...{ created_at: now(), expires_at: now() + valid_seconds * 1000 },
      };
      const { repeatable } = repeat;
      const made = unwrap(await store.write(createInvitation, { row, actor, repeatable }));
      if (!made.replayed) return { answer: { ...toInvitation(row), token }, replayed: false };
      const first = await find(made.id);
      const firstToken = tokenOf(made.id);
      requireCurrentSecret(first.token_hash === digestOf(firstToken));
      return { answer: { ...toInvitation(first), token: firstToken }, replayed: true };
    },

    async list({ limit, before }) {
      const rows = await listInvitations(store.read, before, limit);
      return {
        items: rows.map(toInvitation),
        next: nextPlace(rows, limit, row => row.id),
      };
    },

    get: async id => toInvitation(await find(id)),

    async revoke(actor, id) {
      unwrap(await store.write(revokeInvitation, { id, actor }));
      return toInvitation(await find(id));
    },

    async redeem({ token, nonce }, { ip, requestId }) {
      const waitMs = await joins.take(networkOf(ip) ?? 'this machine', 1);
      if (waitMs > 0)
        fail('RATE_LIMIT_EXCEEDED', 'Too many requests to join from your network: try again later', {
          retryAfter: Math.ceil(waitMs / 1000),
        });
      const key = nonce === undefined ? newKeySecret() : secretFor(token, nonce);
      const keyId = ids.next('key');
      const id = unwrap(
        await store.write(redeemInvitation, {
          ...{ tokenHash: digestOf(token), keyId, keyHash: digestOf(key), address: newAddress(keyId) },
          actor: { source: 'api', keyId: null, account: null, origin: ip, requestId },
        }),
      );
      return { ...(await apiKeys.find(id)), key };
    },
  };
}

/**
 * Returns the secret of the key for a request to join. It follows from the token and from the nonce, which only this
 * caller knows, so a repeated request gets the same one, and it is stored nowhere.
 */
function secretFor(token: string, nonce: string): string {
  return `${KEY_PREFIX}${createHmac('sha256', nonce).update(token).digest('base64url')}`;
}

const settingsIn = (request: NewInvitation): InvitedSettings => ({
  name: request.name ?? null,
  scopes: request.scopes ?? ['client'],
  tier: request.tier ?? null,
  maxPriority: request.max_priority ?? 0,
  allowedModels: request.allowed_models ?? null,
  budget: spendLimitsIn(request.budget ?? null),
});

const credits = (micro: number | null) => (micro === null ? null : micro / 1e6);

function toInvitation(row: Row<'invitation'>): Invitation {
  const { name, scopes, tier, maxPriority, allowedModels, budget }: InvitedSettings = JSON.parse(
    row.settings,
  );
  return {
    ...{ id: row.id, name, scopes: [...scopes], tier, max_priority: maxPriority },
    allowed_models: allowedModels && [...allowedModels],
    budget: budget && {
      total: credits(budget.total),
      day: credits(budget.day),
      month: credits(budget.month),
    },
    key_valid_seconds: row.key_valid_ms === null ? null : row.key_valid_ms / 1000,
    ...{ uses: row.max_uses, used: row.uses, created_by: row.created_by },
    created_at: new Date(row.created_at).toISOString(),
    expires_at: new Date(row.expires_at).toISOString(),
    revoked_at: row.revoked_at === null ? null : new Date(row.revoked_at).toISOString(),
  };
}
