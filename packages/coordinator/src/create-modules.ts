import type { Signer } from '@aitbc/receipts';
import { type Config, ConfigError } from './config.ts';
import type { AnyModule, Issuer } from './define-module.ts';
import { readIdentity } from './identity.ts';
import { createIds, type Ids } from './ids.ts';
import { ID_PREFIXES, MODULES, type Operations, type Services } from './modules.ts';
import { createOperations } from './operations.ts';
import { createReadiness, type Readiness } from './readiness.ts';
import { admitKey } from './receipts/receipts.ts';
import { loadSigner, signingKeyPath } from './receipts/signing-key.ts';
import type { Store } from './store/store.ts';

/** Everything behind the HTTP server: the services of all modules, by name, and what they share. */
export interface Modules extends Services {
  config: Config;
  store: Store;
  coordinatorId: string;
  operations: Operations;
  readiness: Readiness;
  /** Ends all waits, also those that begin later. */
  stopWaiting(): void;
  /** Must be called last. */
  close(): Promise<void>;
}

export interface ModulesOptions {
  config: Config;
  store: Store;
  now: () => number;
  /** Returns ms by a monotonic clock. */
  uptime: () => number;
  open: boolean;
  ids?: Ids;
}

/** Creates all modules over a store, in the order of the list. */
export async function createModules({ config, store, ...options }: ModulesOptions): Promise<Modules> {
  const { now, ids = createIds(now, ID_PREFIXES) } = options;
  const coordinatorId = await readIdentity(store, config.coordinatorId);
  const issuer: Issuer = { coordinatorId, signer: await admitSigner(config, store) };
  const operations = createOperations(config, issuer);
  const readiness = createReadiness();
  const closing = new AbortController();
  const shared = { ...options, config, store, ids, issuer, operations, readiness, closing: closing.signal };
  const services: Record<string, unknown> = {};
  for (const module of MODULES as readonly AnyModule[])
    services[module.name] = await module.create({ ...shared, services });
  return {
    ...(services as unknown as Services),
    ...{ config, store, coordinatorId, operations, readiness },
    stopWaiting: () => closing.abort(),
    async close() {
      for (const module of MODULES as readonly AnyModule[]) await module.close(services[module.name]);
    },
  };
}

/** Loads the signing key. Coordinators that share a database must all have the database's key. */
async function admitSigner(config: Config, store: Store): Promise<Signer> {
  const path = signingKeyPath(config);
  const signer = loadSignerFrom(path);
  const admitted = await store.write(admitKey, { keyId: signer.keyId, rotate: config.rotateSigningKey });
  if (!admitted.ok) throw new ConfigError(`--signing-key ${path}: ${admitted.error.detail}`);
  return signer;
}

function loadSignerFrom(path: string): Signer {
  try {
    return loadSigner(path);
  } catch (error) {
    throw new ConfigError(`--signing-key ${path}: ${(error as Error).message}`);
  }
}
