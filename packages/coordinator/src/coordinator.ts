import { isIP } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { compile } from '@fastify/proxy-addr';
import pino from 'pino';
import { buildApp } from './app.ts';
import { startBackground } from './background.ts';
import { type Config, readConfig, type StartOptions } from './config.ts';
import { createModules, type Modules } from './create-modules.ts';
import { clearFiles } from './files/clear-files.ts';
import { limitConnections, watchConnections } from './http/connection.ts';
import { isLoopbackName } from './http/open-mode.ts';
import { logCommits } from './log-commits.ts';
import { type LoggerOptions, openLogger } from './log-output.ts';
import { logTraceFaults } from './log-trace-faults.ts';
import { openStore } from './open-store.ts';
import type { Readiness } from './readiness.ts';
import { type OnWait, retryWhileSlow } from './store/slow-database.ts';
import { runStep, type Store } from './store/store.ts';

export interface RunningCoordinator {
  /** Where it listens: `http://127.0.0.1:8000`. */
  url: string;
  config: Config;
  /** Whether requests without a key are served. */
  open: boolean;
  modules: Modules;
  /** Runs the time-dependent background work once, at once. */
  sweep(): Promise<void>;
  /** Publishes all entries of the ledger at once. */
  publish(): Promise<void>;
  /** Makes all deliveries of webhooks that are due, and waits for their answers. */
  deliver(): Promise<void>;
  /** Stops accepting requests, finishes those in progress, and closes the store. */
  close(): Promise<void>;
}

const NEVER_STOPPED = new AbortController().signal;

/** Starts a coordinator. Throws ConfigError where the configuration can't be used. */
export async function startCoordinator(options: StartOptions = {}): Promise<RunningCoordinator> {
  const { env, configFile, now, logStream, readableLog, background: isTimed = true, ...given } = options;
  const config = readConfig({ given, ...(env && { env }), file: configFile });
  const open = isOpen(config);
  const uptime = now ?? (() => performance.now());
  const { output, logger } = await openLogger(config, { logStream, readableLog });
  const onWait = createWaitLog(logger);
  const { store, modules } = await retryWhileSlow(async () => {
    const store = await openStore(config, now, { exclusive: true, onWait });
    const creating = createModules({ config, store, now: now ?? Date.now, uptime, open });
    return { store, modules: await creating.catch(closeAndRethrow(store)) };
  }, onWait);
  try {
    if (output) modules.readiness.add(output);
    const app = await buildApp(config, modules, { logger, open, uptime });
    const connections = watchConnections(app.server);
    logCommits(store, app.log);
    logTraceFaults(modules.tracing, app.log);
    // This comes before the first request: a job that ends right away must not be charged for the coordinator's absence.
    while (!(await retryWhileSlow(() => keepTime(modules), onWait)));
    limitConnections(app.server, {
      perAddress: config.connectionsPerAddress,
      isExempt: exemptAddresses(config),
    });
    if (open && !isLoopback(config.host)) app.log.warn({ host: config.host }, OPEN_TO_ALL);
    const url = await app.listen({ host: config.host, port: config.port, listenTextResolver: text => text });
    // This starts only now, since after a failed start nothing may keep the process alive.
    const background = startBackground(modules, app.log, { isTimed });
    const announceStop = createStopAnnouncement(config, modules.readiness);
    return {
      url: toReachableUrl(url),
      config,
      open,
      modules,
      async sweep() {
        await store.write(modules.operations.sweepJobs, undefined);
        await modules.maintenance.erase();
        while (await runStep(store, clearFiles));
        while (await modules.batches.work.step(NEVER_STOPPED));
        await modules.scheduling.wakeForStuckJobs();
      },
      async publish() {
        while (await modules.ledger.integrate());
        await modules.ledger.publish(0);
      },
      async deliver() {
        while (await runStep(store, modules.operations.followReceipts));
        await modules.webhooks.deliverer.deliverAll(NEVER_STOPPED);
      },
      async close() {
        await announceStop();
        // Idle keep-alive connections would otherwise delay the stop by up to a minute.
        const closing = setInterval(connections.closeIdle, 20);
        await app.close().finally(() => clearInterval(closing));
        await background.stop();
        await modules.close();
        await store.close();
      },
    };
  } catch (error) {
    return await closeAndRethrow(store)(error);
  }
}

/** Returns a function that makes the coordinator unready, and resolves when proxies had the time to notice. */
function createStopAnnouncement({ stopDelaySeconds }: Config, readiness: Readiness): () => Promise<void> {
  let isStopping = false;
  if (stopDelaySeconds > 0)
    readiness.add({
      component: 'server',
      check: () => (isStopping ? 'The coordinator is about to stop' : undefined),
    });
  return async () => {
    isStopping = true;
    if (stopDelaySeconds > 0) await setTimeout(stopDelaySeconds * 1000);
  };
}

/** Closes the store of a coordinator that could not be started. */
const closeAndRethrow = (store: Store) => async (error: unknown) => {
  await store.close();
  throw error;
};

/** Logs each message about a waiting start once. It makes its own logger, since there is no server yet. */
function createWaitLog(logger: false | LoggerOptions): OnWait {
  const told = new Set<string>();
  return text => {
    if (logger && !told.has(text)) pino({ level: logger.level }, logger.stream).warn(text);
    told.add(text);
  };
}

/** Runs a step of timekeeping. Resolves with whether all jobs that ran during the absence got their extra time. */
async function keepTime({ maintenance }: Modules): Promise<boolean> {
  const outcome = await maintenance.keepTime();
  return !outcome.ok || outcome.value.isGranted;
}

function isOpen({ mode, host }: Config): boolean {
  if (mode !== 'auto') return mode === 'open';
  return isLoopback(host);
}

const OPEN_TO_ALL =
  'this coordinator asks for no key on an address that others reach: whoever does may submit jobs, and run them. --mode keyed asks for keys';

const isLoopback = (host: string) => isLoopbackName(host);

/** This machine and trusted proxies have no limit. If `trustProxy` is a number, every connection comes from a proxy. */
function exemptAddresses({ trustProxy }: Config): (address: string) => boolean {
  if (typeof trustProxy === 'number') return () => true;
  const isProxy = compile(['loopback', ...(typeof trustProxy === 'boolean' ? [] : trustProxy)]);
  return address => isIP(address) !== 0 && isProxy(address, 0);
}

/** Replaces the address of all interfaces, which clients can't connect to, by a loopback address. */
function toReachableUrl(url: string): string {
  return url.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
}
