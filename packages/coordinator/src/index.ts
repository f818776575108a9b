export { SCOPES, type Scope } from '@aitbc/protocol';
export { createKey, revokeKey } from './accounts/create-key.ts';
export { createOperatorKeys, type OperatorKeys } from './accounts/operator-keys.ts';
export { listKeys } from './accounts/queries.ts';
export { backup } from './backup.ts';
export {
  type Config,
  ConfigError,
  flagOf,
  OPTIONS,
  type OptionName,
  readConfig,
  type StartOptions,
  variableOf,
} from './config.ts';
export { type RunningCoordinator, startCoordinator } from './coordinator.ts';
export { RequestError } from './errors.ts';
export { createIds } from './ids.ts';
export { lastCheckpointPath } from './ledger/last-checkpoint.ts';
export { ledgerKeyPath } from './ledger/log-key.ts';
export { openStore } from './open-store.ts';
export { signingKeyPath } from './receipts/signing-key.ts';
export { type Restored, type RestoreOptions, restore } from './restore.ts';
export { migrateStore, SCHEMA_VERSION } from './store/migrate-store.ts';
export { exportStore } from './store/transfer/export.ts';
export { TransferError } from './store/transfer/format.ts';
export { importStore } from './store/transfer/import.ts';
export type { TransferOptions } from './store/transfer/transfer.ts';
export { VERSION } from './version.ts';
