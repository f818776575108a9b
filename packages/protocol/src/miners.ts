import { type Static, Type } from 'typebox';
import {
  Address,
  CLOSED,
  Cursor,
  MinerEpoch,
  MinerId,
  Model,
  Nullable,
  PageQuery,
  Region,
  Signature,
  Timestamp,
  WAIT,
} from './common.ts';
import { JobStatus } from './jobs.ts';
import { LIMITS, MINER_ID_PATTERN } from './limits.ts';
import { Passport, PublicPassport } from './passports.ts';
import { OPTIONAL_BODY, stated } from './stated.ts';

export const GpuInfo = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 128, examples: ['NVIDIA RTX 4090'] })),
    memory: Type.Optional(
      Type.String({
        maxLength: 32,
        pattern: '^\\s*[0-9]+(\\.[0-9]+)?\\s*([GgMmTt]i?[Bb]?)?\\s*$',
        description: 'GPU memory, in GB when no unit is given.',
        examples: ['24GB', '24576 MiB'],
      }),
    ),
  },
  {
    additionalProperties: true,
    maxProperties: 64,
    description: `At most ${LIMITS.gpuInfoBytes} bytes as JSON. Lists of miners show its name and memory.`,
  },
);
export type GpuInfo = Static<typeof GpuInfo>;

/** What a model can do at a miner. Absent values are unknown, and the model counts as able. */
export const ModelAbilities = Type.Object({
  context_length: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMITS.tokens,
      description: 'Tokens of prompt and answer together.',
    }),
  ),
  text: Type.Optional(Type.Boolean({ description: 'Whether the model writes texts.' })),
  embeddings: Type.Optional(Type.Boolean({ description: 'Whether the model embeds texts.' })),
  tools: Type.Optional(Type.Boolean({ description: 'Whether the model calls tools.' })),
  images: Type.Optional(Type.Boolean({ description: 'Whether the model reads images.' })),
  json_schema: Type.Optional(
    Type.Boolean({ description: 'Whether its answers can be forced to match a JSON schema.' }),
  ),
});
export type ModelAbilities = Static<typeof ModelAbilities>;

export const RegisterMiner = Type.Object(
  {
    miner_id: MinerId,
    capabilities: Type.Array(Model, {
      minItems: 1,
      maxItems: LIMITS.capabilities,
      description: 'The models that the miner can run.',
    }),
    models: Type.Optional(
      Type.Array(
        Type.Object(
          { model: Model, ...ModelAbilities.properties, passport: Type.Optional(Passport) },
          CLOSED,
        ),
        {
          maxItems: LIMITS.capabilities,
          description: 'What the models are and can do, as far as the engine reports it.',
        },
      ),
    ),
    gpu_info: Type.Optional(GpuInfo),
    region: Type.Optional(Region),
    concurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.claimMax,
        description: 'How many jobs the miner runs at once. It never gets more.',
      }),
    ),
    address: Type.Optional(Address('The address that earnings go to: `ait1…`.')),
    public_key: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]{43}$',
        ...stated({ format: 'ed25519-public-key' }),
        description:
          'Raw Ed25519 public key, unpadded base64url. The miner must then sign its results with it.',
      }),
    ),
    session: Type.Optional(
      Type.String({
        minLength: 16,
        maxLength: LIMITS.sessionLength,
        pattern: '^[A-Za-z0-9_-]+$',
        description:
          'A random text, equal in all registrations of one process and known to it alone. It lets the process change its registration and keep its epoch.',
      }),
    ),
    epoch: Type.Optional({
      ...MinerEpoch,
      description: 'The `epoch` from the previous registration of this process, if there is one.',
    }),
    proof: Type.Optional({
      ...Signature,
      description:
        'A signature by the key registered for this id so far, or the first time by `public_key` itself. It covers the canonical JSON (RFC 8785) of an object with the `address`, `miner_id`, `public_key` and `session` of this request, with null for absent ones.',
    }),
  },
  CLOSED,
);
export type RegisterMiner = Static<typeof RegisterMiner>;

export const MINER_STATUSES = ['online', 'draining', 'offline'] as const;
export const MinerStatus = Type.Enum([...MINER_STATUSES], { type: 'string' });
export type MinerStatus = Static<typeof MinerStatus>;

/**
 * A model that a miner offers, with averages over its jobs there. They are null before the first measured
 * job.
 */
