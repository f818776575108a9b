import { type EventsOptions, openEvents } from './events.ts';
import { makeIdempotencyKey } from './idempotency.ts';
import { type ClientOptions, type RequestOptions, type Settings, settle } from './options.ts';
import { type Paged, paged, type ReadPage } from './pages.ts';
import { type Call, createTransport, parseBaseUrl, type Query, type Transport } from './transport.ts';

export interface IdempotentOptions extends RequestOptions {
  /** The same key with the same request is done once, however often it is sent. Made up when not given. */
  idempotencyKey?: string | undefined;
}

export interface LongPollOptions extends RequestOptions {
  /** Seconds that the coordinator may wait before it answers. It caps them. */
  wait?: number | undefined;
}

/** The kinds of requests that the resources of a client make. */
export class Requests {
  readonly baseUrl: string;
  readonly settings: Settings;
  readonly #transport: Transport;
  readonly #openEvents: ReturnType<typeof openEvents>;

  /** @throws {TypeError} when `baseUrl` is not an http or https URL */
  constructor(baseUrl: string, options: ClientOptions) {
    this.baseUrl = parseBaseUrl(baseUrl);
    this.settings = settle(options);
    this.#transport = createTransport(this.baseUrl, this.settings);
    this.#openEvents = openEvents(this.baseUrl, this.settings);
  }

  async send<T>(call: Call, options?: RequestOptions): Promise<T> {
    return (await this.#transport<T>(call, options)).body;
  }

  /** Reads what may have changed since a browser cached it. */
  get<T>(path: string, options?: RequestOptions): Promise<T> {
    return this.send({ path, fresh: true }, options);
  }

  /** Posts what may be repeated, since the coordinator does it once. */
  post<T>(path: string, body: unknown, options?: RequestOptions): Promise<T> {
    return this.send({ method: 'POST', path, body, repeatable: true }, options);
  }

  /** Posts what an idempotency key makes repeatable. */
  create<T>(path: string, body: unknown, options: IdempotentOptions & LongPollOptions): Promise<T> {
    const { wait, idempotencyKey = makeIdempotencyKey() } = options;
    const headers: Record<string, string> = { 'idempotency-key': idempotencyKey };
    if (wait !== undefined) headers.prefer = `wait=${Math.ceil(wait)}`;
    return this.send({ method: 'POST', path, body, headers, wait, repeatable: true }, options);
  }

  list<Item>(path: string, query: Query, options?: RequestOptions, read?: ReadPage<Item>): Paged<Item> {
    return paged(this.#transport, path, { ...query }, options, read);
  }

  openEvents(path: string, after: string | undefined, options: EventsOptions) {
    return this.#openEvents(path, after, options);
  }
}

/** One kind of thing that a coordinator has, and the requests about it. */
export abstract class Resource {
  protected readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }
}
