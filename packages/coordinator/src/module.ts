import type { Signer } from '@aitbc/receipts';
import type { Guards } from './http/authentication.ts';
import type { App } from './http/routes.ts';
import type { Ids } from './ids.ts';
import type { SavedChange } from './jobs/job.ts';
import type { Log } from './log-output.ts';
import type { OptionTable, ValuesOf } from './option.ts';
import type { Readiness } from './readiness.ts';
import type { ServerConfig } from './server-options.ts';
import type { Operation, WriteContext } from './store/operation.ts';
import type { StoreConfig } from './store/options.ts';
import type { Store } from './store/store.ts';

/*
 * A module describes itself: what it is called, which options it has, what it writes, which routes serve it and what it
 * does in the background. `modules.ts` lists the descriptions, and everything else is a loop over that list.
 *
 * The thread that writes to SQLite needs the operations and nothing else. So a description imports its operations and
 * options at once, and its service and routes when they are created.
 */

/** Kinds of writes by name. */
export type OperationTable = Readonly<Record<string, Operation<never, unknown>>>;

/** Calls of operations within their transaction, by what has happened. Each gets all that one step has changed. */
export interface Subscriptions {
  'job.changed'?: (changes: readonly SavedChange[], context: WriteContext) => Promise<void>;
}

/** Who signs receipts, and the name of the coordinator in them. */
export interface Issuer {
  coordinatorId: string;
  signer: Signer;
}

/** Work that nobody asks for. Any number of processes may do it at once. */
export interface Task {
  name: string;
  everyMs: number;
  /** Pause between steps that follow each other, as a multiple of what a step took. */
  rest: number;
  /** Each step writes: reads may be answered again before writes are. */
  writes?: true;
  /** Answers whether another step has something to do at once. */
  step(stopped: AbortSignal): Promise<boolean>;
}

/** A description, as the loops over all modules see it. */
export interface Module<Name extends string, Table extends OptionTable, Operations, Service> {
  readonly name: Name;
  readonly uses: readonly AnyModule[];
  readonly options: Table;
  /** What the ids begin with that the module makes. */
  readonly idPrefixes: readonly string[];
  readonly subscribes: Subscriptions;
  /** Routes of OpenAI's API have its errors, and take its placeholders for keys. */
  readonly api: 'own' | 'openai';
  // biome-ignore lint/suspicious/noExplicitAny: each gets what the modules before it in the list have created.
  operations(setting: any): Operations;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  create(context: any): Service | Promise<Service>;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  routes(app: App, context: any): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  tasks(context: any): readonly Task[];
  close(service: Service): void;
}

// biome-ignore lint/suspicious/noExplicitAny: the type of a list has none of its own.
export type AnyModule = Module<string, OptionTable, any, any>;

type NameOf<M> = M extends Module<infer Name, OptionTable, unknown, unknown> ? Name : never;
type UnionToIntersection<U> = (U extends unknown ? (union: U) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;

/** What the modules of a list offer, by their names. */
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

/** What a module sees of the configuration. */
type ConfigOf<
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
> = ServerConfig &
  StoreConfig &
  ValuesOf<Reads> &
  ValuesOf<Table> &
  (OptionsOf<Uses> extends infer T extends OptionTable ? ValuesOf<T> : never);

/** What operations are made from. */
interface OperationContext<
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
> {
  config: ConfigOf<Uses, Reads, Table>;
  issuer: Issuer;
  /** Of the modules that this one uses. */
  operations: OperationsOf<Uses>;
}

/** What a module's service is made from. */
interface Context<
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
  Operations,
> {
  config: ConfigOf<Uses, Reads, Table>;
  store: Store;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Milliseconds by a clock that nobody sets. */
  uptime: () => number;
  ids: Ids;
  /** Requests without a key are served. */
  open: boolean;
  issuer: Issuer;
  readiness: Readiness;
  /** Aborts when the coordinator stops: whoever waits is to be answered. */
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

/** A description, as a module writes it. The order of its members is that in which their types follow from each other. */
export interface Description<
  Name extends string,
  Uses extends readonly AnyModule[],
  Reads extends OptionTable,
  Table extends OptionTable,
  Operations,
  Service,
> {
  name: Name;
  /** Modules whose services, operations and options this one needs. They come before it in the list. */
  uses?: Uses;
  /** Options of other modules that this one reads, and whose services it does not need. */
  reads?: Reads;
  options?: Table;
  idPrefix?: string | readonly string[];
  operations?: (setting: OperationContext<Uses, Reads, Table>) => Operations;
  subscribes?: Subscriptions;
  create?: (context: Context<Uses, Reads, Table, Operations>) => Service | Promise<Service>;
  api?: 'openai';
  routes?: (app: App, context: RouteContext<Uses, Reads, Table, Service>) => Promise<void>;
  tasks?: (context: TaskContext<Uses, Reads, Table, Operations, Service>) => readonly Task[];
  /** Called last, when nobody needs the module any more. */
  close?: (service: Service) => void;
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
  const {
    name,
    uses,
    options,
    idPrefix = [],
    operations,
    subscribes = {},
    create,
    api = 'own',
  } = description;
  return {
    ...{ name, subscribes, api },
    uses: uses ?? [],
    options: options ?? ({} as Table),
    idPrefixes: typeof idPrefix === 'string' ? [idPrefix] : idPrefix,
    operations: operations ?? (() => ({}) as Operations),
    create: (create ?? (() => undefined as Service)) as (context: unknown) => Promise<Awaited<Service>>,
    routes: description.routes ?? (async () => {}),
    tasks: description.tasks ?? (() => []),
    close: (description.close ?? (() => {})) as (service: Awaited<Service>) => void,
  };
}
