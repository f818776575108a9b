import type { Log } from './log-output.ts';
import type { JobTraces } from './tracing/job-traces.ts';

const EVERY_MS = 60_000;

/** Logs that traces can't be exported, at most once a minute. */
export function logTraceFaults({ onFault }: Pick<JobTraces, 'onFault'>, log: Log): void {
  let quietUntil = 0;
  onFault(error => {
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + EVERY_MS;
    log.warn({ err: error.message }, 'traces could not be exported: these spans are lost');
  });
}
