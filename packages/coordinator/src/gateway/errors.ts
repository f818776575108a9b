import { ERROR_STATUS, type ErrorCode, type Job, type JobError, type OpenAiProblem } from '@aitbc/protocol';
import type { ErrorInfo } from '../errors.ts';

/** Why a request of OpenAI's API fails: for a reason of its own, or for an error of the coordinator. */
export type ErrorReason =
  | 'invalid'
  | 'not_found'
  | 'cancelled'
  | 'miners_failed'
  | 'unavailable'
  | 'expired'
  | ErrorCode;

export interface ErrorDetails {
  reason: ErrorReason;
  type: string;
  code: string | null;
  /** The path of the wrong field in OpenAI's notation: `messages[0].content`. */
  param?: string | undefined;
  retryAfter?: number | undefined;
  /** Whether the client should retry at once. If absent, clients decide by the reason. */
  retry?: boolean;
}

/** An error in the format of OpenAI's API. */
export class OpenAiError extends Error {
  override name = 'OpenAiError';
  readonly details: ErrorDetails;

  constructor(message: string, details: ErrorDetails) {
    super(message);
    this.details = details;
  }

  get body(): OpenAiProblem {
    const { type, code, param = null } = this.details;
    return { error: { message: this.message, type, param, code } };
  }
}

const INVALID = 'invalid_request_error';

/** The error for a request that can't be served as it is. */
export function invalidRequest(message: string, param: string | undefined, code: string | null): OpenAiError {
  return new OpenAiError(message, { reason: 'invalid', type: INVALID, code, param });
}

export function modelNotFound(model: string): OpenAiError {
  return new OpenAiError(`The model \`${model}\` does not exist: no miner offers it`, {
    ...{ reason: 'not_found', type: INVALID, code: 'model_not_found', param: 'model' },
  });
}

/** OpenAI's types and codes for the coordinator's errors. Other errors keep the coordinator's code in lower case. */
const OPENAI_CODES: Partial<Record<ErrorCode, Pick<ErrorDetails, 'type' | 'code'>>> = {
  AUTH_MISSING_KEY: { type: INVALID, code: 'invalid_api_key' },
  AUTH_INVALID_KEY: { type: INVALID, code: 'invalid_api_key' },
  AUTH_EXPIRED_KEY: { type: INVALID, code: 'invalid_api_key' },
  AUTH_INSUFFICIENT_SCOPE: { type: INVALID, code: 'insufficient_permissions' },
  PAYMENT_INSUFFICIENT_BALANCE: { type: 'insufficient_quota', code: 'insufficient_quota' },
  RATE_LIMIT_EXCEEDED: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  RATE_QUOTA_EXCEEDED: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  VALIDATION_MISSING_FIELD: { type: INVALID, code: 'missing_required_parameter' },
  VALIDATION_INVALID_TYPE: { type: INVALID, code: 'invalid_type' },
  VALIDATION_OUT_OF_RANGE: { type: INVALID, code: 'invalid_value' },
  VALIDATION_INVALID_FORMAT: { type: INVALID, code: 'invalid_value' },
  VALIDATION_PROMPT_TOO_LONG: { type: INVALID, code: 'string_above_max_length' },
};

/** Converts an error of the coordinator to the format of OpenAI's API. */
export function openAiErrorFor({ code, detail, field, retryAfter }: ErrorInfo): OpenAiError {
  const type = ERROR_STATUS[code] >= 500 ? 'server_error' : INVALID;
  return new OpenAiError(detail, {
    reason: code,
    ...(OPENAI_CODES[code] ?? { type, code: code.toLowerCase() }),
    param: field === undefined ? undefined : openAiPath(field),
    retryAfter,
  });
}

/** Converts a field path to OpenAI's notation: `jobs.0.messages.0.content` becomes `messages[0].content`. */
const openAiPath = (field: string) =>
  field.replace(/^(jobs\.\d+\.)?(params\.)?/, '').replace(/\.(\d+)(?=\.|$)/g, '[$1]');

/** The default number of seconds after which a client may retry. */
const RETRY_AFTER = 10;

/** What the client sees for each error code of a failed job. Every other code is a failure of the miners. */
const FAILURE_DETAILS: Partial<
  Record<JobError['error_code'], Omit<ErrorDetails, 'code'> & { code?: string }>
> = {
  JOB_REFUSED: { reason: 'invalid', type: INVALID, retry: false },
  JOB_UNSUPPORTED: { reason: 'invalid', type: INVALID, code: 'unsupported_by_engine', retry: false },
  MINERS_BUSY: { reason: 'unavailable', type: 'server_error', retryAfter: RETRY_AFTER, retry: true },
  JOB_EXPIRED: { reason: 'expired', type: 'server_error', retry: false },
};

const MINERS_FAILED = { reason: 'miners_failed', type: 'server_error', retry: false } as const;

/**
 * Converts a failed or cancelled job to an error. The engine's own code is used when it names the reason for a refusal.
 */
export function jobFailure({ status, error }: Pick<Job, 'status' | 'error'>): OpenAiError {
  if (status === 'cancelled')
    return new OpenAiError('The job was cancelled', {
      ...MINERS_FAILED,
      reason: 'cancelled',
      code: 'job_cancelled',
    });
  const { error_code = 'MINER_FAILED', engine_code, detail = 'The job failed', retry_after } = error ?? {};
  const details: Omit<ErrorDetails, 'code'> = FAILURE_DETAILS[error_code] ?? MINERS_FAILED;
  const { retryAfter } = details;
  const hasEngineCode = error_code === 'JOB_REFUSED' && /^[a-z]/i.test(engine_code ?? '');
  const code = hasEngineCode && engine_code ? engine_code : error_code.toLowerCase();
  return new OpenAiError(detail, { code, ...details, retryAfter: retry_after ?? retryAfter });
}

/** The error for a model that was offered a short time ago: its miners will probably return. */
export function modelUnavailable(model: string): OpenAiError {
  return new OpenAiError(`The miners that offer the model \`${model}\` are not connected right now`, {
    ...{ reason: 'unavailable', type: 'server_error', code: 'model_unavailable', param: 'model' },
    ...{ retryAfter: RETRY_AFTER, retry: true },
  });
}

/** The error for a request that no miner offering the model can serve, for the given reason. */
export function unsupportedByModel(reason: string, isTooLong: boolean): OpenAiError {
  return invalidRequest(reason, undefined, isTooLong ? 'context_length_exceeded' : 'unsupported_by_model');
}

export const STOPPING = new OpenAiError('The coordinator is stopping: the job was cancelled', {
  ...{ reason: 'unavailable', type: 'server_error', code: 'service_unavailable', retryAfter: 5 },
});
