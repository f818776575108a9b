export type * from '@aitbc/protocol';
export { CoordinatorClient } from './client.ts';
export {
  AitbcError,
  BatchFailedError,
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
export type { AuditOptions, AuditStep } from './ledger/audit.ts';
export { type Ledger, type LedgerCheckpoint, type LedgerOptions, openLedger } from './ledger/ledger.ts';
export type { LedgerFault } from './ledger/ledger-fault.ts';
export type { EntryBundle, HashTile } from './ledger/log-reader.ts';
export type { EntriesOptions, LedgerEntry, LedgerTree } from './ledger/tree.ts';
export type { TreeHead } from './ledger/verified-tiles.ts';
export type { ClientOptions, RequestOptions } from './options.ts';
export type { Page, Paged } from './pages.ts';
export type { IdempotentOptions, LongPollOptions } from './requests.ts';
export type { Accounts } from './resources/accounts.ts';
export type { ApiKeys } from './resources/api-keys.ts';
export type { AuditLog } from './resources/audit-log.ts';
export type {
  Batches,
  BatchRequest,
  BatchResult,
  BatchWaitOptions,
  ListBatches,
  NewBatch,
} from './resources/batches.ts';
export type { EvidenceResource } from './resources/evidence.ts';
export type { Explorer } from './resources/explorer.ts';
export type { CreateFile, Files, ListFiles } from './resources/files.ts';
export type { Grants } from './resources/grants.ts';
export type { Invitations, RedeemOptions } from './resources/invitations.ts';
export type { JobRequest, Jobs, StreamOptions, SubmitOptions } from './resources/jobs.ts';
export type { LedgerResource } from './resources/ledger.ts';
export type { Miners } from './resources/miners.ts';
export type { Models } from './resources/models.ts';
export type { Notices } from './resources/notices.ts';
export type { Payouts } from './resources/payouts.ts';
export type { Receipts } from './resources/receipts.ts';
export type { SigningKeys } from './resources/signing-keys.ts';
export type { Earnings, Usage } from './resources/usage.ts';
export type { Verifications } from './resources/verifications.ts';
export type { Webhooks } from './resources/webhooks.ts';
export {
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InsufficientBalanceError,
  NotFoundError,
  PayloadTooLargeError,
  PermissionDeniedError,
  RateLimitError,
  ServerError,
} from './status-errors.ts';
export {
  type VerifyWebhookOptions,
  verifyWebhook,
  type WebhookHeaders,
  WebhookVerificationError,
} from './verify-webhook.ts';
export { hasEnded, type ProofOptions, type WaitOptions } from './wait.ts';
