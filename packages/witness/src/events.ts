import type { CosignErrorCode } from './errors.ts';

/** What happens in a witness. */
export type WitnessEvent =
  | { event: 'cosigned'; origin: string; old: number; size: number }
  | {
      event: 'refused';
      code: CosignErrorCode;
      detail: string;
      origin?: string;
      /** The path of the file with the two checkpoints that prove a fork. */
      evidence?: string;
    }
  /** The witness could not serve a valid request. */
  | { event: 'failed'; detail: string }
  /** A log did not answer at the start. The witness goes on with the keys that it knows. */
  | { event: 'log_unreachable'; url: string; detail: string };

export type WitnessEventHandler = (event: WitnessEvent) => void;