export const MinerModel = Type.Object({
  model: Type.String(),
  loaded: Nullable(
    Type.Boolean({
      description:
        'Whether the model is in memory, by the last heartbeat. Null when the miner does not report it.',
    }),
  ),
  time_to_first_token_ms: Nullable(
    Type.Number({ description: 'Measured from the claim, on jobs that stream.' }),
  ),
  tokens_per_second: Nullable(Type.Number({ description: 'Tokens of the answer, over the whole run.' })),
  ...ModelAbilities.properties,
  passport: Type.Optional(
    Nullable({
      ...PublicPassport,
      description: 'What the miner signed about the model. Lists of miners leave it out.',
    }),
  ),
});
export type MinerModel = Static<typeof MinerModel>;

const Decayed = (description: string) => Type.Number({ minimum: 0, description });

/** How reliable a miner is. Counts decay with the operator's half-life. */
export const Reputation = Type.Object(
  {
    score: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'The share of runs on the owner’s miners that ended with a result. It starts at 0.9.',
    }),
    successes: Decayed('Runs that ended with a result.'),
    failures: Decayed('Runs that the miner reported as failed, with a failure that another try could fix.'),
    timeouts: Decayed('Runs that did not end in time, or whose miner was not heard of again.'),
    agreements: Decayed("Results that equal those of most other owners' miners."),
    disagreements: Decayed("Results that differ from those of most other owners' miners."),
    suspended_at: Nullable({
      ...Timestamp,
      description:
        'When the owner was suspended because of the score, or of answers that do not fit the model. The owner gets no jobs for a while, and then is on probation.',
    }),
    suspended_by: Nullable(
      Type.String({
        description:
          'The verification that led to the suspension, which the owner may appeal against; null where the score or an administrator did.',
      }),
    ),
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
    epoch: Type.Integer({ minimum: 0, description: 'Increases when another process takes the id over.' }),
    running: Type.Integer({ description: 'How many jobs the miner holds now.' }),
    completed: Type.Integer(),
    failed: Type.Integer({ description: 'Jobs that the miner reported as failed, or whose lease ran out.' }),
    reputation: Reputation,
    registered_at: Timestamp,
    last_seen_at: Timestamp,
    heartbeat_seconds: Type.Integer({ description: 'How often the miner should send a heartbeat.' }),
  },
  { $id: 'Miner' },
);
export type Miner = Static<typeof Miner>;

/**
 * Pending jobs of one kind, and why this miner does not get them. The reason is null when it can run them.
 */
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
      reason: Nullable(Type.String({ description: 'Why the miner gets no jobs at all at present.' })),
    }),
  },
  { $id: 'MinerDetail' },
);
export type MinerDetail = Static<typeof MinerDetail>;

export const ListMiners = Type.Object(
  {
    ...PageQuery.properties,
    cursor: Type.Optional(Cursor(MINER_ID_PATTERN)),
    status: Type.Optional(MinerStatus),
    model: Type.Optional({ ...Model, description: 'Only miners that take jobs for this model now.' }),
  },
  CLOSED,
);
export type ListMiners = Static<typeof ListMiners>;

export const ListOwnMiners = Type.Omit(ListMiners, ['model'], CLOSED);
export type ListOwnMiners = Static<typeof ListOwnMiners>;

export const Heartbeat = Type.Object(
  {
    epoch: Type.Optional(MinerEpoch),
    jobs: Type.Optional(
      Type.Array(Type.String(), {
        maxItems: LIMITS.claimMax,
        description: 'The jobs that the miner believes it holds.',
      }),
    ),
    wait: Type.Optional(
      Type.Number({
        ...WAIT,
        description: 'Seconds to wait for a job to stop. The answer comes as soon as a job must stop.',
      }),
    ),
    loaded: Type.Optional(
      Type.Array(Model, {
        maxItems: LIMITS.capabilities,
        description: 'The models in memory. The miner gets jobs for these first.',
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
    description: 'Whether the owner’s reputation is too low. The miner then gets no new jobs for a while.',
  }),
  heartbeat_seconds: Type.Integer(),
  jobs: Type.Array(Type.Object({ job_id: Type.String(), lease_expires_at: Timestamp, deadline: Timestamp }), {
    description: 'The jobs that the miner holds, with their leases extended.',
  }),
  stop: Type.Array(Type.Object({ job_id: Type.String(), status: Nullable(JobStatus) }), {
    description: 'Jobs of the request that the miner no longer holds: cancelled, or given to another miner.',
  }),
});
export type HeartbeatAnswer = Static<typeof HeartbeatAnswer>;
