/**
 * Why a checkpoint is not cosigned:
 * - `MALFORMED`: the request is not a valid add-checkpoint request
 * - `UNKNOWN_LOG`: the witness watches no log of this origin
 * - `UNSIGNED`: no key of the log has signed, or such a signature does not verify
 * - `OLD_TOO_LARGE`: the old size is larger than the checkpoint's
 * - `STALE`: the old size is not that of the last cosigned checkpoint
 * - `FORK`: the tree has the size of the last cosigned one and another root
 * - `INCONSISTENT`: the proof does not show that the tree begins with the last cosigned one
 * - `FORGOTTEN`: the witness has signed a larger tree than it remembers, so it no longer signs for this log
 */
export type CosignErrorCode =
  | 'MALFORMED'
  | 'UNKNOWN_LOG'
  | 'UNSIGNED'
  | 'OLD_TOO_LARGE'
  | 'STALE'
  | 'FORK'
  | 'INCONSISTENT'
  | 'FORGOTTEN';

export interface CosignErrorDetails {
  /** The log's origin, when the request names a known log. */
  origin?: string;
  /** The size of the last cosigned tree, 0 for none. Only with `STALE`. */
  size?: number;
  /** Two contradicting checkpoints that the log has signed. Only with `FORK`. */
  evidence?: readonly [cosigned: string, submitted: string];
}

/** Thrown when the witness does not cosign a checkpoint. */
export class CosignError extends Error {
  override readonly name = 'CosignError';
  readonly code: CosignErrorCode;
  readonly details: CosignErrorDetails;

  /** @param message for people; it may quote the request, which a stranger wrote */
  constructor(code: CosignErrorCode, message: string, details: CosignErrorDetails = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Thrown when a witness can not start. The message says why, and what to do. */
export class WitnessError extends Error {
  override readonly name = 'WitnessError';
}
