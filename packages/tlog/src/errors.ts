/**
 * What went wrong:
 * - `MALFORMED`: text or bytes are not in the format, or not in its canonical form
 * - `UNSUPPORTED_KEY`: a well-formed verifier key of a type that this package can not verify
 * - `UNSIGNED`: no known key has signed, or not the log's key
 * - `BAD_SIGNATURE`: a signature names a known key and does not verify with it
 * - `WRONG_ORIGIN`: the checkpoint is another log's
 * - `TOO_FEW_COSIGNATURES`: fewer cosigners have signed than the policy demands
 * - `NOT_INCLUDED`: the inclusion proof does not lead from the leaf to the root
 * - `MISSING_NODE`: the node reader has no hash for a node
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

/** Thrown for input that can not be parsed or does not verify. */
export class TlogError extends Error {
  override readonly name = 'TlogError';
  readonly code: TlogErrorCode;

  /** @param message for people; it may quote the input, which a stranger wrote */
  constructor(code: TlogErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export function malformed(message: string): TlogError {
  return new TlogError('MALFORMED', message);
}
