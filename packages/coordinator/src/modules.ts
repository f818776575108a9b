import { access, constants } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Signer } from '@aitbc/receipts';
import { type Accounts, createAccounts } from './accounts/keys.ts';
import { type Batches, createBatches } from './batches/batches.ts';
import { type BatchWork, createBatchWork } from './batches/work.ts';
import { type ClockWatch, createClockWatch } from './clock-watch.ts';
import { type Config, ConfigError } from './config.ts';
import { createExplorer, type Explorer } from './explorer/explorer.ts';
import { createFiles, type Files } from './files/files.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import { createGrants, type Grants } from './grants/grants.ts';
import { readIdentity } from './identity.ts';
import { createIds, type Ids } from './ids.ts';
import { createMinerJobs, type MinerJobs } from './jobs/leases/miner-jobs.ts';
import type { Elapsed } from './jobs/maintenance/elapsed-time.ts';
import { createWaits, type Waits } from './jobs/scheduling/waiting.ts';
import { readWorkload } from './jobs/scheduling/workload.ts';
import { createJobEvents, type JobEvents, PAGE } from './jobs/streaming/follow-job.ts';
import { createRecentChunks } from './jobs/streaming/recent-chunks.ts';
import { type ClientJobs, createClientJobs } from './jobs/submitting/client-jobs.ts';
import { createLedger, type Ledger } from './ledger/ledger.ts';
import { createLimits, type Limits } from './limits/limits.ts';
import { createDirectory, type Directory } from './miners/directory.ts';
import { createMiners, type Miners, readAway, readOnline } from './miners/miners.ts';
import { createModelDirectory, type ModelDirectory } from './miners/models.ts';
import { reputationPolicy } from './miners/reputation.ts';
import { createOperations } from './operations.ts';
import { createReadiness, type Readiness } from './readiness.ts';
import { admitKey, createReceipts, type Receipts } from './receipts/receipts.ts';
import { loadSigner, signingKeyPath } from './receipts/signing-key.ts';
import type { Operation } from './store/operation.ts';
import type { Store } from './store/store.ts';

/** Everything behind the HTTP surface. */
export interface Modules {
  store: Store;
  accounts: Accounts;
  clientJobs: ClientJobs;
  minerJobs: MinerJobs;
  jobEvents: JobEvents;
  gateway: Gateway;
  files: Files;
  batches: Batches;
  miners: Miners;
  receipts: Receipts;
  grants: Grants;
  ledger: Ledger;
  explorer: Explorer;
  directory: Directory;
  models: ModelDirectory;
  waits: Waits;
  readiness: Readiness;
  clockWatch: ClockWatch;
  limits: Limits;
  coordinatorId: string;
  signer: Signer;
  /** What time brings about, a step each: all answer whether another one has something to do. */
  keepTime: Operation<undefined, Elapsed>;
  sweep: Operation<undefined, { more: boolean }>;
  erase: Operation<undefined, { more: boolean }>;
  clear: Operation<undefined, { more: boolean }>;
  batchWork: BatchWork;
}

/** Coordinators that share a database sign with one key: a key that is not the database's comes from a mistake. */
async function admitSigner(config: Config, store: Store): Promise<Signer> {
  const path = signingKeyPath(config);
  const signer = signerIn(path);
  const admitted = await store.write(admitKey, { keyId: signer.keyId, rotate: config.rotateSigningKey });
  if (!admitted.ok) throw new ConfigError(`--signing-key ${path}: ${admitted.error.detail}`);
  return signer;
}

function signerIn(path: string): Signer {
  try {
    return loadSigner(path);
  } catch (error) {
    throw new ConfigError(`--signing-key ${path}: ${(error as Error).message}`);
  }
}

/** A key that is gone is missed at the next start only, when nobody has it any more. */
async function unreadable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return `--signing-key ${path} can't be read: ${(error as Error).message}. Bring it back before the coordinator is started again`;
  }
}

const CATCH_UP_AGAIN_MS = 1_000;

