import { CoordinatorError, type StatedProblem } from './errors.ts';

/** 400 and 422: the request is not valid; `field` names the wrong field. */
export class BadRequestError extends CoordinatorError {
  override name = 'BadRequestError';
}

/** 401: the API key is missing, unknown or expired. */
export class AuthenticationError extends CoordinatorError {
  override name = 'AuthenticationError';
}

/** 402: the account can not pay for the job. */
export class InsufficientBalanceError extends CoordinatorError {
  override name = 'InsufficientBalanceError';
}

/** 403: the API key lacks the permission. */
export class PermissionDeniedError extends CoordinatorError {
  override name = 'PermissionDeniedError';
}

/** 404: nothing has this id, or it belongs to another account. */
export class NotFoundError extends CoordinatorError {
  override name = 'NotFoundError';
}

/** 409: the object's state does not allow it, such as cancelling a job that has ended. */
export class ConflictError extends CoordinatorError {
  override name = 'ConflictError';
}

/** 413: the request is too large. */
export class PayloadTooLargeError extends CoordinatorError {
  override name = 'PayloadTooLargeError';
}

/** 429: too many requests; `retryAfter` says how many seconds to wait. */
export class RateLimitError extends CoordinatorError {
  override name = 'RateLimitError';
}

/** 5xx: the coordinator, or a proxy before it, failed or is overloaded. */
export class ServerError extends CoordinatorError {
  override name = 'ServerError';
}

const BY_STATUS: Record<number, typeof CoordinatorError> = {
  400: BadRequestError,
  401: AuthenticationError,
  402: InsufficientBalanceError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  413: PayloadTooLargeError,
  422: BadRequestError,
  429: RateLimitError,
};

/** Returns an error of the class that its status has. */
export function errorOfStatus(status: number, problem: StatedProblem & { detail: string }): CoordinatorError {
  const Class = BY_STATUS[status] ?? (status >= 500 ? ServerError : CoordinatorError);
  return new Class(status, problem);
}
