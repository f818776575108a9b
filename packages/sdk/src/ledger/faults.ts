import type { LedgerErrorCode } from '../errors.ts';

/** What is wrong in a log. */
export interface LedgerFault {
  /** `STATEMENT_INVALID` for an entry that is as it was signed, but no valid receipt or grant. */
  readonly code: LedgerErrorCode | 'STATEMENT_INVALID';
  /** What is not as it must be, as the log serves it: `tile/0/001`. `null` where it is no one tile. */
  readonly path: string | null;
  /** The entry, counted from 0, where it is one. */
  readonly index: number | null;
  /** In words. May quote what was read, so a stranger's text. */
  readonly detail: string;
}
