import type { SubmitJob } from '@aitbc/protocol';
import { fail } from '../errors.ts';

/**
 * Checks that a replicated job has the same result each time, because only such results can be compared.
 *
 * @param prefix the prefix of field names in errors
 * @throws {RequestError} if the results of a request with `replication` may differ
 */
export function checkReplication(request: SubmitJob, prefix: string): void {
  if ((request.replication ?? 1) === 1) return;
  const { params, stream, tools, models } = request;
  if (params?.temperature !== 0) demand('temperature 0', `${prefix}params.temperature`, params?.temperature);
  if (params.seed === undefined) demand('a seed', `${prefix}params.seed`, undefined);
  const forbidden = stream ? 'stream' : tools ? 'tools' : models ? 'models' : undefined;
  if (!forbidden) return;
  const detail = FORBIDDEN[forbidden];
  fail('VALIDATION_INVALID_FORMAT', detail, { field: prefix + forbidden });
}

const FORBIDDEN = {
  stream: 'A job with replication has no text before its runs agree, so it cannot be streamed',
  models: 'A job with replication compares the results of one model',
  tools: 'Engines give calls of tools ids of their own, so no two runs would agree',
} as const;

function demand(what: string, field: string, given: unknown): never {
  const code = given === undefined ? 'VALIDATION_MISSING_FIELD' : 'VALIDATION_OUT_OF_RANGE';
  fail(code, `replication compares texts: it needs ${what} in params`, { field });
}

/** Whether two honest miners get the same text. */
export function isDeterministic(params: { temperature?: unknown; seed?: unknown }): boolean {
  return params.temperature === 0 && params.seed !== undefined && params.seed !== null;
}

/** Returns the smallest majority: more than half of the runs. */
export const majorityOf = (runs: number) => Math.floor(runs / 2) + 1;
