import { type Static, Type } from 'typebox';
import { NewApiKey } from './api-keys.ts';
import { CLOSED, Cursor, Nullable, PageQuery, Timestamp } from './common.ts';
import { LIMITS } from './limits.ts';

const { name, tier, max_priority, allowed_models, budget } = NewApiKey.properties;

/** What the keys of an invitation may do, and how long they are valid. */
const KeyOfInvitation = {
  name,
  scopes: Type.Optional({ ...NewApiKey.properties.scopes, default: ['client'] }),
  tier,
  max_priority,
  allowed_models,
  budget,
  key_valid_seconds: Type.Optional(
    Nullable(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.keyValidSeconds,
        description: 'How long each key is valid from the time when somebody joins. Null for ever.',
      }),
    ),
  ),
};

/** A request for an invitation: what each key that comes of it may do. */
export const NewInvitation = Type.Object(
  {
    ...KeyOfInvitation,
    uses: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.invitationUses,
        default: 1,
        description: 'How many may join. Each gets an account and a key.',
      }),
    ),
    valid_seconds: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: LIMITS.invitationSeconds,
        default: 7 * 24 * 3600,
        description: 'How long the invitation is valid.',
      }),
    ),
  },
  { ...CLOSED, $id: 'NewInvitation' },
);
export type NewInvitation = Static<typeof NewInvitation>;

/** An invitation, without its token. */
export const Invitation = Type.Object(
  {
    id: Type.String({ examples: ['invite-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    name: Nullable(Type.String()),
    scopes: NewApiKey.properties.scopes,
    tier: Nullable(Type.String()),
    max_priority: Type.Integer(),
    allowed_models: Nullable(Type.Array(Type.String())),
    budget: Nullable(
      Type.Object({
        total: Nullable(Type.Number()),
        day: Nullable(Type.Number()),
        month: Nullable(Type.Number()),
      }),
    ),
    key_valid_seconds: Nullable(Type.Integer()),
    uses: Type.Integer({ description: 'How many may join.' }),
    used: Type.Integer({ description: 'How many have joined.' }),
    created_at: Timestamp,
    created_by: Nullable(Type.String({ description: 'The id of the key that made it.' })),
    expires_at: Timestamp,
    revoked_at: Nullable(Timestamp),
  },
  { $id: 'Invitation' },
);
export type Invitation = Static<typeof Invitation>;

export const InvitationWithToken = Type.Object(
  {
    ...Invitation.properties,
    token: Type.String({
      description:
        'Whoever has it can join. It is shown once. As a link it is the coordinator’s URL with `/join#TOKEN`.',
    }),
  },
  { $id: 'InvitationWithToken' },
);
export type InvitationWithToken = Static<typeof InvitationWithToken>;

/** A request to join. */
export const RedeemInvitation = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 128, description: 'The token of the invitation.' }),
    nonce: Type.Optional(
      Type.String({
        minLength: 32,
        maxLength: 128,
        pattern: '^[A-Za-z0-9_-]+$',
        description:
          'A secret random text of yours, such as 32 bytes in hex. Repeating a request with the same nonce answers the same key, and nobody else gets it. Without it, a repeated request counts as another person.',
      }),
    ),
  },
  { ...CLOSED, $id: 'RedeemInvitation' },
);
export type RedeemInvitation = Static<typeof RedeemInvitation>;

export const ListInvitations = Type.Object(
  { ...PageQuery.properties, cursor: Type.Optional(Cursor('^[a-z]+-[0-9a-z]{1,40}$')) },
  CLOSED,
);
export type ListInvitations = Static<typeof ListInvitations>;
