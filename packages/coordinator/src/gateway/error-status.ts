import { ERROR_STATUS } from '@aitbc/protocol';
import type { ErrorDetails, ErrorReason } from './errors.ts';

const STATUS: Partial<Record<ErrorReason, number>> = {
  invalid: 400,
  not_found: 404,
  cancelled: 409,
  miners_failed: 502,
  unavailable: 503,
  expired: 504,
};

/** The HTTP status of an error: of an answer, and of an entry in the error file of a batch. */
export function httpStatusOf({ reason }: Pick<ErrorDetails, 'reason'>): number {
  return STATUS[reason] ?? ERROR_STATUS[reason as keyof typeof ERROR_STATUS];
}
