/**
 * Why a checkpoint is not cosigned:
 * - `MALFORMED`: the request is not one of add-checkpoint
 * - `UNKNOWN_LOG`: the origin is none of the logs that the witness watches
 * - `UNSIGNED`: no key of the log has signed, or a signature of one does not verify
 * - `OLD_TOO_LARGE`: the old size is beyond that of the checkpoint
 * - `STALE`: the old size is not that of the last checkpoint cosigned
 * - `FORK`: the tree has the size of the last one cosigned and another root
 * - `INCONSISTENT`: the proof does not show that the tree begins with the last one cosigned
 * - `FORGOTTEN`: the witness has signed larger trees than it remembers, so it can't vouch for any
 */
export type RefusalCode =
  | 'MALFORMED'
  | 'UNKNOWN_LOG'
  | 'UNSIGNED'
  | 'OLD_TOO_LARGE'
  | 'STALE'
  | 'FORK'
  | 'INCONSISTENT'
  | 'FORGOTTEN';

export interface RefusalDetails {
  /** The log, where the request names one that is known. */
  origin?: string;
  /** The size of the last tree cosigned, 0 for none; of `STALE`. */
  size?: number;
  /** Two checkpoints that the log has signed and that contradict each other; of `FORK`. */
  evidence?: readonly [cosigned: string, submitted: string];
}

/** A checkpoint that the witness does not cosign. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  readonly details: RefusalDetails;

  /** @param message for people; may quote what was read, so a stranger's text */
  constructor(code: RefusalCode, message: string, details: RefusalDetails = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** A witness that can't start: the message says why, and what to do. */
export class WitnessError extends Error {
  override readonly name = 'WitnessError';
}
