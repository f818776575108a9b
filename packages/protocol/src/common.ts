import { type Static, type TSchema, Type } from 'typebox';
import { LIMITS, MINER_ID_PATTERN, MODEL_PATTERN, REGION_PATTERN } from './limits.ts';
import { ADDRESS_PATTERN, stated } from './stated.ts';

/** Of requests: a field that is not known is refused, so that a mistyped one is not taken for none. */
export const CLOSED = { additionalProperties: false } as const;

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const Timestamp = Type.String({
  format: 'date-time',
  description: 'RFC 3339 in UTC with milliseconds.',
  examples: ['2026-01-24T15:00:00.000Z'],
});

export const Model = Type.String({
  minLength: 1,
  maxLength: LIMITS.modelLength,
  pattern: MODEL_PATTERN,
  description: 'A model by the name that miners register it under.',
  examples: ['llama3.2'],
});

export const MinerId = Type.String({
  minLength: 1,
  maxLength: LIMITS.minerIdLength,
  pattern: MINER_ID_PATTERN,
  description: 'Chosen by the miner, unique on this coordinator.',
  examples: ['my-miner-001'],
});

export const MinerEpoch = Type.Integer({
  minimum: 0,
  maximum: LIMITS.epoch,
  description:
    'What the registration of this process answered. One that another process has replaced gets MINER_SUPERSEDED; without it nobody is told apart.',
});

/** The query of requests about a miner that have no body. */
export const MinerProcess = Type.Object({ epoch: Type.Optional(MinerEpoch) }, CLOSED);
export type MinerProcess = Static<typeof MinerProcess>;

export const Region = Type.String({ pattern: REGION_PATTERN, examples: ['eu-west'] });

/** Anything JSON, for what passes through untouched. */
export const Metadata = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  additionalProperties: true,
  propertyNames: { maxLength: 128 },
  maxProperties: LIMITS.metadataKeys,
  description: 'Yours: kept with the job, shown to nobody else.',
});

/** Of waits in requests. Coordinators shorten them to what they grant. */
export const WAIT = { minimum: 0, maximum: LIMITS.waitSeconds };

/** Of requests that make something. */
export const IdempotencyKey = Type.String({
  minLength: 1,
  maxLength: LIMITS.idempotencyKeyLength,
  description:
    'Repeating a request with the same key and body answers what the first one made, and makes no other.',
});

/** An address in a request. That it must have the form is said by its checker, which names what is wrong. */
export const Address = (description: string) =>
  Type.String({
    maxLength: 90,
    description,
    ...stated({ pattern: ADDRESS_PATTERN, format: 'bech32m' }),
  });

/** Where a page starts. Each kind of list has cursors of its own. */
export const Cursor = (pattern: string) =>
  Type.String({
    maxLength: 64,
    pattern,
    description: 'Where the page starts: taken from the `Link` header of the page before.',
  });

/** Of pages whose items have a number: below 0 in the ledgers before a restore. */
const PLACE_PATTERN = '^-?[0-9]{1,15}$';

export const Page = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.pageSize,
        default: LIMITS.defaultPageSize,
        description: 'Items on a page.',
      }),
    ),
    cursor: Type.Optional(Cursor(PLACE_PATTERN)),
  },
  CLOSED,
);
export type Page = Static<typeof Page>;

/** An Ed25519 signature: `key_id` is the raw public key, both in unpadded base64url. */
export const Signature = Type.Object({
  alg: Type.Literal('Ed25519'),
  key_id: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  sig: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
});
export type Signature = Static<typeof Signature>;
