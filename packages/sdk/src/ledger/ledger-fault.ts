import type { LedgerErrorCode } from '../errors.ts';

/** A fault in a log. */
export interface LedgerFault {
  /** `STATEMENT_INVALID` is for an entry that is as signed, but not a valid statement. */
  readonly code: LedgerErrorCode | 'STATEMENT_INVALID';
  /** The path of the faulty tile: `tile/0/001`. `null` when no single tile is at fault. */
  readonly path: string | null;
  /** The index of the faulty entry from 0; `null` when no single entry is at fault. */
  readonly index: number | null;
  /** What is wrong, as text. It may quote the log, which a stranger wrote. */
  readonly detail: string;
}
