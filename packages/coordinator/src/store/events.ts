import type { Row } from './schema.ts';

/** A change that a committed batch made, for the parts of the coordinator that wait for it. */
export type StoreEvent =
  | { type: 'job.ended'; jobId: string }
  /** A streamed job has more text or another status. `growth` is missing on other replicas. */
  | { type: 'job.streamed'; jobId: string; growth?: StreamGrowth }
  /** The job was cancelled while this miner ran it, so the miner has to stop. */
  | { type: 'job.withdrawn'; jobId: string; minerId: string }
  /** With `runs`, some jobs are runs of a replicated job. Not every suitable miner may take them, so all are woken. */
  | { type: 'jobs.ready'; queue: ReadyQueue; count: number; runs?: boolean }
  | { type: 'miner.changed'; miner: Row<'miner'> }
  /** The job failed because its row was damaged. Stays in this process, for its log. */
  | { type: 'job.unreadable'; jobId: string; columns: readonly string[] }
  /** The clock was set ahead by this many ms, or back where negative. Stays in this process, for its log. */
  | { type: 'clock.set'; setByMs: number }
  /** Other coordinators may have committed changes whose events did not arrive here. */
  | { type: 'missed' };

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
}

export type StoreListener = (events: readonly StoreEvent[]) => void;
