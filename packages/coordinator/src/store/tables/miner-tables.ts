import type { Flagless, Json, Time } from './values.ts';

export interface MinerTable {
  id: string;
  owner_id: number;
  payee_id: number;
  capabilities: Json;
  /** Abilities of the models that the miner reported, by model. */
  abilities: Flagless<Json | null>;
  gpu_info: Json | null;
  vram_gb: number | null;
  region: string | null;
  concurrency: number | null;
  public_key: string | null;
  /** Increases when another process takes the miner's id. */
  epoch: Flagless<number>;
  /** Name that the process chose for itself, or null. */
  session: Flagless<string | null>;
  /** 1: a process proved that it has the private key, so all later ones must prove it, too. */
  key_proven: Flagless<number>;
  /** Models in the engine's memory by the last report, or null without a report. */
  loaded: Flagless<Json | null>;
  status: 'online' | 'draining' | 'offline' | 'removed';
  /** Account of the operator: the owner, or the payee where the owner has no key. */
  operator_id: number;
  /** Address of the operator's account. */
  owner_address: Flagless<string | null>;
  /** Since when the miner gets no jobs because of its operator's reputation. A copy from `standing`. */
  suspended_at: Flagless<Time | null>;
  /** 1: the operator is on probation. */
  probation: Flagless<number>;
  /** 1: the miner gets no new jobs until it registers again, even after being offline. */
  draining: Flagless<number>;
  running: number;
  completed: number;
  failed: number;
  registered_at: Time;
  last_seen_at: Time;
}

/** The reputation of each operator over all of its miners. */
export interface StandingTable {
  /** The operator's account. */
  id: number;
  /** Weights of the outcomes of runs at `weighed_at`, halved after each half-life. */
  successes: number;
  failures: number;
  timeouts: number;
  /** Weights of the runs whose results were compared with those of others. */
  agreements: number;
  disagreements: number;
  weighed_at: Time;
  /** Since when the operator's miners get no jobs. */
  suspended_at: Flagless<Time | null>;
  /** Remaining probation jobs, which run one at a time and are compared with another owner's; 0 without probation. */
  probation: Flagless<number>;
  /** Number of recent results compared with those of two others, and how many of them began like neither. */
  compared: Flagless<number>;
  alone: Flagless<number>;
}

/** Failures of an operator's miners in the jobs of one account, or of one model. */
export interface BlameTable {
  /** `OPERATOR/account/ACCOUNT` or `OPERATOR/model/MODEL` */
  id: string;
  /** Weight of the failures at `weighed_at`, halved after each half-life. */
  weight: number;
  weighed_at: Time;
}

/** On how much of a day a miner was there, in slots of five minutes. */
export interface MinerDayTable {
  /** `MINER/DAY`, and `/DAY` for the slots in which a coordinator ran. */
  id: string;
  /** Days since the epoch, in UTC. */
  day: number;
  slots: number;
  /** The slot that was counted last, since the epoch. */
  last_slot: number;
}

/** The speed of a miner with a model, smoothed over its jobs. */
export interface ModelSpeedTable {
  /** `MINER/MODEL` */
  id: string;
  miner_id: string;
  model: string;
  /** Time from the claim to the first chunk, for streamed jobs. */
  first_token_ms: number | null;
  /** Output tokens per second, over the whole run. */
  tokens_per_second: number | null;
  measured_at: Time;
}

/** What the operator tells the owners of miners. Each target that is not null must fit a miner. */
export interface NoticeTable {
  id: string;
  text: string;
  miner: string | null;
  /** Address of an account. */
  owner: string | null;
  /** Only agents of an earlier version get it. */
  below_version: string | null;
  created_at: Time;
  expires_at: Time;
}
