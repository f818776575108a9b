import { type AnswerDetails, type CompleteJob, LIMITS, type TokenUsage } from '@aitbc/protocol';
import { canonicalJson } from '@aitbc/receipts';
import { fail } from '../../errors.ts';
import type { CompleteInput } from './complete.ts';

/**
 * Converts what a miner reports about its result.
 *
 * @throws {RequestError} if `completed_at` is not a time
 */
export function reportOf(
  request: CompleteJob,
): Pick<
  CompleteInput,
  | ('result' | 'resultType' | 'finishReason' | 'reportedAt' | 'usage' | 'details')
  | ('parameters' | 'renderedPromptHash')
> {
  return {
    result: request.result,
    resultType: request.result_type,
    finishReason: request.finish_reason,
    reportedAt: request.completed_at === undefined ? undefined : readTime(request.completed_at),
    usage: countsOf(request.usage),
    details: detailsOf(request),
    parameters: parametersOf(request),
    renderedPromptHash: request.rendered_prompt_hash,
  };
}

/**
 * Returns the token counts that a receipt may carry. Engines report much else, and sometimes invalid counts, which are
 * dropped because they say nothing about the result. Excessive counts are capped, here by the general limit and later
 * by the texts.
 */
function countsOf(usage: unknown): TokenUsage | undefined {
  if (usage === null || typeof usage !== 'object') return undefined;
  const reported = usage as Record<string, unknown>;
  const count = (name: keyof TokenUsage, most = Infinity) => {
    const value = reported[name] as number;
    return Number.isSafeInteger(value) && value >= 0 && value <= most
      ? { [name]: Math.min(value, LIMITS.tokens) }
      : {};
  };
  const counts: TokenUsage = { ...count('prompt_tokens'), ...count('completion_tokens') };
  if (Object.keys(counts).length === 0) return undefined;
  return {
    ...counts,
    ...count('cached_tokens', counts.prompt_tokens),
    ...count('reasoning_tokens', counts.completion_tokens),
  };
}

/** Returns the parts of a result beside its text, or undefined if there are none. */
function detailsOf({ reasoning, refusal, logprobs }: CompleteJob): AnswerDetails | undefined {
  if (!reasoning && !refusal && !logprobs) return undefined;
  return { ...(reasoning && { reasoning }), ...(refusal && { refusal }), ...(logprobs && { logprobs }) };
}

/** Returns the parameters that applied as canonical JSON, which the receipt has a hash of. */
function parametersOf({ effective_parameters: parameters }: CompleteJob): string | undefined {
  if (!parameters || Object.keys(parameters).length === 0) return undefined;
  return canonicalJson(parameters);
}

/** Returns Unix milliseconds. A time without an offset is UTC. */
function readTime(text: string): number {
  const ms = Date.parse(/(z|[+-]\d\d(:?\d\d)?)$/i.test(text) ? text : `${text}Z`);
  if (Number.isNaN(ms))
    fail('VALIDATION_INVALID_FORMAT', 'completed_at is not a valid time', { field: 'completed_at' });
  return ms;
}
