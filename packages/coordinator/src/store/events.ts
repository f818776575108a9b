import type { Row } from './schema.ts';
import type { SavedChange } from './topics.ts';

/** A change that a committed batch made, for the parts of the coordinator that wait for it. */
export type StoreEvent = SharedEvent | LocalEvent;

/** A change that the other coordinators on the same database are told of. */
export type SharedEvent =
  | { type: 'job.ended'; jobId: string }
  /** A streamed job has more text or another status. `growth` is missing on other replicas. */
  | { type: 'job.streamed'; jobId: string; growth?: StreamGrowth }
  /** The job was cancelled while this miner ran it, so the miner has to stop. */
  | { type: 'job.withdrawn'; jobId: string; minerId: string }
  /** With `runs`, some jobs are runs of a replicated job. Not every suitable miner may take them, so all are woken. */
  | { type: 'jobs.ready'; queue: ReadyQueue; count: number; runs?: boolean }
  /** The miner reads a prompt with these beginnings, see `prefixes.ts`. */
  | { type: 'prefix.read'; minerId: string; hashes: readonly string[] }
  /** A new job is kept for this miner. */
  | { type: 'job.kept'; model: string; minerId: string }
  | { type: 'miner.changed'; miner: Row<'miner'> };

/** An event that stays in the process that made the change, for its log and its metrics. */
export type LocalEvent =
  /** Other coordinators may have committed changes whose events did not arrive here. */
  | { type: 'missed' }
  /** The job failed because its row was damaged. */
  | { type: 'job.unreadable'; jobId: string; columns: readonly string[] }
  /** The clock was set ahead by this many ms, or back where negative. */
  | { type: 'clock.set'; setByMs: number }
  /** A transaction was committed. */
  | { type: 'batch.committed'; writes: number; ms: number }
  | ({ type: 'jobs.counted' } & JobCounts)
  | { type: 'attempts.measured'; attempts: readonly AttemptMeasurements[] }
  | ({ type: 'job.failed' } & FailedJob)
  /** Jobs that belong to traces were changed, at this time in ms. */
  | { type: 'jobs.traced'; changes: readonly SavedChange[]; at: number }
  | { type: 'miner.turned'; minerId: string; from: MinerState; to: MinerState }
  | { type: 'lease.expired'; jobId: string; minerId: string | null; model: string; reason: LeaseEnd }
  | { type: 'entries.appended'; entryType: Row<'entry'>['type']; entries: number; amount: number }
  /** Answers wait for verifiers. Other processes look by themselves. */
  | { type: 'verifications.waiting' }
  | { type: 'verification.ended'; judgement: 'consistent' | 'accused' | 'inconclusive'; cause: string }
  /** A miner's operator was suspended because of its answers. */
  | { type: 'miner.accused'; minerId: string; passport: string; verificationId: string }
  /** A webhook has a delivery that is due. Other processes look by themselves. */
  | { type: 'webhook.due' }
  /** A webhook gets no more deliveries until its owner resumes it. */
  | { type: 'webhook.disabled'; webhookId: string; accountId: number; reason: 'gone' | 'failing' };

const LOCAL_EVENTS: Record<LocalEvent['type'], true> = {
  missed: true,
  'job.unreadable': true,
  'clock.set': true,
  'batch.committed': true,
  'jobs.counted': true,
  'job.failed': true,
  'jobs.traced': true,
  'miner.turned': true,
  'attempts.measured': true,
  'lease.expired': true,
  'entries.appended': true,
  'verifications.waiting': true,
  'verification.ended': true,
  'miner.accused': true,
  'webhook.due': true,
  'webhook.disabled': true,
};

export const isLocal = (event: StoreEvent): event is LocalEvent => event.type in LOCAL_EVENTS;

/** Why a lease ran out: the miner was not heard of in time, or the attempt reached its deadline. */
export type LeaseEnd = 'silent' | 'deadline';

/** What a miner does, as operators see it. */
export type MinerState = 'unknown' | 'online' | 'draining' | 'suspended' | 'offline' | 'removed';

/** What the log tells about a failed job. Texts of miners are left out, since they may repeat a prompt. */
export interface FailedJob {
  jobId: string;
  model: string;
  minerId: string | null;
  errorCode: string | null;
  errorClass: string | null;
  attempts: number;
}

/** What one operation did to jobs. Runs count where they are claimed and tried again, jobs where they are submitted and end. */
export interface JobCounts {
  submitted: number;
  /** How long jobs waited for their first claim, in ms, by model. */
  waits: readonly { model: string; ms: number[] }[];
  /** Attempts after which a job was queued again: failed ones, and those that did not count. */
  retries: number;
  returns: number;
  ended: readonly EndedJobs[];
}

/** How many jobs ended in the same way. */
export interface EndedJobs {
  status: string;
  errorCode: string | null;
  errorClass: string | null;
  jobs: number;
}

/** What was measured in attempts that completed, all of one model. Times are in ms. */
export interface AttemptMeasurements {
  model: string;
  run: number[];
  /** From the claim to the first text, of streamed jobs. */
  firstToken: number[];
  perToken: number[];
  inputTokens: number[];
  outputTokens: number[];
}

/** Chunks that were added to a stream. */
export interface StreamGrowth {
  /** How often the stream had started again. */
  restarts: number;
  /** Index of the first added chunk since the last restart. */
  first: number;
  chunks: readonly StreamChunk[];
}

/** A piece of a model's answer, or of the reasoning before it. */
export interface StreamChunk {
  kind: 'text' | 'reasoning';
  text: string;
}

/** What a miner needs to run the jobs of a queue. */
export interface ReadyQueue {
  model: string;
  region: string;
  min_vram_gb: number;
  /** Abilities that the model needs, sorted and joined by commas. Empty where it needs none. */
  needs: string;
  /** Length of the context that the model needs, in tokens. */
  min_context: number;
  /** The miners that the client chose, see `chosen-miners.ts`. Empty where it chose none. */
  miners: string;
  /** What the model's passport must say, see `miners/passports.ts`. Empty where the client demands nothing. */
  passport_demand: string;
}

export type StoreListener = (events: readonly StoreEvent[]) => void;
