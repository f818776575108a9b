import {
  type AnswerDetails,
  type EffectiveParameters,
  type FailureClass,
  type FinishReason,
  type Job,
  type JobConstraints,
  type JobError,
  type JobParams,
  type JobRun,
  type JobSummary,
  parseOwn,
  type QueueInfo,
  textOf,
} from '@aitbc/protocol';
import { readChosen } from '../miners/chosen-miners.ts';
import { readDemand } from '../miners/passports.ts';
import { raw } from '../raw.ts';
import { isoTime } from '../store/numbers.ts';
import type { Row } from '../store/schema.ts';
import { readOwnWebhook } from '../webhooks/own-webhooks.ts';
import { askedIn, modelsIn } from './content.ts';
import type { ERROR_COLUMNS, JobRow } from './job.ts';
import type { Requirements } from './requirements.ts';

/** A run, and whether its result equals the job's result. Null if either has no result. */
export type FoundRun = JobRow & { agrees: number | boolean | null };

export type JobTexts = {
  input: Omit<Row<'job_input'>, 'job_id'> | undefined;
  output: Omit<Row<'job_output'>, 'job_id'> | undefined;
};

export function toSummary(job: JobRow, requirements: Requirements): JobSummary {
  return {
    job_id: job.id,
    status: job.status,
    model: job.model,
    priority: job.priority,
    constraints: constraintsOf(job, requirements),
    attempts: job.attempts,
    max_attempts: job.max_attempts,
    created_at: isoTime(job.created_at),
    expires_at: isoTime(job.expires_at),
    started_at: isoTimeOrNull(job.started_at),
    completed_at: isoTimeOrNull(job.completed_at),
    miner_id: job.miner_id,
    error: jobErrorOf(job),
    receipt_id: job.receipt_id,
    erased_at: isoTimeOrNull(job.erased_at),
  };
}

export function toJob(
  job: JobRow,
  requirements: Requirements,
  texts: JobTexts,
  queue: QueueInfo | null,
  runs: readonly JobRun[] | undefined,
): Job {
  const { input, output } = texts;
  const own = readOwnWebhook(job.webhook);
  return {
    ...toSummary(job, requirements),
    prompt: input?.prompt ?? null,
    ...(input && askedIn({ kind: input.kind, text: input.prompt, own: input.own })),
    params: parseParams(input?.params),
    metadata: input?.metadata ? JSON.parse(input.metadata) : null,
    ...(input?.models && { models: [...modelsIn(input)] }),
    ...(own && { webhook_url: own.url }),
    stream: job.stream === 1,
    ...toResult(output),
    ...(output?.parameters && {
      effective_parameters: JSON.parse(output.parameters) as EffectiveParameters,
    }),
    salt: job.salt,
    queue,
    ...(runs && { runs: [...runs] }),
  };
}

export function toRun(run: FoundRun): JobRun {
  return {
    job_id: run.id,
    status: run.status,
    miner_id: run.miner_id,
    receipt_id: run.receipt_id,
    salt: run.salt,
    agrees: run.agrees === null ? null : Boolean(run.agrees),
    error: jobErrorOf(run),
  };
}

export const toNewRun = ({ id, salt }: Pick<JobRow, 'id' | 'salt'>): JobRun => ({
  job_id: id,
  status: 'pending',
  miner_id: null,
  receipt_id: null,
  salt,
  agrees: null,
  error: null,
});

/** Returns the result fields, which are null if there is no result or it was erased. */
export function toResult(output: JobTexts['output']): Pick<Job, 'result' | 'usage'> & ResultForm {
  return {
    result: output?.result ?? null,
    ...(output && output.type !== 'text' && { result_type: output.type }),
    ...(output?.finish_reason && { finish_reason: output.finish_reason as FinishReason }),
    ...(output?.details && (JSON.parse(output.details) as AnswerDetails)),
    usage: output?.usage ? JSON.parse(output.usage) : null,
  };
}

type ResultForm = Pick<Job, 'result_type' | 'finish_reason'> & AnswerDetails;

export function constraintsOf(
  job: JobRow,
  { region, min_vram_gb, min_context, miners, passport_demand }: Requirements,
): JobConstraints {
  return {
    ...(min_vram_gb > 0 && { min_vram_gb }),
    ...(region !== '' && { region }),
    ...(min_context > 0 && { min_context }),
    ...(miners !== '' && readChosen(miners)),
    ...(passport_demand !== '' && readDemand(passport_demand)),
    ...(job.max_price !== null && { max_price: job.max_price }),
  };
}

export function jobErrorOf(job: Pick<JobRow, (typeof ERROR_COLUMNS)[number]>): JobError | null {
  if (job.error_code === null) return null;
  const { completed_at, deadline } = job;
  const isTimed = job.error_code === 'MINERS_BUSY' && completed_at !== null && deadline !== null;
  return {
    error_code: job.error_code as JobError['error_code'],
    detail: job.error_detail ?? '',
    ...(job.error_class !== null && { error_class: job.error_class as FailureClass }),
    ...(job.engine_code !== null && { engine_code: job.engine_code }),
    ...(isTimed && { retry_after: Math.ceil((deadline - completed_at) / 1000) }),
  };
}

export function parseParams(text: string | undefined): JobParams {
  if (text === undefined || text === '{}') return {};
  const params = parseOwn(text) as JobParams;
  for (const [name, value] of Object.entries(params)) if (textOf(value)) params[name] = raw(value);
  return params;
}

const isoTimeOrNull = (ms: number | null) => (ms === null ? null : isoTime(ms));
