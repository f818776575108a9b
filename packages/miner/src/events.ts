import type { FailureClass } from '@aitbc/protocol';

/** What happens to a miner, for whoever shows or records it. */
export type MinerEvent =
  | { event: 'registered'; miner_id: string; models: string[]; address: string; gpu: string | null }
  | { event: 'model_skipped'; model: string }
  /** The coordinator takes no more models of one miner. */
  | { event: 'models_left_out'; models: string[]; limit: number }
  | { event: 'paused'; error: string }
  | { event: 'resumed' }
  | { event: 'disconnected'; error: string }
  | { event: 'reconnected' }
  | { event: 'drained' }
  /** Another process has registered with its id: this one ends. */
  | { event: 'superseded'; error: string }
  /** Its reputation is too low: it gets no jobs until an administrator says so. */
  | { event: 'suspended' }
  | { event: 'reinstated' }
  | { event: 'job_started'; job_id: string; model: string; attempt: number }
  | {
      event: 'job_completed';
      job_id: string;
      model: string;
      /** Tokens generated, null where the engine does not count. */
      tokens: number | null;
      seconds: number;
      /** Earned by this job. */
      credits: number;
      /** Earned since the start. */
      total_credits: number;
      receipt_id: string;
    }
  /** `retryable`: it waits for another attempt. */
  | { event: 'job_failed'; job_id: string; error: string; retryable: boolean; error_class: FailureClass }
  /** It was cancelled, or is another's by now: what was generated is thrown away. */
  | { event: 'job_stopped'; job_id: string; reason: string }
  | { event: 'job_released'; job_id: string; reason: string }
  /** The coordinator could not be told how the job ended. */
  | { event: 'job_lost'; job_id: string; error: string }
  | { event: 'stopping'; running: number; timeout_seconds: number }
  | { event: 'stopped'; completed: number; total_credits: number };

export type Emit = (event: MinerEvent) => void;
