import type { ErrorCode, Problem } from '@aitbc/protocol';

/** What a caller is told when a request fails. It is plain data, so that it crosses threads. */
export interface ErrorInfo {
  code: ErrorCode;
  detail: string;
  /** The field of the request that is wrong. */
  field?: string;
  /** Seconds after which the same request may succeed. */
  retryAfter?: number;
  /** What is wrong with which component; for administrators. */
  components?: Problem['components'];
}

/** An error that the caller is told. Rules throw it; the HTTP layer makes a problem of it. */
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
