export type * from '@aitbc/protocol';
export { CoordinatorClient, type LongPollOptions, type SubmitOptions } from './client.ts';
export {
  AitbcError,
  ConnectionError,
  CoordinatorError,
  type ErrorFamily,
  isCoordinatorError,
  JobTimeoutError,
  PartialBatchError,
  TimeoutError,
} from './errors.ts';
export type { Explorer, ExplorerQuery } from './explorer.ts';
export type { ClientOptions, RequestOptions } from './options.ts';
export type { Page, Paged } from './pages.ts';
export { hasEnded, type WaitOptions } from './wait.ts';
