import type { RefusalCode } from './errors.ts';

/** What happens to a witness, for whoever shows or records it. */
export type WitnessEvent =
  | { event: 'cosigned'; origin: string; old: number; size: number }
  | {
      event: 'refused';
      code: RefusalCode;
      detail: string;
      origin?: string;
      /** The file with the two checkpoints that prove a fork. */
      evidence?: string;
    }
  /** A request could not be served, by no fault of its own. */
  | { event: 'failed'; detail: string }
  /** A log could not be asked at the start: what is known of it goes on to hold. */
  | { event: 'log_unreachable'; url: string; detail: string };

export type Emit = (event: WitnessEvent) => void;
