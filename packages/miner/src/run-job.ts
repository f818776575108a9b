import { type CompleteJob, type FailJob, LIMITS, type MinerJob, type Receipt } from '@aitbc/protocol';
import { signAttestation, textHash } from '@aitbc/receipts';
import { type CoordinatorClient, isCoordinatorError } from '@aitbc/sdk';
import type { Tracing } from '@aitbc/tracing';
import { type Backend, BackendError, isRetryable } from './backend.ts';
import type { BackoffOptions } from './backoff.ts';
import type { ChunkSender } from './chunk-sender.ts';
import { deliver } from './delivery.ts';
import type { MinerEventHandler } from './events.ts';
import type { Identity } from './identity.ts';
import { type JobSpan, startJobSpan } from './job-span.ts';
import { isPassing, messageOf } from './link.ts';
import { type JobOutput, runOnBackend } from './output.ts';
import { epochOf, type Registration } from './registration.ts';
import { pinParameters } from './sampling.ts';
import { JobStopped, type RunningJob } from './slots.ts';
import { createTextStream, type TextStream } from './stream.ts';

export interface JobRunner {
  client: CoordinatorClient;
  backend: Backend;
  sender: ChunkSender;
  identity: Identity;
  registration: Pick<Registration, 'epoch' | 'samplerOf' | 'takesPassports'>;
  emit: MinerEventHandler;
  backoff: BackoffOptions;
  /** Returns the coordinator's time in milliseconds since 1970. */
  now: () => number;
  /** Aborts when there is only time to hand jobs back. */
  quitting: AbortSignal;
  onToken: ((jobId: string, piece: string) => void) | undefined;
  tracing: Tracing | undefined;
  onBackendFailure: (error: BackendError) => void;
  onReceipt: (receipt: Receipt) => number;
}

type Report = <T>(call: () => Promise<T>) => Promise<T>;

/** Runs a claimed job and reports its end to the coordinator. Never rejects. */
export async function runJob(runner: JobRunner, work: Omit<RunningJob, 'done'>): Promise<void> {
  const { emit, backoff, now, quitting: signal } = runner;
  const { job_id, model, attempt, deadline } = work.job;
  emit({ event: 'job_started', job_id, model, attempt });
  const report: Report = call => deliver(call, { deadlineMs: Date.parse(deadline) - now(), backoff, signal });
  const span = startJobSpan(runner.tracing, runner.backend, work.job);
  try {
    const startedAt = performance.now();
    const generated = await generate(runner, work, span);
    await complete(runner, work, generated, { elapsedMs: performance.now() - startedAt, span });
    span.completed(generated);
  } catch (error) {
    span.failed(errorType(error, work.controller.signal));
    await settle(runner, work, error, report).catch(unreported => {
      emit({ event: 'job_lost', job_id, error: messageOf(unreported) });
    });
  }
}

/** Returns what ended a job without a receipt, as a code. */
function errorType(error: unknown, { aborted, reason }: AbortSignal): string {
  if (aborted) return reason instanceof JobStopped ? reason.reason : 'stopped';
  if (error instanceof BackendError) return error.failureClass;
  return isCoordinatorError(error) ? (error.errorCode ?? String(error.status)) : 'broken';
}

async function generate(
  runner: JobRunner,
  work: Omit<RunningJob, 'done'>,
  { traceparent }: JobSpan,
): Promise<Omit<JobOutput, 'renderedPrompt'> & Evidence> {
  const { backend, now, onToken, registration } = runner;
  const { job, controller } = work;
  const timer = setTimeout(
    () => controller.abort(new JobStopped('deadline')),
    untilDeadline(job.deadline, now()),
  );
  const stream = job.stream ? streamOf(runner, work) : undefined;
  const hear = (piece: string) => {
    stream?.push(piece);
    onToken?.(job.job_id, piece);
  };
  const takes = job.input ? [] : (backend.takes?.(job.model) ?? []);
  const { params, effective } = pinParameters(job, takes, registration.samplerOf(job.model));
  try {
    const { renderedPrompt, ...output } = await runOnBackend(backend, job, {
      model: job.model,
      params,
      isSeedPinned: params.seed !== job.params.seed,
      signal: controller.signal,
      ...(traceparent !== undefined && { traceparent }),
      ...((stream || onToken) && { onToken: hear }),
      ...(stream && { onReasoning: piece => stream.pushReasoning(piece) }),
    });
    await stream?.end();
    controller.signal.throwIfAborted();
    if (!registration.takesPassports || takes.length === 0) return output;
    return {
      ...output,
      effective_parameters: effective,
      ...(renderedPrompt !== undefined && { rendered_prompt_hash: textHash(job.salt, renderedPrompt) }),
    };
  } finally {
    clearTimeout(timer);
  }
}

/** What a completion has beside the output. */
type Evidence = Pick<CompleteJob, 'effective_parameters' | 'rendered_prompt_hash'>;

function streamOf({ sender, backoff }: JobRunner, { job, controller }: Omit<RunningJob, 'done'>): TextStream {
  return createTextStream({
    ...{ sender, job, backoff, signal: controller.signal },
    onStop: reason => controller.abort(new JobStopped(reason)),
  });
}

