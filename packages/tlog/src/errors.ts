/**
 * What went wrong:
 * - `MALFORMED`: text or bytes are not of the format, or not its one spelling
 * - `UNSUPPORTED_KEY`: a well-formed verifier key of a type that this package can't verify
 * - `UNSIGNED`: no known key has signed, or not the log's
 * - `BAD_SIGNATURE`: a signature names a known key and does not verify with it
 * - `WRONG_ORIGIN`: the checkpoint is another log's
 * - `TOO_FEW_COSIGNATURES`: fewer cosigners than the policy demands
 * - `NOT_INCLUDED`: the inclusion proof does not lead from the leaf to the root
 * - `MISSING_NODE`: the reader of nodes had none of that place
 */
export type TlogErrorCode =
  | 'MALFORMED'
  | 'UNSUPPORTED_KEY'
  | 'UNSIGNED'
  | 'BAD_SIGNATURE'
  | 'WRONG_ORIGIN'
  | 'TOO_FEW_COSIGNATURES'
  | 'NOT_INCLUDED'
  | 'MISSING_NODE';

/** The one error that this package throws over what it is given to read or to verify. */
export class TlogError extends Error {
  override readonly name = 'TlogError';
  readonly code: TlogErrorCode;

  /** @param message for people; may quote what was read, so a stranger's text */
  constructor(code: TlogErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export function malformed(message: string): TlogError {
  return new TlogError('MALFORMED', message);
}
