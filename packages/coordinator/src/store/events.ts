import type { Row } from './schema.ts';

/** What a committed batch changed, for those who wait for it. */
export type StoreEvent =
  | { type: 'job.ended'; jobId: string }
  /** There is more of its text, or a job whose text is streamed has another status. `growth` does not cross replicas. */
  | { type: 'job.streamed'; jobId: string; growth?: Growth }
  /** It was cancelled while a miner ran it, which is to stop. */
  | { type: 'job.withdrawn'; jobId: string; minerId: string }
  /** `runs`: not every miner that could run them may have them, so all are woken. */
  | { type: 'jobs.ready'; queue: ReadyQueue; count: number; runs?: boolean }
  | { type: 'miner.changed'; miner: Row<'miner'> }
  /** Its row was damaged, so the job has failed. Told to this coordinator only, for its log. */
  | { type: 'job.unreadable'; jobId: string; columns: readonly string[] }
  /** The clock was set ahead by so many ms, or back (below 0). Told to this coordinator only, for its log. */
  | { type: 'clock.set'; setByMs: number }
  /** Other coordinators may have committed what was not told here. */
  | { type: 'missed' };

/** Text that was added to a run of a job's stream. */
export interface Growth {
  run: number;
  /** Index of the first chunk. */
  first: number;
  chunks: readonly Chunk[];
}

/** A piece of what a model says, or of what it thinks before. */
export interface Chunk {
  kind: 'text' | 'reasoning';
  text: string;
}

/** What a miner must have for a queue's jobs. */
export interface ReadyQueue {
  model: string;
  region: string;
  min_vram_gb: number;
  /** Abilities of the model, sorted, with commas between; empty where none is needed. */
  needs: string;
  /** Tokens that the model must take. */
  min_context: number;
}

export type StoreListener = (events: readonly StoreEvent[]) => void;
