import type { ErrorCode, Problem } from '@aitbc/protocol';

/** The limits that reject requests. */
export type LimitName =
  | 'requests'
  | 'jobs'
  | 'tokens'
  | 'waits'
  | 'streams'
  | 'pending'
  | 'running'
  | 'credits'
  | 'disk'
  | 'miners'
  | 'passports'
  | 'overload';

/** The error that a caller gets. It is plain data, so that it can cross threads. */
export interface ErrorInfo {
  code: ErrorCode;
  detail: string;
  /** The field of the request that is wrong. */
  field?: string;
  /** Seconds after which the same request may succeed. */
  retryAfter?: number;
  /** The limit that rejected the request, for the metrics. */
  limit?: LimitName;
  /** The faulty components, for administrators. */
  components?: Problem['components'];
}

/** An error for the caller. Modules throw it, and the HTTP layer turns it into a response. */
export class RequestError extends Error {
  override name = 'RequestError';
  readonly info: ErrorInfo;

  constructor(info: ErrorInfo) {
    super(info.detail);
    this.info = info;
  }
}

/** @throws {RequestError} always */
export function fail(code: ErrorCode, detail: string, more: Omit<ErrorInfo, 'code' | 'detail'> = {}): never {
  throw new RequestError({ code, detail, ...more });
}
