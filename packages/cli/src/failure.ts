import { ConnectionError, CoordinatorError, isCoordinatorError, JobTimeoutError } from '@aitbc/sdk';
import { printable } from './printable.ts';

/** A command failed. The message is for the user, and complete. */
export class CommandFailure extends Error {
  override name = 'CommandFailure';
  readonly exitCode: number = 1;
}

/** The command line is not valid. */
export class UsageError extends CommandFailure {
  override name = 'UsageError';
  override readonly exitCode = 2;
}

/** The user pressed Ctrl-C. The message says what continues without the command. */
export class Interruption extends CommandFailure {
  override name = 'Interruption';
  override readonly exitCode = 130;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof CommandFailure ? error.exitCode : 1;
}

/** Formats an error as lines for people, or as one line of JSON. */
export function explain(error: unknown, { json }: { json: boolean }): string {
  if (json) return `${JSON.stringify({ error: errorFields(error) })}\n`;
  const hint = hintFor(error);
  return printable(`aitbc: ${message(error)}\n${hint ? `${hint}\n` : ''}`);
}

/** Returns the fields of an error for programs, for the member `error`. */
function errorFields(error: unknown): Record<string, unknown> {
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

/** Formats an error in one line. */
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
    return 'Use another key: --api-key KEY or AITBC_API_KEY.';
  if (isCoordinatorError(error, 'AUTH_*')) return 'Give your key with --api-key KEY or AITBC_API_KEY.';
  if (isCoordinatorError(error) && error.retryAfter !== null) return `Try again in ${error.retryAfter} s.`;
  return null;
}
