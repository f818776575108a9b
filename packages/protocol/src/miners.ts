import { type Static, Type } from 'typebox';
import {
  Address,
  CLOSED,
  Cursor,
  MinerEpoch,
  MinerId,
  Model,
  Nullable,
  Page,
  Region,
  Signature,
  Timestamp,
  WAIT,
} from './common.ts';
import { JobStatus, MinerJob } from './jobs.ts';
import { LIMITS, MINER_ID_PATTERN } from './limits.ts';
import { OPTIONAL_BODY, stated } from './stated.ts';

export const GpuInfo = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 128, examples: ['NVIDIA RTX 4090'] })),
    memory: Type.Optional(
      Type.String({
        maxLength: 32,
        pattern: '^\\s*[0-9]+(\\.[0-9]+)?\\s*([GgMmTt]i?[Bb]?)?\\s*$',
        description: 'GB when no unit is given.',
        examples: ['24GB', '24576 MiB'],
      }),
    ),
  },
  {
    additionalProperties: true,
    maxProperties: 64,
    description: `As JSON ${LIMITS.gpuInfoBytes} bytes at most. Lists of miners have name and memory of it.`,
  },
);
export type GpuInfo = Static<typeof GpuInfo>;

/** What a model can do at a miner. What is absent is not known, and counts as able. */
export const ModelAbilities = Type.Object({
  context_length: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMITS.tokens,
      description: 'Tokens of prompt and answer together.',
    }),
  ),
  text: Type.Optional(Type.Boolean({ description: 'It writes texts.' })),
  embeddings: Type.Optional(Type.Boolean({ description: 'It embeds texts.' })),
  tools: Type.Optional(Type.Boolean({ description: 'It calls tools.' })),
  images: Type.Optional(Type.Boolean({ description: 'It sees images.' })),
  json_schema: Type.Optional(Type.Boolean({ description: 'Its answers can be held to a JSON schema.' })),
});
export type ModelAbilities = Static<typeof ModelAbilities>;

export const RegisterMiner = Type.Object(
  {
    miner_id: MinerId,
    capabilities: Type.Array(Model, {
      minItems: 1,
      maxItems: LIMITS.capabilities,
      description: 'The models it can run.',
    }),
    models: Type.Optional(
      Type.Array(Type.Object({ model: Model, ...ModelAbilities.properties }, CLOSED), {
        maxItems: LIMITS.capabilities,
        description: 'What its models can do there, as far as its engine tells.',
      }),
    ),
    gpu_info: Type.Optional(GpuInfo),
    region: Type.Optional(Region),
    concurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.claimMax,
        description: 'Jobs it runs at once: no more are leased to it.',
      }),
    ),
    address: Type.Optional(Address('ait1…: where its earnings go.')),
    public_key: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]{43}$',
        ...stated({ format: 'ed25519-public-key' }),
        description: 'Raw Ed25519 public key, unpadded base64url: its results must then be signed with it.',
      }),
    ),
    session: Type.Optional(
      Type.String({
        minLength: 16,
        maxLength: LIMITS.sessionLength,
        pattern: '^[A-Za-z0-9_-]+$',
        description:
          'Random, the same in all registrations of one process, and told to nobody else: by it a process changes what it registered and keeps its epoch.',
      }),
    ),
    epoch: Type.Optional({
      ...MinerEpoch,
      description: 'What the registration before answered, where this process has registered before.',
    }),
    proof: Type.Optional({
      ...Signature,
      description:
        'By the key that is registered for this id so far, or at first by the `public_key` itself: over the canonical JSON (RFC 8785) of an object with the `address`, `miner_id`, `public_key` and `session` of this request, null where it has none.',
    }),
  },
  CLOSED,
);
export type RegisterMiner = Static<typeof RegisterMiner>;

export const MINER_STATUSES = ['online', 'draining', 'offline'] as const;
export const MinerStatus = Type.Enum([...MINER_STATUSES], { type: 'string' });
export type MinerStatus = Static<typeof MinerStatus>;

/** A model that a miner offers, and how it runs there: averages over its jobs, null before there is one to measure. */
export const MinerModel = Type.Object({
  model: Type.String(),
  loaded: Nullable(
    Type.Boolean({ description: 'In memory, as its last heartbeat said; null where it does not say.' }),
  ),
  time_to_first_token_ms: Nullable(Type.Number({ description: 'From the claim, of jobs that stream.' })),
  tokens_per_second: Nullable(Type.Number({ description: 'Of the answer, over the whole run.' })),
  ...ModelAbilities.properties,
});
export type MinerModel = Static<typeof MinerModel>;

const Decayed = (description: string) => Type.Number({ minimum: 0, description });

