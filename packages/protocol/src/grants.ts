import { type Static, Type } from 'typebox';
import { Address, CLOSED, Nullable, PageQuery, Signature } from './common.ts';
import { LIMITS } from './limits.ts';
import { Inclusion } from './receipts.ts';
import { stated } from './stated.ts';
import { GRANT_VERSION } from './versions.ts';

/**
 * A signed grant of credits to an address. The signature covers the canonical JSON (RFC 8785) of all other
 * fields.
 */
export const Grant = Type.Object(
  {
    type: Type.Literal('grant'),
    version: Type.Literal(GRANT_VERSION),
    grant_id: Type.String({ examples: ['grant-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    to: Type.String({ description: 'The address that receives the credits.' }),
    amount: Type.Number({
      exclusiveMinimum: 0,
      maximum: LIMITS.price,
      description: 'Credits, at most 6 decimals.',
    }),
    coordinator_id: Type.String(),
    created_at: Type.Integer({ description: 'Unix seconds.' }),
    nonce: Type.String(),
    metadata: Type.Object(
      { reason: Type.Optional(Type.String({ description: 'What the credits are for.' })) },
      { additionalProperties: true },
    ),
    signature: Signature,
  },
  { $id: 'Grant' },
);
export type Grant = Static<typeof Grant>;
export type UnsignedGrant = Omit<Grant, 'signature'>;

/** A grant with its place in the ledger, which its signature does not cover. */
export const PublishedGrant = Type.Object(
  {
    ...Grant.properties,
    inclusion: Nullable(Inclusion),
  },
  { $id: 'PublishedGrant', description: '`inclusion` is null until the ledger has the grant.' },
);
export type PublishedGrant = Static<typeof PublishedGrant>;

/** An administrator's request for a grant. */
export const NewGrant = Type.Object(
  {
    to: Address('The address that receives the credits: `ait1…`. It may be new to the coordinator.'),
    amount: Type.Number({
      exclusiveMinimum: 0,
      maximum: LIMITS.price,
      ...stated({ multipleOf: 0.000001 }),
      description: 'Credits, at most 6 decimals.',
      examples: [100],
    }),
    reason: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: LIMITS.grantReasonLength,
        pattern: '^[\\x20-\\x7e]+$',
        description: 'What the credits are for, in ASCII. It is public, like the whole grant.',
      }),
    ),
  },
  { ...CLOSED, $id: 'NewGrant' },
);
export type NewGrant = Static<typeof NewGrant>;

export const ListGrants = PageQuery;
export type ListGrants = Static<typeof ListGrants>;
