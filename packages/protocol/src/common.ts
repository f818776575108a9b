import { type Static, type TSchema, Type } from 'typebox';
import { LIMITS, MINER_ID_PATTERN, MODEL_PATTERN, REGION_PATTERN } from './limits.ts';
import { ADDRESS_PATTERN, stated } from './stated.ts';

/** For requests. An unknown field is an error, since a mistyped field would otherwise be ignored silently. */
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
  description: 'The name of a model, as miners register it.',
  examples: ['llama3.2'],
});

export const MinerId = Type.String({
  minLength: 1,
  maxLength: LIMITS.minerIdLength,
  pattern: MINER_ID_PATTERN,
  description: 'The miner chooses it. It is unique on this coordinator.',
  examples: ['my-miner-001'],
});

export const MinerEpoch = Type.Integer({
  minimum: 0,
  maximum: LIMITS.epoch,
  description:
    'The `epoch` from the answer to the registration of this process. A process that another one has replaced gets MINER_SUPERSEDED. Without it the coordinator can not tell processes apart.',
});

/** The query of requests about a miner that have no body. */
export const MinerProcess = Type.Object({ epoch: Type.Optional(MinerEpoch) }, CLOSED);
export type MinerProcess = Static<typeof MinerProcess>;

export const Region = Type.String({ pattern: REGION_PATTERN, examples: ['eu-west'] });

/** Any JSON object. It is stored and returned unchanged. */
export const Metadata = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  additionalProperties: true,
  propertyNames: { maxLength: 128 },
  maxProperties: LIMITS.metadataKeys,
  description: 'Your own data. It is kept with the job, and nobody else sees it.',
});

/** Bounds of a wait in a request, in seconds. Coordinators shorten a wait to what they allow. */
export const WAIT = { minimum: 0, maximum: LIMITS.waitSeconds };

export const IdempotencyKey = Type.String({
  minLength: 1,
  maxLength: LIMITS.idempotencyKeyLength,
  description:
    'Repeating a request with the same key and body returns the result of the first request and creates nothing.',
});

export const Traceparent = Type.String({
  description:
    'The caller’s place in a trace (W3C Trace Context). Invalid values are ignored. The miner gets its own place in that trace.',
});

/** An address in a request. Code checks its form, so that the error says what is wrong with it. */
export const Address = (description: string) =>
  Type.String({
    maxLength: 90,
    description,
    ...stated({ pattern: ADDRESS_PATTERN, format: 'bech32m' }),
  });

/** Where a page starts. Each kind of list has its own form of cursor. */
export const Cursor = (pattern: string) =>
  Type.String({
    maxLength: 64,
    pattern,
    description: 'Where the page starts, from the `Link` header of the page before.',
  });

/** Cursors of pages whose items have numbers. Ledgers from before a restore have numbers below 0. */
const PLACE_PATTERN = '^-?[0-9]{1,15}$';

export const PageQuery = Type.Object(
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
export type PageQuery = Static<typeof PageQuery>;

/** An Ed25519 signature. `key_id` is the raw public key; both are in unpadded base64url. */
export const Signature = Type.Object({
  alg: Type.Literal('Ed25519'),
  key_id: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  sig: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
});
export type Signature = Static<typeof Signature>;
