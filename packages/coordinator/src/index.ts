export { createKey, revokeKey, SCOPES, type Scope } from './accounts/keys.ts';
export { listKeys } from './accounts/queries.ts';
export {
  type Config,
  ConfigError,
  flagOf,
  OPTIONS,
  type OptionName,
  readConfig,
  variableOf,
} from './config.ts';
export { type RunningCoordinator, type StartOptions, startCoordinator } from './coordinator.ts';
export { createIds } from './ids.ts';
export { migrateStore, SCHEMA_VERSION } from './store/migrate-store.ts';
export { openStore } from './store/open.ts';
export { VERSION } from './version.ts';