/** How far a miner can be relied on. Counts become less with time: see the operator's half-life. */
export const Reputation = Type.Object(
  {
    score: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Share of the runs of its owner’s miners that ended with a result. 0.9 to begin with.',
    }),
    successes: Decayed('Runs that ended with a result.'),
    failures: Decayed('Runs that it reported failed, and that another try could mend.'),
    timeouts: Decayed('Runs that it did not end in time, or was not heard of in.'),
    agreements: Decayed("Results that were what most of other owners' miners got."),
    disagreements: Decayed('Results that were not.'),
    suspended_at: Nullable({
      ...Timestamp,
      description: 'Since when its owner gets no jobs for its score: for a while, then it is on probation.',
    }),
  },
  { $id: 'Reputation' },
);
export type Reputation = Static<typeof Reputation>;

export const Miner = Type.Object(
  {
    miner_id: Type.String(),
    status: MinerStatus,
    capabilities: Type.Array(Type.String()),
    models: Type.Array(MinerModel),
    gpu_info: Nullable(GpuInfo),
    vram_gb: Nullable(Type.Number()),
    region: Nullable(Type.String()),
    concurrency: Nullable(Type.Integer()),
    address: Type.String(),
    public_key: Nullable(Type.String()),
    epoch: Type.Integer({ minimum: 0, description: 'Grows each time another process takes the id over.' }),
    running: Type.Integer({ description: 'Jobs it holds now.' }),
    completed: Type.Integer(),
    failed: Type.Integer({ description: 'Jobs that it reported failed or whose lease ran out.' }),
    reputation: Reputation,
    registered_at: Timestamp,
    last_seen_at: Timestamp,
    heartbeat_seconds: Type.Integer({ description: 'How often to send a heartbeat.' }),
  },
  { $id: 'Miner' },
);
export type Miner = Static<typeof Miner>;

/** Pending jobs of one kind, and why this miner is not given them (null: it can run them). */
export const Workload = Type.Object({
  model: Type.String(),
  pending: Type.Integer({ minimum: 1 }),
  reason: Nullable(Type.String()),
});
export type Workload = Static<typeof Workload>;

export const MinerDetail = Type.Object(
  {
    ...Miner.properties,
    workload: Type.Object({
      runnable: Type.Array(Workload),
      blocked: Type.Array(Workload),
      reason: Nullable(Type.String({ description: 'Why it gets nothing just now, whatever is pending.' })),
    }),
  },
  { $id: 'MinerDetail' },
);
export type MinerDetail = Static<typeof MinerDetail>;

export const ListMiners = Type.Object(
  {
    ...Page.properties,
    cursor: Type.Optional(Cursor(MINER_ID_PATTERN)),
    status: Type.Optional(MinerStatus),
  },
  CLOSED,
);
export type ListMiners = Static<typeof ListMiners>;

export const Heartbeat = Type.Object(
  {
    epoch: Type.Optional(MinerEpoch),
    jobs: Type.Optional(
      Type.Array(Type.String(), {
        maxItems: LIMITS.claimMax,
        description: 'The jobs the miner believes it holds.',
      }),
    ),
    wait: Type.Optional(
      Type.Number({
        ...WAIT,
        description: 'Seconds to wait for a job to stop: the answer comes as soon as there is one.',
      }),
    ),
    loaded: Type.Optional(
      Type.Array(Model, {
        maxItems: LIMITS.capabilities,
        description: 'The models that its engine has in memory: it is given jobs for them first.',
      }),
    ),
  },
  { ...CLOSED, ...OPTIONAL_BODY },
);
export type Heartbeat = Static<typeof Heartbeat>;

export const HeartbeatAnswer = Type.Object({
  miner_id: Type.String(),
  status: MinerStatus,
  suspended: Type.Boolean({
    description: 'Its owner’s reputation fell below what is demanded here: no new jobs for a while.',
  }),
  heartbeat_seconds: Type.Integer(),
  jobs: Type.Array(Type.Object({ job_id: Type.String(), lease_expires_at: Timestamp, deadline: Timestamp }), {
    description: 'What it holds, leases extended.',
  }),
  stop: Type.Array(Type.Object({ job_id: Type.String(), status: Nullable(JobStatus) }), {
    description: 'Jobs of the request that it no longer holds: cancelled, or given to another.',
  }),
});
export type HeartbeatAnswer = Static<typeof HeartbeatAnswer>;

export const ClaimJobs = Type.Object(
  {
    epoch: Type.Optional(MinerEpoch),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.claimMax, default: 1 })),
    wait: Type.Optional(
      Type.Number({ ...WAIT, default: 0, description: 'Seconds to wait for the first job.' }),
    ),
  },
  { ...CLOSED, ...OPTIONAL_BODY },
);
export type ClaimJobs = Static<typeof ClaimJobs>;

export const ClaimedJobs = Type.Object({ jobs: Type.Array(MinerJob) });
export type ClaimedJobs = Static<typeof ClaimedJobs>;
