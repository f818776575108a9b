import type { NumberedJobEvent } from '@aitbc/protocol';
import { type EventsOptions, openEvents } from './events.ts';
import { makeIdempotencyKey } from './idempotency.ts';
import { type ClientOptions, type RequestOptions, type Settings, withDefaults } from './options.ts';
import { type Paged, paged, type ReadPage } from './pages.ts';
import { type ApiCall, createTransport, parseBaseUrl, type Query, type Transport } from './transport.ts';

export interface IdempotentOptions extends RequestOptions {
  /** The coordinator runs requests with equal keys and bodies once. Default: a random key. */
  idempotencyKey?: string | undefined;
}

export interface LongPollOptions extends RequestOptions {
  /** Seconds that the coordinator may wait before it answers. It may wait for less time. */
  wait?: number | undefined;
}

/** The kinds of requests that a client's resources make. */
export class Requests {
  readonly baseUrl: string;
  readonly settings: Settings;
  readonly #transport: Transport;
  readonly #openEvents: ReturnType<typeof openEvents>;

  /** @throws {TypeError} when `baseUrl` is not an http or https URL */
  constructor(baseUrl: string, options: ClientOptions) {
    this.baseUrl = parseBaseUrl(baseUrl);
    this.settings = withDefaults(options);
    this.#transport = createTransport(this.baseUrl, this.settings);
    this.#openEvents = openEvents(this.baseUrl, this.settings);
  }

  async send<T>(call: ApiCall, options?: RequestOptions): Promise<T> {
    return (await this.#transport<T>(call, options)).body;
  }

  /** Reads something that may have changed, so browsers must not answer from their cache. */
  get<T>(path: string, options?: RequestOptions): Promise<T> {
    return this.send({ path, fresh: true }, options);
  }

  /** Posts a request that may be repeated, because the coordinator only acts once. */
  post<T>(path: string, body: unknown, options?: RequestOptions): Promise<T> {
    return this.send({ method: 'POST', path, body, repeatable: true }, options);
  }

  /** Posts a request that an idempotency key makes repeatable. */
  create<T>(path: string, body: unknown, options: IdempotentOptions & LongPollOptions): Promise<T> {
    const { wait, idempotencyKey = makeIdempotencyKey() } = options;
    const headers: Record<string, string> = { 'idempotency-key': idempotencyKey };
    if (wait !== undefined) headers.prefer = `wait=${Math.ceil(wait)}`;
    return this.send({ method: 'POST', path, body, headers, wait, repeatable: true }, options);
  }

  list<Item>(path: string, query: Query, options?: RequestOptions, read?: ReadPage<Item>): Paged<Item> {
    return paged(this.#transport, path, { ...query }, options, read);
  }

  openEvents<Event = NumberedJobEvent>(path: string, after: string | undefined, options: EventsOptions) {
    return this.#openEvents<Event>(path, after, options);
  }
}

/** The requests about one kind of object. */
export abstract class Resource {
  protected readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }
}
