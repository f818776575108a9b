import {
  type Defaulted,
  defineKeptTable,
  defineTable,
  integerColumn,
  type Json,
  realColumn,
  type Time,
  textColumn,
} from './define-table.ts';

export const minerTables = {
  miner: defineKeptTable('id', {
    id: textColumn(),
    owner_id: integerColumn(),
    payee_id: integerColumn(),
    capabilities: textColumn<Json>(),
    /** Abilities of the models that the miner reported, by model. */
    abilities: textColumn<Defaulted<Json | null>>(),
    /** The digest and the signature of the passport of each model that has one, see `miners/passports.ts`. */
    passports: textColumn<Defaulted<Json | null>>(),
    gpu_info: textColumn<Json | null>(),
    vram_gb: realColumn<number | null>(),
    region: textColumn<string | null>(),
    concurrency: integerColumn<number | null>(),
    public_key: textColumn<string | null>(),
    /** Increases when another process takes the miner's id. */
    epoch: integerColumn<Defaulted<number>>(),
    /** Name that the process chose for itself, or null. */
    session: textColumn<Defaulted<string | null>>(),
    /** 1: a process proved that it has the private key, so all later ones must prove it, too. */
    key_proven: integerColumn<Defaulted<number>>(),
    /** Models in the engine's memory by the last report, or null without a report. */
    loaded: textColumn<Defaulted<Json | null>>(),
    status: textColumn<'online' | 'draining' | 'offline' | 'removed'>(),
    /** Account of the operator: the owner, or the payee where the owner has no key. */
    operator_id: integerColumn(),
    /** Address of the operator's account. */
    owner_address: textColumn<Defaulted<string | null>>(),
    /** Since when the miner gets no jobs because of its operator's reputation. A copy from `standing`. */
    suspended_at: integerColumn<Defaulted<Time | null>>(),
    /** The verification that led to it, or null. A copy from `standing`. */
    suspended_by: textColumn<Defaulted<string | null>>(),
    /** 1: the operator is on probation. */
    probation: integerColumn<Defaulted<number>>(),
    /** 1: the miner gets no new jobs until it registers again, even after being offline. */
    draining: integerColumn<Defaulted<number>>(),
    running: integerColumn(),
    completed: integerColumn(),
    failed: integerColumn(),
    registered_at: integerColumn<Time>(),
    last_seen_at: integerColumn<Time>(),
  }),

  /** What miners state about their models, once for all miners that state the same. */
  passport: defineTable('id', {
    /** The hex SHA-256 of `body`. */
    id: textColumn(),
    /** The statement as canonical JSON. */
    body: textColumn<Json>(),
    /** The account whose miner stated it first. */
    owner_id: integerColumn(),
    registered_at: integerColumn<Time>(),
  }),

  /** The reputation of each operator over all of its miners. */
  standing: defineKeptTable('id', {
    /** The operator's account. */
    id: integerColumn(),
    /** Weights of the outcomes of runs at `weighed_at`, halved after each half-life. */
    successes: realColumn(),
    failures: realColumn(),
    timeouts: realColumn(),
    /** Weights of the runs whose results were compared with those of others. */
    agreements: realColumn(),
    disagreements: realColumn(),
    weighed_at: integerColumn<Time>(),
    /** Since when the operator's miners get no jobs. */
    suspended_at: integerColumn<Defaulted<Time | null>>(),
    /** The verification that led to it; null where the score or an administrator did. */
    suspended_by: textColumn<Defaulted<string | null>>(),
    /** Remaining probation jobs, which run one at a time and are compared with another owner's; 0 without probation. */
    probation: integerColumn<Defaulted<number>>(),
    /** Not used any more: results that begin like no other's bring no probation. */
    compared: integerColumn<Defaulted<number>>(),
    alone: integerColumn<Defaulted<number>>(),
  }),

  /** Failures of an operator's miners in the jobs of one account, or of one model. */
  blame: defineTable('id', {
    /** `OPERATOR/account/ACCOUNT` or `OPERATOR/model/MODEL` */
    id: textColumn(),
    /** Weight of the failures at `weighed_at`, halved after each half-life. */
    weight: realColumn(),
    weighed_at: integerColumn<Time>(),
  }),

  /** The speed of a miner with a model, smoothed over its jobs. */
  model_speed: defineKeptTable('id', {
    /** `MINER/MODEL` */
    id: textColumn(),
    miner_id: textColumn(),
    model: textColumn(),
    /** Time from the claim to the first chunk, for streamed jobs. */
    first_token_ms: realColumn<number | null>(),
    /** Output tokens per second, over the whole run. */
    tokens_per_second: realColumn<number | null>(),
    measured_at: integerColumn<Time>(),
  }),

  /** On how much of a day a miner was there, in slots of five minutes. */
  miner_day: defineTable('id', {
    /** `MINER/DAY`, and `/DAY` for the slots in which a coordinator ran. */
    id: textColumn(),
    /** Days since the epoch, in UTC. */
    day: integerColumn(),
    slots: integerColumn(),
    /** The slot that was counted last, since the epoch. */
    last_slot: integerColumn(),
  }),

  /** What the operator tells the owners of miners. Each target that is not null must fit a miner. */
  notice: defineTable('id', {
    id: textColumn(),
    text: textColumn(),
    miner: textColumn<string | null>(),
    /** Address of an account. */
    owner: textColumn<string | null>(),
    /** Only agents of an earlier version get it. */
    below_version: textColumn<string | null>(),
    created_at: integerColumn<Time>(),
    expires_at: integerColumn<Time>(),
  }),
};
