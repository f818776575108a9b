import type { Signer } from '@aitbc/receipts';
import type { Guards } from './http/authentication.ts';
import type { App } from './http/routes.ts';
import type { Ids } from './ids.ts';
import type { Log } from './log-output.ts';
import type { OptionTable, ValuesOf } from './option.ts';
import type { Readiness } from './readiness.ts';
import type { ServerConfig } from './server-options.ts';
import type { Operation, WriteContext } from './store/operation.ts';
import type { StoreConfig } from './store/options.ts';
import type { Store } from './store/store.ts';
import type { Topics } from './store/topics.ts';

/*
 * Each module exports a description of itself: its name, options, operations, routes and background tasks. `modules.ts`
 * lists the descriptions, and everything else is a loop over that list.
 *
 * The thread that writes to SQLite needs the operations and nothing else. So a description imports its operations and
 * options at once, and its service and routes when they are created.
 */

/** Operations by name. */
export type OperationTable = Readonly<Record<string, Operation<never, unknown>>>;

/** Functions by topic that run within the transaction of a change. Each call gets all changes of one operation. */
export type Subscriptions = {
  [Topic in keyof Topics]?: (changes: readonly Topics[Topic][], context: WriteContext) => Promise<void>;
};

/** The signer of receipts, and the coordinator's name in them. */
export interface Issuer {
  coordinatorId: string;
  signer: Signer;
}

/** Background work. Any number of processes may run it at once. */
export interface Task {
  name: string;
  everyMs: number;
  /** Pause between steps while there is more work, as a multiple of the last step's duration. */
  rest: number;
  /** Each step writes, so a successful step proves that the database takes writes. */
  writes?: true;
  /** Resolves with whether another step has work to do at once. */
  step(stopped: AbortSignal): Promise<boolean>;
}

/** A module's description as the loops over all modules see it. */
export interface Module<Name extends string, Table extends OptionTable, Operations, Service> {
  readonly name: Name;
  readonly uses: readonly AnyModule[];
  readonly options: Table;
  /** Prefixes of the ids that the module creates. */
  readonly idPrefixes: readonly string[];
  readonly subscribes: Subscriptions;
  /** `openai` for routes with OpenAI's errors, which accept placeholder keys in open mode. */
  readonly api: 'own' | 'openai';
  // biome-ignore lint/suspicious/noExplicitAny: each gets what the modules before it in the list have created.
  operations(setting: any): Operations;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  create(context: any): Service | Promise<Service>;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  routes(app: App, context: any): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  tasks(context: any): readonly Task[];
  close(service: Service): void | Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: the type of a list has none of its own.
export type AnyModule = Module<string, OptionTable, any, any>;

type NameOf<M> = M extends Module<infer Name, OptionTable, unknown, unknown> ? Name : never;
type UnionToIntersection<U> = (U extends unknown ? (union: U) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;

/** The services of a list of modules, by name. */
export type ServicesOf<M extends readonly AnyModule[]> = {
  readonly [Each in M[number] as NameOf<Each>]: Awaited<ReturnType<Each['create']>>;
};

/** All operations of the modules of a list. */
export type OperationsOf<M extends readonly AnyModule[]> = M extends readonly []
  ? Record<never, never>
  : UnionToIntersection<ReturnType<M[number]['operations']>>;

/** All options of the modules of a list. */
export type OptionsOf<M extends readonly AnyModule[]> = M extends readonly []
  ? Record<never, never>
  : UnionToIntersection<M[number]['options']>;

/** The part of the configuration that a module sees. */
type ConfigOf<
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
> = ServerConfig &
  StoreConfig &
  ValuesOf<Reads> &
  ValuesOf<Table> &
  (OptionsOf<Uses> extends infer T extends OptionTable ? ValuesOf<T> : never);

/** What a module gets to create its operations. */
interface OperationContext<
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
> {
  config: ConfigOf<Uses, Reads, Table>;
  issuer: Issuer;
  /** Operations of the modules that this one uses. */
  operations: OperationsOf<Uses>;
}

/** What a module gets to create its service. */
interface Context<
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
  Operations,
> {
  config: ConfigOf<Uses, Reads, Table>;
  store: Store;
  /** Returns ms since the epoch. */
  now: () => number;
  /** Returns ms by a monotonic clock. */
  uptime: () => number;
  ids: Ids;
  /** Whether requests without a key are served. */
  open: boolean;
  issuer: Issuer;
  readiness: Readiness;
  /** Aborts when the coordinator stops, so that waiting requests end. */
  closing: AbortSignal;
  operations: Operations & OperationsOf<Uses>;
  services: ServicesOf<Uses>;
}

interface RouteContext<
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
  Service,
> {
  config: ConfigOf<Uses, Reads, Table>;
  store: Store;
  service: Service;
  services: ServicesOf<Uses>;
  guards: Guards;
}

interface TaskContext<
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
  Operations,
  Service,
> {
  config: ConfigOf<Uses, Reads, Table>;
  store: Store;
  service: Service;
  services: ServicesOf<Uses>;
  operations: Operations & OperationsOf<Uses>;
  log: Log;
}

/** A description as a module writes it. Each member's type depends only on the members before it. */
export interface Description<
  Name extends string,
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
  Operations,
  Service,
> {
  name: Name;
  /** Modules whose services, operations and options this one needs. They must come before it in the list. */
  uses?: Uses;
  /** Options of other modules whose services this one does not need. */
  reads?: Reads;
  options?: Table;
  idPrefix?: string | readonly string[];
  operations?: (setting: OperationContext<Uses, Reads, Table>) => Operations;
  subscribes?: Subscriptions;
  create?: (context: Context<Uses, Reads, Table, Operations>) => Service | Promise<Service>;
  api?: 'openai';
  routes?: (app: App, context: RouteContext<Uses, Reads, Table, Service>) => Promise<void>;
  tasks?: (context: TaskContext<Uses, Reads, Table, Operations, Service>) => readonly Task[];
  /** Called last, when no other part needs the module any more. */
  close?: (service: Service) => void | Promise<void>;
}

export function defineModule<
  const Name extends string,
  const Uses extends readonly AnyModule[] = readonly [],
  Reads extends OptionTable = Record<never, never>,
  Table extends OptionTable = Record<never, never>,
  Operations = Record<never, never>,
  Service = undefined,
>(
  description: Description<Name, Uses, Reads, Table, Operations, Service>,
): Module<Name, Table, Operations, Awaited<Service>> {
  const { idPrefix = [], ...given } = description;
  const defaults = {
    uses: [],
    options: {},
    subscribes: {},
    api: 'own',
    operations: () => ({}),
    create: () => undefined,
    routes: async () => {},
    tasks: () => [],
    close: () => {},
  };
  return {
    ...defaults,
    ...given,
    idPrefixes: [idPrefix].flat(),
  } as unknown as Module<Name, Table, Operations, Awaited<Service>>;
}
