import type { MinerJob } from '@aitbc/protocol';
import { type Attributes, formatTraceparent, parseTraceparent, type Tracing } from '@aitbc/tracing';
import type { Backend } from './backend.ts';
import type { JobOutput } from './output.ts';

/** The span of a job at its miner. */
export interface JobSpan {
  /** What to send to the engine and the coordinator. Undefined where the job belongs to no trace. */
  readonly traceparent: string | undefined;
  completed(output: JobOutput): void;
  /** @param error a code, never a text of the engine, which may repeat a prompt */
  failed(error: string): void;
}

/** Begins the span of a job that belongs to a trace. Where this miner exports none, the engine gets the job's own place in it. */
export function startJobSpan(tracing: Tracing | undefined, backend: Backend, job: MinerJob): JobSpan {
  const parent = parseTraceparent(job.traceparent);
  if (!tracing || !parent) return { traceparent: job.traceparent, completed() {}, failed() {} };
  const operation = job.input ? 'embeddings' : job.messages ? 'chat' : 'text_completion';
  const span = tracing.start({
    ...{ name: `${operation} ${job.model}`, kind: 'client', parent },
    attributes: {
      ...requestOf(job),
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': backend.kind,
    },
  });
  return {
    traceparent: formatTraceparent(span.context),
    completed: output => span.end({ attributes: responseOf(output) }),
    failed: error => span.end({ error }),
  };
}

function requestOf({ job_id, model, attempt, params }: MinerJob): Attributes {
  const { max_tokens, temperature, top_p } = params;
  return {
    'aitbc.job.id': job_id,
    'aitbc.attempt': attempt,
    'gen_ai.request.model': model,
    'gen_ai.request.max_tokens': max_tokens,
    'gen_ai.request.temperature': temperature,
    'gen_ai.request.top_p': top_p,
  };
}

const responseOf = ({ finish_reason, usage }: JobOutput): Attributes => ({
  'gen_ai.response.finish_reasons': finish_reason && [finish_reason],
  'gen_ai.usage.input_tokens': usage?.prompt_tokens,
  'gen_ai.usage.output_tokens': usage?.completion_tokens,
});
