import { ConnectionError, CoordinatorError, isCoordinatorError, JobTimeoutError } from '@aitbc/sdk';
import { printable } from './printable.ts';

/** A command that did not do what it was for. The message is for the user, complete. */
export class CommandFailure extends Error {
  override name = 'CommandFailure';
  readonly exitCode: number = 1;
}

/** A command line that makes no sense. */
export class UsageError extends CommandFailure {
  override name = 'UsageError';
  override readonly exitCode = 2;
}

/** Ctrl-C, with what the user should know about what goes on without them. */
export class Interruption extends CommandFailure {
  override name = 'Interruption';
  override readonly exitCode = 130;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof CommandFailure ? error.exitCode : 1;
}

/** The error as lines for a person, or as one line of JSON. */
export function explain(error: unknown, { json }: { json: boolean }): string {
  if (json) return `${JSON.stringify({ error: errorFields(error) })}\n`;
  const hint = hintFor(error);
  return printable(`aitbc: ${message(error)}\n${hint ? `${hint}\n` : ''}`);
}

/** The error for programs, as it stands under `error`. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof CoordinatorError)) return { detail: message(error) };
  const { errorCode, status, detail, requestId, field, retryAfter } = error;
  const all = {
    error_code: errorCode,
    status,
    detail,
    request_id: requestId,
    field,
    retry_after: retryAfter,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

/** The error in one line. */
export function message(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof CoordinatorError)) return error.message;
  return error.requestId ? `${error.message}, request ${error.requestId}` : error.message;
}

function hintFor(error: unknown): string | null {
  if (error instanceof ConnectionError) {
    return `Start a coordinator with \`npx aitbc serve\`, or name a running one with --coordinator URL or AITBC_COORDINATOR.`;
  }
  if (error instanceof JobTimeoutError)
    return `The job goes on: \`aitbc jobs get ${error.jobId} --wait\` waits again.`;
  if (isCoordinatorError(error, 'AUTH_INSUFFICIENT_SCOPE'))
    return 'Another key may: --api-key KEY or AITBC_API_KEY.';
  if (isCoordinatorError(error, 'AUTH_*')) return 'Give your key with --api-key KEY or AITBC_API_KEY.';
  if (isCoordinatorError(error) && error.retryAfter !== null) return `Try again in ${error.retryAfter} s.`;
  return null;
}
