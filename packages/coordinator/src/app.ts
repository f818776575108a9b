import { randomUUID } from 'node:crypto';
import type { ConfiguredLimits } from '@aitbc/protocol';
import cors from '@fastify/cors';
import Fastify, { type FastifyServerOptions, LogController } from 'fastify';
import type { Config } from './config.ts';
import { configuredOptions } from './configured-options.ts';
import type { Modules } from './create-modules.ts';
import type { AnyModule } from './define-module.ts';
import { useOpenAiErrors } from './gateway/error-handler.ts';
import { createGuards, type Guards } from './http/authentication.ts';
import { takeJsonBodies } from './http/bodies.ts';
import { limitBodies } from './http/body-limits.ts';
import { configurationRoute } from './http/configuration.ts';
import { rejectRevokedRequests } from './http/connection.ts';
import { setSecurityHeaders } from './http/headers.ts';
import { healthRoutes } from './http/health.ts';
import { observeRequests } from './http/observe-requests.ts';
import { isLoopbackOrigin, rejectForeignPages } from './http/open-mode.ts';
import { answerErrors, answerFrameworkError, answerUnreadable } from './http/problem.ts';
import { sendOpenAiRateHeaders, sendRateHeaders } from './http/rate-headers.ts';
import { serveReference } from './http/reference.ts';
import { requestLogger } from './http/request-log.ts';
import type { App } from './http/routes.ts';
import { shareAnswers } from './http/shared-answers.ts';
import { traceRequests } from './http/trace-requests.ts';
import { passInTurn } from './http/turns.ts';
import { answerUnknownRoutes } from './http/unknown-routes.ts';
import { checkRequests, writeAnswers } from './http/validation.ts';
import { MODULES } from './modules.ts';
import { VERSION } from './version.ts';

export interface AppOptions {
  logger: FastifyServerOptions['logger'];
  /** Whether requests without a key are served. */
  open: boolean;
  /** Returns ms by a monotonic clock. */
  uptime: () => number;
}

const MiB = 1024 * 1024;

/** Builds the HTTP server over the modules. The caller makes it listen, and closes it. */
export async function buildApp(config: Config, modules: Modules, options: AppOptions): Promise<App> {
  const { logger, open, uptime } = options;
  const app: App = Fastify({
    ...(logger !== undefined && { logger }),
    // A log line costs more than a request, so only the levels debug and trace log requests.
    logController: new LogController({
      disableRequestLogging: config.logLevel !== 'debug' && config.logLevel !== 'trace',
    }),
    childLoggerFactory: requestLogger,
    bodyLimit: config.bodyLimit,
    trustProxy: trustedProxies(config),
    requestIdHeader: false,
    genReqId: () => `req-${randomUUID()}`,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 128 },
    rewriteUrl: request => withoutApiPrefix(request.url ?? '/'),
    forceCloseConnections: 'idle',
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerUnreadable,
  });
  observeRequests(app, modules.metrics.requests);
  traceRequests(app, modules.tracing.tracing);
  setSecurityHeaders(app);
  if (open)
    rejectForeignPages(app, {
      hosts: namesIn(config.allowedHosts).concat(config.host),
      origins: namesIn(config.corsOrigin),
    });
  rejectRevokedRequests(app);
  limitBodies(app, { seconds: config.bodySeconds, memory: config.bodyMemory * MiB });
  takeJsonBodies(app, modules.limits);
  shareAnswers(app, uptime);
  passInTurn(app, modules.limits);
  checkRequests(app);
  writeAnswers(app);
  answerErrors(app);
  await app.register(cors, corsOptions(config, open));
  answerUnknownRoutes(app);
  await serveReference(app, { version: VERSION, open, limits: limitsOf(config) });
  await app.register(async scope => {
    const guards = createGuards(modules.accounts, { limits: modules.limits });
    sendRateHeaders(scope, modules.limits);
    configurationRoute(scope, { configured: () => configuredOptions(config), guards });
    healthRoutes(scope, { readiness: modules.readiness, guards, version: VERSION });
    await registerRoutes(scope, 'own', modules, guards);
    await scope.register(async openAi => {
      useOpenAiErrors(openAi);
      sendOpenAiRateHeaders(openAi, modules.limits);
      const tolerant = createGuards(modules.accounts, { toleratePlaceholders: true, limits: modules.limits });
      await registerRoutes(openAi, 'openai', modules, tolerant);
    });
  });
  // Closing waits for open requests, so long polls must end first.
  app.addHook('preClose', async () => modules.stopWaiting());
  await app.ready();
  return app;
}

/** Registers each module's routes as a separate plugin, so that a module's hooks apply only to its own routes. */
async function registerRoutes(
  app: App,
  api: AnyModule['api'],
  modules: Modules,
  guards: Guards,
): Promise<void> {
  for (const module of MODULES as readonly AnyModule[]) {
    if (module.api !== api) continue;
    const service = modules[module.name as keyof Modules];
    const context = { config: modules.config, store: modules.store, service, services: modules, guards };
    await app.register(async scope => {
      scope.addHook('onRequest', (_request, _reply, done) => {
        modules.store.requireCurrent();
        done();
      });
      await module.routes(scope, context);
    });
  }
}

/** Every route is served below `/` and below `/api`. */
function withoutApiPrefix(url: string): string {
  return /^\/api(?=$|[/?])/.test(url) ? url.slice('/api'.length).replace(/^(?!\/)/, '/') : url;
}

/** The configured limits that the API reference shows. */
const limitsOf = ({ maxPriority, rate, rates, tokenRates, minRunSeconds }: Config): ConfiguredLimits => ({
  highestPriority: maxPriority,
  leastMaxPrice: Object.keys({ ...rates, ...tokenRates }).length > 0 ? undefined : rate * minRunSeconds,
});

/** A number of proxies becomes a function, since Fastify does not trust the connecting address for a plain number. */
function trustedProxies({ trustProxy }: Config): FastifyServerOptions['trustProxy'] & {} {
  if (typeof trustProxy === 'boolean') return trustProxy;
  if (typeof trustProxy === 'number') return (_address: string, hop: number) => hop < trustProxy;
  return [...trustProxy];
}

const namesIn = (list: string) => list.split(',').map(name => name.trim());

/** The library would join a list for each response. */
const EXPOSED_HEADERS = [
  ...['link', 'location', 'retry-after', 'idempotent-replayed', 'preference-applied', 'x-request-id'],
  ...['aitbc-job-id', 'aitbc-receipt-id', 'aitbc-miner-id', 'aitbc-overhead-ms'],
  ...['ratelimit', 'ratelimit-policy'],
].join(', ');

function corsOptions({ corsOrigin }: Config, open: boolean) {
  const origins = namesIn(corsOrigin);
  return {
    origin: open
      ? (origin: string | undefined, done: (error: null, isAllowed: boolean) => void) =>
          // Without an origin it is no page that asks, which needs no headers.
          done(null, origin !== undefined && (isLoopbackOrigin(origin) || origins.includes(origin)))
      : corsOrigin === '*'
        ? '*'
        : origins,
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    // Any other OPTIONS request gets the response of an unknown route, in the usual shape of errors.
    strictPreflight: false,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 86_400,
  };
}
