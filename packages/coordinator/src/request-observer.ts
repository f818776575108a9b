import type { LimitName } from './errors.ts';

/** A request that was answered, or whose caller has left. */
export interface ObservedRequest {
  method: string;
  /** The pattern of the route, such as `/v1/jobs/:id`, or `unknown`. */
  route: string;
  /** The class of the status, such as `2xx`, or `aborted`. */
  status: string;
  seconds: number;
  /** The limit that rejected it, if one did. */
  limit: LimitName | undefined;
}

/** Is told of all requests. */
export interface RequestObserver {
  began(): void;
  ended(request: ObservedRequest): void;
}