/**
 * Returns milliseconds to stop generating. They end early enough to report the failure before the lease does,
 * and fit in the 31 bits of a timer.
 */
function untilDeadline(deadline: string, now: number): number {
  const left = Date.parse(deadline) - now;
  return Math.min(Math.max(left - Math.min(2_000, left / 10), 0), 2 ** 31 - 1);
}

async function complete(
  { client, identity, registration, emit, backoff, now, quitting, onReceipt }: JobRunner,
  { job, controller }: Omit<RunningJob, 'done'>,
  { usage, ...output }: Omit<JobOutput, 'renderedPrompt'> & Evidence,
  { elapsedMs, span: { traceparent } }: { elapsedMs: number; span: JobSpan },
): Promise<void> {
  const completion: CompleteJob = {
    miner_id: identity.minerId,
    ...epochOf(registration.epoch),
    ...output,
    completed_at: new Date().toISOString(),
    signature: await attest(job, output.result, identity),
    ...(usage && { usage }),
  };
  const receipt = await deliver(
    () =>
      client.jobs.complete(job.job_id, completion, { maxRetries: 0, traceparent, signal: controller.signal }),
    {
      deadlineMs: Date.parse(job.deadline) - now(),
      backoff,
      signal: AbortSignal.any([controller.signal, quitting]),
    },
  );
  emit({
    event: 'job_completed',
    job_id: job.job_id,
    model: job.model,
    tokens: usage?.completion_tokens ?? null,
    seconds: Math.round(elapsedMs) / 1000,
    credits: receipt.price,
    total_credits: onReceipt(receipt),
    receipt_id: receipt.receipt_id,
  });
}

async function attest({ job_id, model, salt, prompt }: MinerJob, text: string, { signer }: Identity) {
  const statement = {
    job_id,
    model,
    prompt_hash: textHash(salt, prompt),
    artifact_hash: textHash(salt, text),
  };
  return await signAttestation(statement, signer);
}

/** Handles a job that did not lead to a receipt. */
async function settle(
  runner: JobRunner,
  { job, controller }: Omit<RunningJob, 'done'>,
  error: unknown,
  report: Report,
): Promise<void> {
  const { client, identity, registration, emit, onBackendFailure } = runner;
  const { job_id } = job;
  const { minerId } = identity;
  const fail = async (why: BackendError) => {
    const failure = { ...failureReport(minerId, why), ...epochOf(registration.epoch) };
    const outcome = await report(() => client.jobs.fail(job_id, failure, { maxRetries: 0 }));
    const { error, error_class } = failure;
    // The last attempt ends the job, even when another attempt could succeed.
    const retryable = outcome.status === 'pending';
    emit({ event: 'job_failed', job_id, error, retryable, error_class });
  };
  const reason = controller.signal.aborted ? (controller.signal.reason as JobStopped).reason : null;
  if (reason === 'shutdown') return await releaseJob(runner, job_id, 'the miner stops');
  if (reason === 'deadline') {
    // A missed deadline may mean that the engine hangs, so the backend is checked.
    const late = new BackendError('The miner did not finish before the deadline', { down: true });
    onBackendFailure(late);
    return await fail(late);
  }
  if (reason) return emit({ event: 'job_stopped', job_id, reason });
  if (isCoordinatorError(error, 'JOB_*', 'MINER_NOT_FOUND', 'MINER_SUPERSEDED')) {
    return emit({ event: 'job_stopped', job_id, reason: error.detail });
  }
  if (isCoordinatorError(error, 'PAYLOAD_TOO_LARGE')) return await fail(tooLarge());
  if (isPassing(error)) throw error;
  if (!(error instanceof BackendError)) return await fail(new BackendError(messageOf(error)));
  onBackendFailure(error);
  await fail(error);
}

/** Another miner's result would be as large, so the job is not tried again. */
const tooLarge = () =>
  new BackendError('The result is too large for the coordinator', {
    failureClass: 'refused',
    code: 'result_too_large',
  });

/** Builds the report to the coordinator. Older coordinators ignore `error_class` and read `retryable`. */
function failureReport(minerId: string, error: BackendError) {
  const { message, failureClass, code, retryAfterSeconds } = error;
  return {
    miner_id: minerId,
    error: message.toWellFormed().slice(0, LIMITS.errorLength) || 'The engine did not say why',
    retryable: isRetryable(failureClass),
    error_class: failureClass,
    ...(code !== undefined && { engine_code: code }),
    ...(retryAfterSeconds !== undefined && { retry_after: retryAfterSeconds }),
  } satisfies FailJob;
}

/** Hands a job back, so that another miner need not wait for the lease to run out. */
export async function releaseJob(
  { client, identity, registration, emit }: Pick<JobRunner, 'client' | 'identity' | 'registration' | 'emit'>,
  jobId: string,
  reason: string,
): Promise<void> {
  try {
    const options = { ...epochOf(registration.epoch), timeout: 5_000 };
    await client.jobs.release(jobId, identity.minerId, options);
    emit({ event: 'job_released', job_id: jobId, reason });
  } catch (error) {
    if (!isCoordinatorError(error, 'JOB_*', 'MINER_NOT_FOUND', 'MINER_SUPERSEDED')) throw error;
  }
}
