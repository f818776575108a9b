import { expect, expectTypeOf, test } from 'vitest';
import {
  AuthenticationError,
  BadRequestError,
  ConflictError,
  CoordinatorError,
  InsufficientBalanceError,
  isCoordinatorError,
  NotFoundError,
  PayloadTooLargeError,
  PermissionDeniedError,
  RateLimitError,
  ServerError,
} from '../src/index.ts';
import { answer, brokenNetwork, html } from './network.ts';

const problem = {
  type: 'about:blank',
  title: 'Bad Request',
  status: 400,
  detail: 'params.max_tokens must be at least 1',
  error_code: 'VALIDATION_OUT_OF_RANGE',
  request_id: 'req-1',
  field: 'params.max_tokens',
};

test('an error has all fields of the problem', async () => {
  const { client } = await brokenNetwork([answer(400, problem)]);
  await expect(client.stats()).rejects.toMatchObject({
    name: 'BadRequestError',
    message: 'params.max_tokens must be at least 1 (VALIDATION_OUT_OF_RANGE)',
    status: 400,
    errorCode: 'VALIDATION_OUT_OF_RANGE',
    detail: 'params.max_tokens must be at least 1',
    requestId: 'req-1',
    field: 'params.max_tokens',
    retryAfter: null,
  });
});

test.each([
  [400, 'BadRequestError', BadRequestError],
  [401, 'AuthenticationError', AuthenticationError],
  [402, 'InsufficientBalanceError', InsufficientBalanceError],
  [403, 'PermissionDeniedError', PermissionDeniedError],
  [404, 'NotFoundError', NotFoundError],
  [409, 'ConflictError', ConflictError],
  [410, 'CoordinatorError', CoordinatorError],
  [413, 'PayloadTooLargeError', PayloadTooLargeError],
  [429, 'RateLimitError', RateLimitError],
  [500, 'ServerError', ServerError],
  [504, 'ServerError', ServerError],
] as const)('the status %d is a %s, whatever the answer says', async (status, name, Class) => {
  const { client } = await brokenNetwork([html(status)], { maxRetries: 0 });
  const error = await client.stats().catch(error => error);
  expect(error).toBeInstanceOf(Class);
  expect(error).toMatchObject({ name, status, errorCode: null });
  expect(isCoordinatorError(error)).toBe(true);
});

test("a proxy's page is an error with its status and no code", async () => {
  const { client } = await brokenNetwork([html(403)]);
  await expect(client.stats()).rejects.toMatchObject({
    status: 403,
    errorCode: null,
    detail: 'HTTP 403 Forbidden',
  });
});

const error: unknown = new CoordinatorError(404, { detail: 'Job not found', error_code: 'JOB_NOT_FOUND' });

test('the guard accepts an error with the given code', () => {
  expect(isCoordinatorError(error, 'MINER_NOT_FOUND', 'JOB_NOT_FOUND')).toBe(true);
  expect(isCoordinatorError(error, 'MINER_NOT_FOUND', 'JOB_EXPIRED')).toBe(false);
});

test('the guard accepts an error of the given family', () => {
  expect(isCoordinatorError(error, 'JOB_*')).toBe(true);
  expect(isCoordinatorError(error, 'AUTH_*')).toBe(false);
});

test('the guard without codes accepts any error of the coordinator and nothing else', () => {
  expect(isCoordinatorError(error)).toBe(true);
  expect(isCoordinatorError(new Error('JOB_NOT_FOUND'))).toBe(false);
});

test('the guard narrows the type of the code', () => {
  if (!isCoordinatorError(error, 'JOB_NOT_FOUND', 'AUTH_*')) throw error;
  expectTypeOf(error.errorCode).toEqualTypeOf<
    'JOB_NOT_FOUND' | 'AUTH_MISSING_KEY' | 'AUTH_INVALID_KEY' | 'AUTH_EXPIRED_KEY' | 'AUTH_INSUFFICIENT_SCOPE'
  >();
});
