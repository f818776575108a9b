import { type Static, Type } from 'typebox';
import { HealthComponents } from './network.ts';

/**
 * Why an attempt failed. `refused`: the request itself can't be done. `unsupported`: this engine lacks the
 * route or the feature. `busy`: the engine has no room now. `broken`: the engine failed. `lost`: the miner
 * was not heard of again.
 */
export const FAILURE_CLASSES = ['refused', 'unsupported', 'busy', 'broken', 'lost'] as const;
export const FailureClass = Type.Enum([...FAILURE_CLASSES], {
  type: 'string',
  description:
    'refused: the request itself can not be done; unsupported: this engine lacks the route or the feature; busy: the engine has no room now; broken: the engine failed; lost: nothing more was heard.',
});
export type FailureClass = Static<typeof FailureClass>;

/**
 * Every `error_code` that the coordinator answers, with its HTTP status. The meaning of a code never changes.
 */
export const ERROR_STATUS = {
  AUTH_MISSING_KEY: 401,
  AUTH_INVALID_KEY: 401,
  AUTH_EXPIRED_KEY: 401,
  AUTH_INSUFFICIENT_SCOPE: 403,
  MODEL_NOT_ALLOWED: 403,
  ACCOUNT_NOT_FOUND: 404,
  API_KEY_NOT_FOUND: 404,
  API_KEY_LIMIT_REACHED: 409,
  INVITATION_NOT_FOUND: 404,
  INVITATION_ENDED: 410,
  JOB_NOT_FOUND: 404,
  JOB_ALREADY_CLAIMED: 409,
  JOB_ALREADY_COMPLETED: 409,
  JOB_ALREADY_CANCELLED: 409,
  JOB_EXPIRED: 410,
  JOB_INVALID_STATUS: 409,
  JOB_NOT_LEASED: 409,
  MINER_NOT_FOUND: 404,
  MINER_ALREADY_REGISTERED: 409,
  MINER_CAPACITY_FULL: 409,
  MINER_SUPERSEDED: 409,
  MINER_SUSPENDED: 403,
  RECEIPT_NOT_FOUND: 404,
  RECEIPT_INVALID_SIGNATURE: 400,
  NOTICE_NOT_FOUND: 404,
  NOTICE_LIMIT_REACHED: 409,
  BLOCK_NOT_FOUND: 404,
  TRANSACTION_NOT_FOUND: 404,
  PAYOUT_NOT_FOUND: 404,
  PAYOUT_TOO_LARGE: 409,
  PAYOUT_INVALID_STATUS: 409,
  PAYOUT_INVALID_SIGNATURE: 403,
  VERIFICATION_NOT_FOUND: 404,
  VERIFICATION_NOT_LEASED: 409,
  VERIFICATION_NOT_APPEALABLE: 409,
  WEBHOOK_NOT_FOUND: 404,
  WEBHOOK_ADDRESS_REFUSED: 400,
  WEBHOOK_LIMIT_EXCEEDED: 403,
  FILE_NOT_FOUND: 404,
  BATCH_NOT_FOUND: 404,
  BATCH_INVALID_STATUS: 409,
  VALIDATION_MISSING_FIELD: 400,
  VALIDATION_INVALID_TYPE: 400,
  VALIDATION_OUT_OF_RANGE: 400,
  VALIDATION_INVALID_FORMAT: 400,
  VALIDATION_UNKNOWN_FIELD: 400,
  VALIDATION_PROMPT_TOO_LONG: 400,
  VALIDATION_INVALID_MODEL: 400,
  IDEMPOTENCY_KEY_REUSED: 409,
  RATE_LIMIT_EXCEEDED: 429,
  RATE_QUOTA_EXCEEDED: 429,
  PAYMENT_INSUFFICIENT_BALANCE: 402,
  PAYMENT_TOTAL_BUDGET_EXCEEDED: 402,
  PAYMENT_DAILY_BUDGET_EXCEEDED: 402,
  PAYMENT_MONTHLY_BUDGET_EXCEEDED: 402,
  STORAGE_QUOTA_EXCEEDED: 403,
  SYSTEM_INTERNAL_ERROR: 500,
  SYSTEM_MAINTENANCE: 503,
  SYSTEM_OVERLOADED: 503,
  SYSTEM_UPSTREAM_ERROR: 502,
  ROUTE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  HOST_NOT_ALLOWED: 403,
  ORIGIN_NOT_ALLOWED: 403,
  REQUEST_TIMEOUT: 408,
  HEADERS_TOO_LARGE: 431,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

const errorCodes = Object.keys(ERROR_STATUS) as ErrorCode[];

/** The body of every error: RFC 9457 problem details with the contract's `detail` and `error_code`. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'A URI that names the kind of problem.' }),
    title: Type.String({ description: 'The HTTP status in words.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    detail: Type.String({ description: 'What went wrong with this request, as text for people.' }),
    error_code: Type.Enum(errorCodes, {
      type: 'string',
      description: 'What went wrong, as a code for programs.',
    }),
    request_id: Type.String({ description: 'Quote this when you ask the operator about it.' }),
    field: Type.Optional(
      Type.String({ description: 'The path of the wrong field, with dots: `params.max_tokens`.' }),
    ),
    retry_after: Type.Optional(Type.Integer({ description: 'Seconds to wait before trying again.' })),
    components: Type.Optional(HealthComponents),
  },
  { $id: 'Problem', title: 'Problem' },
);
export type Problem = Static<typeof Problem>;
