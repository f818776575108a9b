import { join } from 'node:path';
import type { Signer } from '@aitbc/receipts';
import { type Accounts, createAccounts } from './accounts/keys.ts';
import type { Config } from './config.ts';
import { readIdentity } from './identity.ts';
import { createIds, type Ids } from './ids.ts';
import { type ClientJobs, createClientJobs } from './jobs/client-jobs.ts';
import { createMinerJobs, type MinerJobs } from './jobs/miner-jobs.ts';
import { sweepJobs } from './jobs/sweep.ts';
import { createWaits, type Waits } from './jobs/waiting.ts';
import { readWorkload } from './jobs/workload.ts';
import { createDirectory, type Directory } from './miners/directory.ts';
import { createMiners, type Miners, readOnline } from './miners/miners.ts';
import { createReceipts, publishKey, type Receipts } from './receipts/receipts.ts';
import { loadSigner } from './receipts/signing-key.ts';
import type { Operation } from './store/operation.ts';
import type { Store } from './store/store.ts';

/** Everything behind the HTTP surface. */
export interface Rooms {
  store: Store;
  accounts: Accounts;
  clientJobs: ClientJobs;
  minerJobs: MinerJobs;
  miners: Miners;
  receipts: Receipts;
  directory: Directory;
  waits: Waits;
  coordinatorId: string;
  signer: Signer;
  sweep: Operation<undefined, { more: boolean }>;
}

export interface RoomsOptions {
  config: Config;
  store: Store;
  now: () => number;
  open: boolean;
  ids?: Ids;
}

/** Furnishes the rooms over a store. */
export async function createRooms({
  config,
  store,
  now,
  open,
  ids = createIds(now),
}: RoomsOptions): Promise<Rooms> {
  const signer = loadSigner(join(config.data, 'signing-key.pem'));
  const coordinatorId = await readIdentity(store, config.coordinatorId, ids);
  await store.write(publishKey, { keyId: signer.keyId });

  const waits = createWaits();
  const directory = createDirectory(await readOnline(store));
  store.onCommit(events => {
    directory.apply(events);
    waits.apply(events);
  });

  const rateOf = (model: string) => config.rates[model] ?? config.rate;
  const terms = {
    leaseMs: config.leaseSeconds * 1000,
    timeoutMs: config.jobTimeoutSeconds * 1000,
    backoffMs: config.retryBackoffSeconds * 1000,
  };
  const accounts = await createAccounts({
    store,
    now,
    open,
    coordinatorId,
    cacheMs: config.keyCacheSeconds * 1000,
  });
  const miners = createMiners({ config, store, coordinatorId, workload: () => readWorkload(store) });
  return {
    store,
    accounts,
    miners,
    directory,
    waits,
    coordinatorId,
    signer,
    receipts: createReceipts(store, coordinatorId),
    clientJobs: createClientJobs({ config, store, ids, directory, waits }),
    minerJobs: createMinerJobs({
      config,
      store,
      ids,
      miners,
      waits,
      claimTerms: { ...terms, offerMs: config.offerSeconds * 1000, rateOf },
      receiptTerms: { coordinatorId, signer, rateOf },
    }),
    sweep: sweepJobs({
      ...terms,
      minerTimeoutMs: config.minerTimeoutSeconds * 1000,
      absenceMs: Math.max(5_000, 5 * config.sweepSeconds * 1000),
    }),
  };
}
