import type { FailureClass, IdleReport, MinerNotice } from '@aitbc/protocol';

/** What happens in a miner. */
export type MinerEvent =
  | { event: 'registered'; miner_id: string; models: string[]; address: string; gpu: string | null }
  | { event: 'model_skipped'; model: string }
  /** The coordinator does not accept more models from one miner. */
  | { event: 'models_left_out'; models: string[]; limit: number }
  | { event: 'paused'; error: string }
  | { event: 'resumed' }
  | { event: 'disconnected'; error: string }
  | { event: 'reconnected' }
  | { event: 'drained' }
  /** Another process has registered with this miner's id, so this one ends. */
  | { event: 'superseded'; error: string }
  /** The reputation is too low. The miner gets no jobs for a while. */
  | { event: 'suspended' }
  | { event: 'reinstated' }
  /** Why the last claim found no jobs. At most once a minute. */
  | ({ event: 'idle' } & IdleReport)
  /** What the operator tells the owners of miners. Each notice once. */
  | ({ event: 'notice' } & MinerNotice)
  | { event: 'job_started'; job_id: string; model: string; attempt: number }
  | {
      event: 'job_completed';
      job_id: string;
      model: string;
      /** Generated tokens; null when the engine does not count them. */
      tokens: number | null;
      seconds: number;
      /** Credits that this job earned. */
      credits: number;
      /** Credits earned since the start. */
      total_credits: number;
      receipt_id: string;
    }
  /** `retryable`: the job waits for another attempt. */
  | { event: 'job_failed'; job_id: string; error: string; retryable: boolean; error_class: FailureClass }
  /** The job was cancelled or given to another miner. Its text is discarded. */
  | { event: 'job_stopped'; job_id: string; reason: string }
  | { event: 'job_released'; job_id: string; reason: string }
  /** The coordinator could not be told how the job ended. */
  | { event: 'job_lost'; job_id: string; error: string }
  | { event: 'stopping'; running: number; timeout_seconds: number }
  | { event: 'stopped'; completed: number; total_credits: number };

export type MinerEventHandler = (event: MinerEvent) => void;
