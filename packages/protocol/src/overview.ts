import { type Static, Type } from 'typebox';
import { CLOSED, Nullable, PageQuery, Timestamp } from './common.ts';
import { Block, Transaction } from './explorer.ts';
import { LIMITS } from './limits.ts';
import { NetworkStats } from './network.ts';
import { ModelPassports } from './passports.ts';

const PerSecond = (description: string) => Type.Number({ minimum: 0, description });

/** What happened in the network from the point before until `time`. */
export const RatePoint = Type.Object(
  {
    time: Timestamp,
    submitted: PerSecond('Jobs submitted per second.'),
    completed: PerSecond('Jobs completed per second.'),
    failed: PerSecond('Jobs failed per second.'),
    cancelled: PerSecond('Jobs cancelled per second.'),
    tokens: PerSecond('Tokens of answers per second, counted when their jobs complete.'),
  },
  { $id: 'RatePoint' },
);
export type RatePoint = Static<typeof RatePoint>;

/** The jobs of a model that wait or run. */
export const ModelQueue = Type.Object(
  {
    model: Type.String(),
    pending: Type.Integer(),
    running: Type.Integer(),
    waiting_since: Nullable({
      ...Timestamp,
      description: 'When the job was submitted that is next. Null when no job is ready.',
    }),
    miners: Type.Integer({ description: 'Miners that take jobs now and offer the model.' }),
  },
  { $id: 'ModelQueue' },
);
export type ModelQueue = Static<typeof ModelQueue>;

export const MinerStates = Type.Object({
  taking_jobs: Type.Integer({ description: 'Online miners that get jobs.' }),
  slots: Type.Integer({ description: 'How many jobs these miners run at once.' }),
  not_taking_jobs: Type.Integer({ description: 'Miners that are draining or suspended.' }),
  offline: Type.Integer(),
});
export type MinerStates = Static<typeof MinerStates>;

/** Percentiles of the time to the first token in milliseconds: of the whole network accurate to about a fifth. */
export const FirstToken = Type.Object({
  p50: Type.Number(),
  p95: Type.Number(),
  p99: Type.Number(),
  count: Type.Integer({ description: 'How many streams were measured.' }),
});
export type FirstToken = Static<typeof FirstToken>;

/** The state of the network at a glance. All of it is read from counters and short pages. */
export const Overview = Type.Object(
  {
    stats: NetworkStats,
    miners: MinerStates,
    queues: Type.Array(ModelQueue, { description: 'The models with most waiting jobs first. At most 50.' }),
    time_to_first_token_ms: Nullable(FirstToken),
    rates: Type.Array(RatePoint, {
      description: 'The last five minutes, oldest first, by this coordinator’s process since it started.',
    }),
    transactions: Type.Array(Transaction, { description: 'The newest ones, newest first.' }),
    blocks: Type.Array(Block, { description: 'The newest ones, newest first.' }),
  },
  { $id: 'Overview' },
);
export type Overview = Static<typeof Overview>;

/** A model that live miners offer, for everybody to see. */
export const PublicModel = Type.Object(
  {
    model: Type.String(),
    miners: Type.Integer({ description: 'How many live miners offer the model.' }),
    loaded: Type.Integer({ description: 'How many of them have it in memory.' }),
    slots: Type.Integer({ description: 'How many jobs they run at once.' }),
    context_length: Nullable(Type.Integer({ description: 'The largest context at any miner, in tokens.' })),
    time_to_first_token_ms: Nullable(Type.Number()),
    first_token: Nullable(FirstToken),
    tokens_per_second: Nullable(Type.Number()),
    passports: ModelPassports,
    price_unit: Type.Enum(['gpu_second', 'token'], { type: 'string' }),
    price: Type.Number({ description: 'Credits per GPU second, or per 1000 tokens.' }),
  },
  {
    $id: 'PublicModel',
    description:
      '`time_to_first_token_ms` and `tokens_per_second` are averages over the miners. `first_token` is measured by this process, since it started, over the last 200 streams.',
  },
);
export type PublicModel = Static<typeof PublicModel>;

export const ListPublicModels = Type.Object(
  {
    ...PageQuery.properties,
    cursor: Type.Optional(
      Type.String({ maxLength: LIMITS.modelLength, description: 'Only models whose name comes after this.' }),
    ),
  },
  CLOSED,
);
export type ListPublicModels = Static<typeof ListPublicModels>;

const HOUR = 3_600;

export const FollowOverview = Type.Object(
  {
    seconds: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: HOUR,
        default: HOUR,
        description: 'How long the stream lasts. Then it ends, and clients open another one.',
      }),
    ),
  },
  CLOSED,
);
export type FollowOverview = Static<typeof FollowOverview>;

/** The events of the live stream of an overview, and what each one has. */
export const LIVE_EVENTS = {
  overview: 'The whole overview: the first event, and after a gap.',
  change:
    'The members that changed. `rates`, `transactions` and `blocks` have only what is new, to be added to the rest.',
} as const;

export type LiveEvent = { event: 'overview'; data: Overview } | { event: 'change'; data: Partial<Overview> };
