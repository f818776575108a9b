import { randomUUID } from 'node:crypto';
import type { ConfiguredLimits } from '@aitbc/protocol';
import cors from '@fastify/cors';
import Fastify, { type FastifyServerOptions, LogController } from 'fastify';
import { accountRoutes } from './accounts/routes.ts';
import { batchRoutes } from './batches/routes.ts';
import type { Config } from './config.ts';
import { explorerRoutes } from './explorer/routes.ts';
import { fileRoutes } from './files/routes.ts';
import { gatewayRoutes } from './gateway/routes.ts';
import { grantRoutes } from './grants/routes.ts';
import { createGuards } from './http/authentication.ts';
import { takeJsonBodies } from './http/bodies.ts';
import { limitBodies } from './http/body-limits.ts';
import { endRevokedRequests } from './http/connection.ts';
import { guardAnswers } from './http/headers.ts';
import { healthRoutes } from './http/health.ts';
import { isLoopbackOrigin, stayAtHome } from './http/open-mode.ts';
import { answerErrors, answerFrameworkError, answerUnreadable } from './http/problem.ts';
import { tellOpenAiRates, tellRates } from './http/rate-headers.ts';
import { serveReference } from './http/reference.ts';
import type { App } from './http/routes.ts';
import { answerUnknownRoutes } from './http/unknown-routes.ts';
import { checkRequests, writeAnswers } from './http/validation.ts';
import { minerJobRoutes } from './jobs/leases/routes.ts';
import { streamRoutes } from './jobs/streaming/routes.ts';
import { clientJobRoutes } from './jobs/submitting/routes.ts';
import { ledgerRoutes } from './ledger/routes.ts';
import { minerRoutes } from './miners/routes.ts';
import type { Modules } from './modules.ts';
import { receiptRoutes } from './receipts/routes.ts';
import { VERSION } from './version.ts';

export interface AppOptions {
  logger: FastifyServerOptions['logger'];
  /** Requests without a key are served. */
  open: boolean;
}

const MiB = 1024 * 1024;

/** The HTTP surface over the modules. The caller listens and closes. */
export async function buildApp(config: Config, modules: Modules, { logger, open }: AppOptions): Promise<App> {
  const app: App = Fastify({
    ...(logger !== undefined && { logger }),
    // One line a request costs more than the request: ask for them with the level debug.
    logController: new LogController({
      disableRequestLogging: config.logLevel !== 'debug' && config.logLevel !== 'trace',
    }),
    bodyLimit: config.bodyLimit,
    trustProxy: trusted(config),
    requestIdHeader: false,
    genReqId: () => `req-${randomUUID()}`,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 128 },
    rewriteUrl: request => withoutApiPrefix(request.url ?? '/'),
    forceCloseConnections: 'idle',
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerUnreadable,
  });
  guardAnswers(app);
  if (open)
    stayAtHome(app, {
      hosts: namesIn(config.allowedHosts).concat(config.host),
      origins: namesIn(config.corsOrigin),
    });
  endRevokedRequests(app);
  limitBodies(app, { seconds: config.bodySeconds, memory: config.bodyMemory * MiB });
  takeJsonBodies(app);
  checkRequests(app);
  writeAnswers(app);
  answerErrors(app);
  await app.register(cors, corsOptions(config, open));
  answerUnknownRoutes(app);
  await serveReference(app, { version: VERSION, open, limits: limitsOf(config) });
  await app.register(async scope => {
    const guards = createGuards(modules.accounts, { limits: modules.limits });
    tellRates(scope, modules.limits);
    healthRoutes(scope, { readiness: modules.readiness, guards, version: VERSION });
    clientJobRoutes(scope, {
      jobs: modules.clientJobs,
      receipts: modules.receipts,
      guards,
      batchBodyLimit: config.batchBodyLimit,
    });
    minerJobRoutes(scope, { jobs: modules.minerJobs, guards });
    streamRoutes(scope, {
      events: modules.jobEvents,
      jobs: modules.minerJobs,
      guards,
      heartbeatMs: config.streamHeartbeatSeconds * 1000,
      lineLimit: config.bodyLimit,
      bodyLimits: streamTimes(config),
    });
    minerRoutes(scope, { miners: modules.miners, jobs: modules.minerJobs, guards });
    receiptRoutes(scope, { receipts: modules.receipts, guards });
    grantRoutes(scope, { grants: modules.grants, guards });
    accountRoutes(scope, {
      store: modules.store,
      guards,
      billing: config.billing === 'prepaid' ? 'prepaid' : 'postpaid',
    });
    ledgerRoutes(scope, { ledger: modules.ledger, guards });
    explorerRoutes(scope, { explorer: modules.explorer, guards });
    await scope.register(async openAi => {
      const tolerant = createGuards(modules.accounts, { toleratePlaceholders: true, limits: modules.limits });
      tellOpenAiRates(openAi, modules.limits);
      gatewayRoutes(openAi, {
        gateway: modules.gateway,
        guards: tolerant,
        heartbeatMs: config.streamHeartbeatSeconds * 1000,
        bodyLimit: config.bodyLimit + config.mediaLimit,
      });
      batchRoutes(openAi, { batches: modules.batches, guards: tolerant });
      await openAi.register(async scope =>
        fileRoutes(scope, {
          files: modules.files,
          guards: tolerant,
          bodyLimits: { idleSeconds: config.bodySeconds, totalSeconds: config.uploadSeconds },
        }),
      );
    });
  });
  // Long polls hold their requests open: end them first, or closing would wait for each.
  app.addHook('preClose', async () => modules.waits.close());
  await app.ready();
  return app;
}