/** Reads the live miners anew, and again until that succeeds. What changes meanwhile is told once more. */
async function catchUp(store: Store, directory: Directory, waits: Waits): Promise<void> {
  while (!waits.closed) {
    try {
      return await directory.reset(() => readOnline(store));
    } catch {
      await setTimeout(CATCH_UP_AGAIN_MS, undefined, { ref: false });
    }
  }
}

export interface ModulesOptions {
  config: Config;
  store: Store;
  now: () => number;
  /** Milliseconds by a clock that nobody sets. */
  uptime: () => number;
  open: boolean;
  ids?: Ids;
}

/** Creates the modules over a store. */
export async function createModules({
  config,
  store,
  now,
  uptime,
  open,
  ids = createIds(now),
}: ModulesOptions): Promise<Modules> {
  const coordinatorId = await readIdentity(store, config.coordinatorId);
  const signer = await admitSigner(config, store);
  const ledger = await createLedger({ config, store, coordinatorId, now });
  const operations = createOperations(config, { coordinatorId, signer });

  const readiness = createReadiness();
  readiness.add({
    component: 'store',
    async check() {
      await store.ping();
      return undefined;
    },
  });
  readiness.add({ component: 'ledger', check: ledger.unready });
  readiness.add({ component: 'signing_key', check: () => unreadable(signingKeyPath(config)) });
  const clockWatch = createClockWatch(now, uptime);
  readiness.add(clockWatch);
  const waits = createWaits();
  const recentChunks = createRecentChunks(PAGE);
  const directory = createDirectory(now);
  store.onCommit(events => {
    directory.apply(events);
    recentChunks.apply(events);
    waits.apply(events);
    for (const event of events) if (event.type === 'clock.set') clockWatch.settled(event.setByMs);
    if (events.some(event => event.type === 'missed')) void catchUp(store, directory, waits);
  });
  const memoryMs = config.modelMemorySeconds * 1000;
  directory.remember(await readAway(store, now() - memoryMs));
  await directory.reset(() => readOnline(store));

  const accounts = await createAccounts({
    store,
    now,
    open,
    coordinatorId,
    cacheMs: config.keyCacheSeconds * 1000,
  });
  const receipts = createReceipts(store, coordinatorId, ledger);
  const miners = createMiners({
    config,
    store,
    coordinatorId,
    now,
    reputation: reputationPolicy(config),
    operations,
    workload: () => readWorkload(store),
  });
  const models = createModelDirectory({ store, directory, now, memoryMs });
  const limits = createLimits({
    store,
    tiers: config.tiers,
    enabled: config.limits === 'on' || (config.limits === 'auto' && !open),
    overloadMs: config.overloadSeconds * 1000,
  });
  const clientJobs = createClientJobs({ config, store, ids, directory, waits, limits, operations, now });
  const jobEvents = createJobEvents({
    store,
    waits,
    recentChunks,
    receipts,
    limits: {
      all: config.maxStreams,
      perAccount: principal => limits.streamsOf(principal) ?? config.maxStreamsPerAccount,
    },
  });
  return {
    store,
    accounts,
    miners,
    directory,
    models,
    waits,
    limits,
    readiness,
    clockWatch,
    coordinatorId,
    signer,
    ledger,
    explorer: createExplorer({ store, ledger, now }),
    receipts,
    grants: createGrants({ config, store, ids, ledger, operations }),
    clientJobs,
    minerJobs: createMinerJobs({ config, store, ids, miners, directory, waits, limits, operations }),
    jobEvents,
    gateway: createGateway({ jobs: clientJobs, events: jobEvents, models }),
    files: createFiles({ config, store, ids, limits, operations }),
    batches: createBatches({ config, store, ids, operations }),
    batchWork: createBatchWork({ config, store, ids, now, jobs: clientJobs, limits, operations }),
    keepTime: operations.keepTime,
    sweep: operations.sweepJobs,
    erase: operations.eraseTexts,
    clear: operations.clearFiles,
  };
}
