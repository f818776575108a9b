import { hash } from 'node:crypto';
import type { Attributes, SpanRecord, TraceContext } from '@aitbc/tracing';
import { isEnded, type JobRow } from '../jobs/job.ts';
import type { Paid, SavedChange } from '../store/topics.ts';

/*
 * A traced job leads to these spans, each recorded by the coordinator that commits its end:
 *
 *   job            from its submission to its end
 *   ├─ queue       from its submission to its first claim
 *   └─ attempt     from each claim to its end; the miner's own spans are below it
 *
 * Any coordinator may commit the end of what another began. So ids of spans follow from the job and the attempt.
 */

/** Returns the spans that end with a change of a job whose trace is recorded. */
export function spansOf(
  { before, after, ...more }: SavedChange,
  parent: TraceContext,
  at: number,
): SpanRecord[] {
  if (!before || before.status === after.status) return [];
  const job = { ...parent, spanId: jobSpanId(after) };
  const spans: SpanRecord[] = [];
  const add = (name: string, parent: TraceContext, spanId: string, startMs: number, how: object = {}) =>
    spans.push({ ...{ name, parent, spanId, startMs, endMs: at, kind: 'internal' }, ...how });

  if (before.status === 'running' && before.started_at !== null)
    add('attempt', job, attemptSpanId(before), before.started_at, {
      attributes: { ...attemptAttributes(before, after), ...usage(more.paid) },
      error: attemptError({ before, after, ...more }),
    });
  else if (before.attempts === 0 && after.role !== 'replicated')
    add('queue', job, spanId(after.id, 'queue'), after.created_at, { attributes: commonAttributes(after) });
  if (isEnded(after.status))
    add(after.role === 'run' ? 'run' : 'job', parent, job.spanId, after.created_at, {
      attributes: { ...jobAttributes(after), ...usage(more.paid) },
      error: after.status === 'failed' ? (after.error_code ?? 'failed') : undefined,
    });
  return spans;
}

/** The span of the attempt that a running job is in, which its miner continues. */
export const attemptContext = (job: JobRow, parent: TraceContext): TraceContext => ({
  ...parent,
  spanId: attemptSpanId(job),
});

const jobSpanId = ({ id }: JobRow) => spanId(id, 'job');

/** The number of an attempt is used again when a miner hands the job back, so its time belongs to the id. */
const attemptSpanId = ({ id, attempts, started_at }: JobRow) => spanId(id, `${attempts}/${started_at}`);

const spanId = (jobId: string, part: string) => hash('sha256', `${jobId}/${part}`).slice(0, 16);

const commonAttributes = ({ id, model }: JobRow): Attributes => ({
  'aitbc.job.id': id,
  'gen_ai.request.model': model,
});

const jobAttributes = (job: JobRow): Attributes => ({
  ...commonAttributes(job),
  'aitbc.job.status': job.status,
  'aitbc.job.attempts': job.attempts,
  ...(job.run_of !== null && { 'aitbc.job.run_of': job.run_of }),
  ...(job.receipt_id !== null && { 'aitbc.receipt.id': job.receipt_id }),
});

function attemptAttributes(before: JobRow, after: JobRow): Attributes {
  const isReturned = after.status === 'pending' && after.attempts < before.attempts;
  return {
    ...commonAttributes(before),
    'aitbc.attempt': before.attempts,
    'aitbc.miner.id': before.miner_id ?? undefined,
    'aitbc.attempt.outcome': isReturned ? 'returned' : after.status === 'pending' ? 'retried' : after.status,
  };
}

function attemptError({ before, after, minerFailed }: SavedChange): string | undefined {
  if (after.status === 'failed') return after.error_class ?? after.error_code ?? 'failed';
  if (before && after.status === 'pending' && after.attempts === before.attempts)
    return minerFailed ?? 'failed';
  return undefined;
}

const usage = (paid: Paid | undefined): Attributes =>
  paid ? { 'gen_ai.usage.input_tokens': paid.tokensIn, 'gen_ai.usage.output_tokens': paid.tokensOut } : {};