/** Both `/` and `/api` prefix every route. */
function withoutApiPrefix(url: string): string {
  return /^\/api(?=$|[/?])/.test(url) ? url.slice('/api'.length).replace(/^(?!\/)/, '/') : url;
}

/** What the reference says of the limits here. */
const limitsOf = ({ maxPriority, rate, rates, tokenRates, minRunSeconds }: Config): ConfiguredLimits => ({
  highestPriority: maxPriority,
  leastMaxPrice: Object.keys({ ...rates, ...tokenRates }).length > 0 ? undefined : rate * minRunSeconds,
});

/** A model may be silent for as long as its job may take. */
const streamTimes = ({ jobTimeoutSeconds, uploadSeconds }: Config) => ({
  idleSeconds: jobTimeoutSeconds,
  totalSeconds: Math.max(jobTimeoutSeconds, uploadSeconds),
});

/** Fastify takes a number for none, since whoever connects may be no proxy: here the operator says that it is one. */
function trusted({ trustProxy }: Config): FastifyServerOptions['trustProxy'] & {} {
  if (typeof trustProxy === 'boolean') return trustProxy;
  if (typeof trustProxy === 'number') return (_address: string, hop: number) => hop < trustProxy;
  return [...trustProxy];
}

const namesIn = (list: string) => list.split(',').map(name => name.trim());

function corsOptions({ corsOrigin }: Config, open: boolean) {
  const origins = namesIn(corsOrigin);
  return {
    origin: open
      ? async (origin: string | undefined) =>
          origin === undefined || isLoopbackOrigin(origin) || origins.includes(origin)
      : corsOrigin === '*'
        ? '*'
        : origins,
    methods: ['GET', 'POST', 'DELETE'],
    // Any other OPTIONS request gets the answer of an unknown route, in the shape of all errors.
    strictPreflight: false,
    exposedHeaders: [
      ...['link', 'location', 'retry-after', 'idempotent-replayed', 'preference-applied'],
      ...['x-request-id', 'aitbc-job-id', 'aitbc-receipt-id', 'ratelimit', 'ratelimit-policy'],
    ],
    maxAge: 86_400,
  };
}
