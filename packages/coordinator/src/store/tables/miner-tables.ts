import type { Flagless, Json, Time } from './values.ts';

export interface MinerTable {
  id: string;
  owner_id: number;
  payee_id: number;
  capabilities: Json;
  /** What its models can do, by name, as far as it told. */
  abilities: Flagless<Json | null>;
  gpu_info: Json | null;
  vram_gb: number | null;
  region: string | null;
  concurrency: number | null;
  public_key: string | null;
  /** Of the process that has the id: grows when another one takes it. */
  epoch: Flagless<number>;
  /** What that process chose to be known by; null where it chose nothing. */
  session: Flagless<string | null>;
  /** 1: a process that held the private key registered it, so that others must prove that they hold it, too. */
  key_proven: Flagless<number>;
  /** Models that its engine has in memory, as it last said; null when it never did. */
  loaded: Flagless<Json | null>;
  status: 'online' | 'draining' | 'offline' | 'removed';
  /** Who runs it: its owner, or where that has no key, who is paid. */
  operator_id: number;
  /** Since when it gets no jobs for its operator's reputation: as of its operator's `standing`. */
  suspended_at: Flagless<Time | null>;
  /** 1: its operator is on probation. */
  probation: Flagless<number>;
  /** 1: no new jobs until it registers again, also when it has been offline in between. */
  draining: Flagless<number>;
  running: number;
  completed: number;
  failed: number;
  registered_at: Time;
  last_seen_at: Time;
}

/** What is known of who runs miners, whatever ids these have. */
export interface StandingTable {
  /** The operator's account. */
  id: number;
  /** What became of runs, less by half after each half-life, as of `weighed_at`. */
  successes: number;
  failures: number;
  timeouts: number;
  /** Of runs whose result was compared with others'. */
  agreements: number;
  disagreements: number;
  weighed_at: Time;
  /** Since when it gets no jobs. */
  suspended_at: Flagless<Time | null>;
  /** Jobs that it has yet to complete one at a time, each compared with another owner's; 0 without probation. */
  probation: Flagless<number>;
  /** Of its last results that were compared with those of two others, how many there were, and how many began like neither. */
  compared: Flagless<number>;
  alone: Flagless<number>;
}

/** Failures of an operator's miners in jobs of one account, or of one model. */
export interface BlameTable {
  /** `OPERATOR/account/ACCOUNT` or `OPERATOR/model/MODEL` */
  id: string;
  /** Less by half after each half-life, as of `weighed_at`. */
  weight: number;
  weighed_at: Time;
}

/** How fast a miner runs a model, smoothed over its jobs. */
export interface ModelSpeedTable {
  /** `MINER/MODEL` */
  id: string;
  miner_id: string;
  model: string;
  /** From claim to the first chunk, of jobs that stream. */
  first_token_ms: number | null;
  /** Of the answer, over the whole run. */
  tokens_per_second: number | null;
  measured_at: Time;
}
