import { type Static, Type } from 'typebox';
import { Address, CLOSED, Cursor, Model, Nullable, PageQuery, Timestamp } from './common.ts';
import { LIMITS } from './limits.ts';
import { stated } from './stated.ts';

/** What a key may do. `keys`: manage the API keys of its account. `admin`: everything, for all accounts. */
export const SCOPES = ['client', 'miner', 'verifier', 'metrics', 'keys', 'admin'] as const;

export const Scope = Type.Enum([...SCOPES], {
  type: 'string',
  description:
    'client: submit jobs; miner: run jobs; verifier: read the answers of all miners again, for the operator’s own verifiers; keys: manage the API keys of its account; admin: everything, for all accounts.',
});
export type Scope = Static<typeof Scope>;

const Scopes = Type.Array(Scope, { minItems: 1, maxItems: SCOPES.length, uniqueItems: true });

const Tier = Type.String({
  ...stated({ pattern: '^[A-Za-z0-9_.-]{1,64}$' }),
  minLength: 1,
  maxLength: 64,
  description: 'The tier of limits, as the operator has configured it. Null is the default tier.',
});

const AllowedModels = Type.Array(Model, {
  minItems: 1,
  maxItems: LIMITS.allowedModels,
  uniqueItems: true,
  description: 'The only models that the key may use. Null allows all models.',
});

const credits = (description: string) =>
  Type.Number({
    minimum: 0,
    maximum: LIMITS.price,
    ...stated({ multipleOf: 0.000001 }),
    description,
    examples: [25],
  });

const TOTAL = 'Credits that the key may spend in all.';
const DAY = 'Credits that the key may spend per UTC day.';
const MONTH = 'Credits that the key may spend per UTC month.';

/** Limits of what the jobs of a key may cost. */
export const NewBudget = Type.Object(
  {
    total: Type.Optional(Nullable(credits(TOTAL))),
    day: Type.Optional(Nullable(credits(DAY))),
    month: Type.Optional(Nullable(credits(MONTH))),
  },
  {
    ...CLOSED,
    description:
      'Spend limits in credits, at most 6 decimals. A limit that is absent or null does not apply.',
  },
);
export type NewBudget = Static<typeof NewBudget>;

/** The spend limits of a key, and what has been used of them. */
export const Budget = Type.Object(
  {
    total: Nullable(Type.Number({ description: TOTAL })),
    day: Nullable(Type.Number({ description: DAY })),
    month: Nullable(Type.Number({ description: MONTH })),
    spent: Type.Object(
      { total: Type.Number(), day: Type.Number(), month: Type.Number() },
      { description: 'Credits that ended jobs have cost since the key has a budget, today and this month.' },
    ),
    reserved: Type.Number({ description: 'Credits that unfinished jobs may still cost.' }),
  },
  { description: 'Spend limits in credits, with what has been used of them.' },
);
export type Budget = Static<typeof Budget>;

const KeyName = Type.String({
  minLength: 1,
  maxLength: LIMITS.keyNameLength,
  pattern: '^[^\\x00-\\x1f\\x7f]+$',
  description: 'Shown in lists.',
  examples: ['the web shop'],
});

const keySettings = {
  scopes: Scopes,
  tier: Nullable(Tier),
  max_priority: Type.Integer({
    minimum: LIMITS.priority.min,
    maximum: LIMITS.priority.max,
    description: 'The highest priority that jobs of the key may have.',
  }),
  allowed_models: Nullable(AllowedModels),
  expires_at: Nullable(Timestamp),
};

/** A request for a key. What is absent is as in the key that makes the request. */
export const NewApiKey = Type.Object(
  {
    name: Type.Optional(Nullable(KeyName)),
    scopes: Scopes,
    tier: Type.Optional(keySettings.tier),
    max_priority: Type.Optional(keySettings.max_priority),
    allowed_models: Type.Optional(keySettings.allowed_models),
    budget: Type.Optional(Nullable(NewBudget)),
    expires_at: Type.Optional(keySettings.expires_at),
    account: Type.Optional(
      Address(
        'The account that the key acts for, for administrators. Without it, administrators get a key for a new account, and others one for their own.',
      ),
    ),
  },
  { ...CLOSED, $id: 'NewApiKey' },
);
export type NewApiKey = Static<typeof NewApiKey>;

/** A change of a key. What is absent stays as it is. */
export const ApiKeyChange = Type.Object(
  {
    name: Type.Optional(Nullable(KeyName)),
    scopes: Type.Optional(Scopes),
    tier: Type.Optional(keySettings.tier),
    max_priority: Type.Optional(keySettings.max_priority),
    allowed_models: Type.Optional(keySettings.allowed_models),
    budget: Type.Optional(Nullable(NewBudget)),
    expires_at: Type.Optional(keySettings.expires_at),
  },
  { ...CLOSED, minProperties: 1, $id: 'ApiKeyChange' },
);
export type ApiKeyChange = Static<typeof ApiKeyChange>;

/** An API key, without its secret. */
export const ApiKey = Type.Object(
  {
    id: Type.String({ examples: ['key-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    name: Nullable(Type.String()),
    ...keySettings,
    scopes: Type.Array(Scope),
    tier: Nullable(Type.String({ description: 'The tier of limits. Null is the default tier.' })),
    max_priority: Nullable(
      Type.Integer({
        description: 'The highest priority of its jobs. Null for administrators, who have no limit.',
      }),
    ),
    budget: Nullable(Budget),
    account: Type.String({ description: 'The account that the key acts for.' }),
    created_at: Timestamp,
    created_by: Nullable(
      Type.String({ description: 'The id of the key that made this one. Null if the operator made it.' }),
    ),
    revoked_at: Nullable(Timestamp),
    old_secret_valid_until: Nullable(
      Type.String({ description: 'Until then, the secret from before the last rotation is valid too.' }),
    ),
  },
  { $id: 'ApiKey' },
);
export type ApiKey = Static<typeof ApiKey>;

/** A key with its secret, which no other answer shows. */
export const ApiKeyWithSecret = Type.Object(
  {
    ...ApiKey.properties,
    key: Type.String({ description: 'The secret. It is shown once and can not be read again.' }),
  },
  { $id: 'ApiKeyWithSecret' },
);
export type ApiKeyWithSecret = Static<typeof ApiKeyWithSecret>;

export const RotateApiKey = Type.Object(
  {
    old_valid_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: LIMITS.oldSecretSeconds,
        default: 0,
        description: 'How long the old secret stays valid.',
        examples: [3600],
      }),
    ),
  },
  CLOSED,
);
export type RotateApiKey = Static<typeof RotateApiKey>;

/** The cursor of a list whose items have ids. */
const ID_CURSOR = '^[a-z]+-[0-9a-z]{1,40}$';

export const ListApiKeys = Type.Object(
  {
    ...PageQuery.properties,
    cursor: Type.Optional(Cursor(ID_CURSOR)),
    account: Type.Optional(
      Address('Only keys of this account. Only administrators see other accounts than their own.'),
    ),
  },
  CLOSED,
);
export type ListApiKeys = Static<typeof ListApiKeys>;
