export type * from '@aitbc/protocol';
export {
  CoordinatorClient,
  type GrantOptions,
  type LongPollOptions,
  type StreamOptions,
  type SubmitOptions,
} from './client.ts';
export {
  AitbcError,
  ConnectionError,
  CoordinatorError,
  type ErrorFamily,
  faultOf,
  isCoordinatorError,
  JobFailedError,
  type JobFault,
  JobTimeoutError,
  LedgerError,
  type LedgerErrorCode,
  PartialBatchError,
  requireCompleted,
  TimeoutError,
} from './errors.ts';
export type { EventsOptions } from './events.ts';
export type { Explorer } from './explorer.ts';
export type { AuditOptions, AuditStep } from './ledger/audit.ts';
export type { LedgerFault } from './ledger/faults.ts';
export { type Ledger, type LedgerCheckpoint, type LedgerOptions, openLedger } from './ledger/ledger.ts';
export type { EntryBundle, HashTile } from './ledger/resources.ts';
export type { EntriesOptions, LedgerEntry, LedgerTree } from './ledger/tree.ts';
export type { TreeHead } from './ledger/verified-tiles.ts';
export type { ClientOptions, RequestOptions } from './options.ts';
export type { Page, Paged } from './pages.ts';
export { hasEnded, type ReceiptProofOptions, type WaitOptions } from './wait.ts';
