import { type Static, Type } from 'typebox';
import { Signature } from './common.ts';
import { LIMITS } from './limits.ts';

export const GRANT_VERSION = '1.0';

/** A signed grant of credits to an address. The signature covers the canonical JSON (RFC 8785) of everything but `signature`. */
export const Grant = Type.Object(
  {
    type: Type.Literal('grant'),
    version: Type.Literal(GRANT_VERSION),
    grant_id: Type.String({ examples: ['grant-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    to: Type.String({ description: 'Address that has the credits from then on.' }),
    amount: Type.Number({
      exclusiveMinimum: 0,
      maximum: LIMITS.price,
      description: 'Credits, at most 6 decimals.',
    }),
    coordinator_id: Type.String(),
    created_at: Type.Integer({ description: 'Unix seconds.' }),
    nonce: Type.String(),
    metadata: Type.Object(
      { reason: Type.Optional(Type.String({ description: 'What for.' })) },
      { additionalProperties: true },
    ),
    signature: Signature,
  },
  { $id: 'Grant' },
);
export type Grant = Static<typeof Grant>;
export type UnsignedGrant = Omit<Grant, 'signature'>;
