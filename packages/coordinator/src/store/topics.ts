import type { Row } from './schema.ts';

/** What operations publish to subscribers within their transaction, by topic. */
export interface Topics {
  'job.changed': SavedChange;
  /** A batch that has ended. */
  'batch.ended': Row<'batch'>;
  'miner.changed': MinerChange;
  /** A completed run of a job whose runs have different results. */
  'results.differ': Row<'job'>;
}

/** A miner's row before and after it went offline, or its operator's standing changed. */
export interface MinerChange {
  before: Row<'miner'>;
  after: Row<'miner'>;
}

/** A saved change of a job. A new job has no `before`. */
export interface SavedChange {
  before: Row<'job'> | undefined;
  after: Row<'job'>;
  /** How the attempt counts against the miner that held the job. Absent if it does not count as a failure. */
  minerFailed?: Failing;
  /** What the run that has ended is paid. Absent if it is not. */
  paid?: Paid | undefined;
  /** Set if the completed job was drawn for a spot check. */
  spotCheck?: SpotCheck;
}

/** A run's price in micro-credits, who gets it, and the tokens that its miner reported. */
export interface Paid {
  price: number;
  payeeId: number;
  tokensIn: number;
  tokensOut: number;
}

/** `blameless` means that the miner is not at fault. */
export type Failing = 'failed' | 'timed-out' | 'blameless';

/** Ids, salts and traces for the run that repeats a job, and for the referee that decides if their results differ. */
export interface SpotCheck {
  check: CheckRun;
  referee: CheckRun;
  /** The address of the account that pays for them. */
  payer: string;
}

export type CheckRun = Readonly<Record<'id' | 'salt' | 'traceId' | 'spanId', string>>;
