import type { FastifyBaseLogger } from 'fastify';

type Bindings = Parameters<FastifyBaseLogger['child']>[0];
type ChildOptions = Parameters<FastifyBaseLogger['child']>[1];

const METHODS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent', 'child'] as const;

/** A logger whose lines have these bindings. Most requests log nothing, so pino's child is made for the first line. */
class LazyLogger {
  readonly #parent: FastifyBaseLogger;
  readonly #bindings: Bindings;
  readonly #options: ChildOptions;
  #child: FastifyBaseLogger | undefined;

  constructor(parent: FastifyBaseLogger, bindings: Bindings, options: ChildOptions) {
    this.#parent = parent;
    this.#bindings = bindings;
    this.#options = options;
  }

  get log(): FastifyBaseLogger {
    this.#child ??= this.#parent.child(this.#bindings, this.#options);
    return this.#child;
  }

  get level() {
    return this.log.level;
  }
}

for (const method of METHODS)
  Object.defineProperty(LazyLogger.prototype, method, {
    value(this: LazyLogger, ...args: never[]) {
      const { log } = this;
      return (log[method] as (...args: never[]) => unknown).apply(log, args);
    },
  });

/** Makes the logger of a request, for Fastify's option `childLoggerFactory`. */
export const requestLogger = (parent: FastifyBaseLogger, bindings: Bindings, options: ChildOptions) =>
  new LazyLogger(parent, bindings, options) as unknown as FastifyBaseLogger;
