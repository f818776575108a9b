import { describeClockStep } from './clock-watch.ts';
import type { Log } from './log-output.ts';
import type { LeaseEnd, StoreEvent } from './store/events.ts';
import type { Store } from './store/store.ts';

/** Logs the committed events that operators should know, one line for each. */
export function logCommits(store: Pick<Store, 'onCommit'>, log: Log): void {
  store.onCommit(events => {
    for (const event of events) logEvent(event, log);
  });
}

const LEASE_ENDS: Record<LeaseEnd, string> = {
  silent: 'a lease ran out: the miner was not heard of in time',
  deadline: 'a lease ran out: the miner did not finish the job in time',
};

function logEvent(event: StoreEvent, log: Log): void {
  if (event.type === 'job.failed') {
    const { jobId: job_id, minerId: miner_id, model, errorCode: error_code, errorClass, attempts } = event;
    const error_class = errorClass ?? undefined;
    log.info({ job_id, model, miner_id, error_code, error_class, attempts }, 'a job failed');
  }
  if (event.type === 'lease.expired') {
    const { jobId: job_id, minerId: miner_id, model, reason } = event;
    log.info({ job_id, model, miner_id }, LEASE_ENDS[reason]);
  }
  if (event.type === 'miner.turned')
    log.info({ miner_id: event.minerId, was: event.from }, `a miner is ${event.to}`);
  if (event.type === 'job.unreadable') {
    const { jobId: job_id, columns } = event;
    log.error({ job_id, columns }, 'the record of a job was damaged: it has failed');
  }
  if (event.type === 'clock.set') {
    const { setByMs } = event;
    const text = `the clock was set ${describeClockStep(setByMs)}: the times of jobs and miners were moved along`;
    log.warn({ setByMs }, text);
  }
}
