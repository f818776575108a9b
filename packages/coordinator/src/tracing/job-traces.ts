import {
  formatTraceparent,
  isSampled,
  openTracing,
  parseTraceparent,
  type TraceContext,
  type Tracing,
} from '@aitbc/tracing';
import type { JobRow } from '../jobs/job.ts';
import { ConfigError } from '../option.ts';
import type { Store } from '../store/store.ts';
import { VERSION } from '../version.ts';
import { attemptContext, spansOf } from './job-spans.ts';

/** Traces of requests and jobs. */
export interface JobTraces {
  /** Undefined where no export of traces is configured. */
  readonly tracing: Tracing | undefined;
  /**
   * Returns the `traceparent` for the miner that runs a job: of its attempt where traces are exported from here,
   * otherwise as the job's client gave it.
   */
  traceparentFor(job: JobRow): string | undefined;
  /** Calls `listener` with each failure to export spans. */
  onFault(listener: (error: Error) => void): void;
  close(): Promise<void>;
}

/** @throws {ConfigError} where the endpoint or the protocol of the export can't be used */
export async function createJobTraces({
  endpoint,
  store,
}: {
  endpoint: string | undefined;
  store: Pick<Store, 'onCommit'>;
}): Promise<JobTraces> {
  if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ''))
    throw new ConfigError(`--otlp-endpoint must be a URL such as http://127.0.0.1:4318, not ${endpoint}`);
  const listeners: ((error: Error) => void)[] = [];
  const onFault = (error: Error) => {
    for (const listener of listeners) listener(error);
  };
  const tracing = await openTracing({ service: 'aitbc', version: VERSION, endpoint, onFault }).catch(
    error => {
      throw new ConfigError((error as Error).message);
    },
  );
  if (tracing)
    store.onCommit(events => {
      for (const event of events) {
        if (event.type !== 'jobs.traced') continue;
        for (const change of event.changes) {
          const parent = recordedContext(change.after);
          if (parent) spansOf(change, parent, event.at).forEach(tracing.record);
        }
      }
    });
  return {
    tracing,
    traceparentFor(job) {
      if (job.traceparent === null) return undefined;
      const parent = tracing && job.started_at !== null && recordedContext(job);
      return parent ? formatTraceparent(attemptContext(job, parent)) : job.traceparent;
    },
    onFault: listener => void listeners.push(listener),
    async close() {
      await tracing?.close();
    },
  };
}

function recordedContext({ traceparent }: JobRow): TraceContext | undefined {
  const context = parseTraceparent(traceparent);
  return context && isSampled(context) ? context : undefined;
}
