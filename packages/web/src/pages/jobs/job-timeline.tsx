import type { Job } from '@aitbc/sdk';
import { Link } from '@tanstack/react-router';
import { Timeline, type TimelineStep } from '../../components/timeline/timeline.tsx';
import { formatCount, formatDuration } from '../../format/numbers.ts';

/** What happened to a job, from the first to the last. */
export const JobTimeline = ({ job }: { job: Job }) => <Timeline steps={stepsOf(job)} />;

function stepsOf(job: Job): TimelineStep[] {
  const { attempts, max_attempts, started_at, status } = job;
  const steps: TimelineStep[] = [{ tone: 'good', title: 'Submitted', at: job.created_at }];
  // Only the last attempt is kept, and how many there were.
  const earlier = started_at === null || status === 'pending' ? attempts : attempts - 1;
  if (earlier > 0)
    steps.push({
      tone: 'bad',
      title: earlier === 1 ? 'One attempt gave no result' : `${earlier} attempts gave no result`,
      detail: status === 'failed' ? undefined : 'The job was given to another miner.',
    });
  if (status === 'pending') steps.push(waiting(job));
  if (started_at !== null && status !== 'pending')
    steps.push({
      tone: status === 'running' ? 'waiting' : 'good',
      title: `Attempt ${attempts} of ${max_attempts}`,
      at: started_at,
      detail: job.miner_id === null ? undefined : <MinerLink id={job.miner_id} />,
    });
  for (const run of job.runs ?? [])
    steps.push({
      tone: run.status === 'completed' ? (run.agrees === false ? 'bad' : 'good') : 'waiting',
      title: `Run on ${run.miner_id ?? 'no miner yet'}: ${run.status}`,
      detail: run.agrees === false ? 'Its result differs.' : run.error?.detail,
    });
  const last = endOf(job);
  if (last) steps.push(last);
  return steps;
}

function waiting({ queue }: Job): TimelineStep {
  const place =
    queue && !queue.reason
      ? `Number ${formatCount(queue.position)} in the queue of ${formatCount(queue.eligible_miners)} miners.`
      : undefined;
  const start =
    queue?.estimated_start_seconds == null
      ? ''
      : ` It starts in about ${formatDuration(queue.estimated_start_seconds * 1000)}.`;
  return {
    tone: 'waiting',
    title: 'Waits for a miner',
    detail: queue?.reason ?? (place === undefined ? undefined : place + start),
  };
}

function endOf({ status, started_at, completed_at, error, receipt_id }: Job): TimelineStep | undefined {
  if (completed_at === null) return undefined;
  const at = completed_at;
  if (status === 'cancelled') return { tone: 'quiet', title: 'Cancelled', at };
  if (status === 'failed')
    return {
      tone: 'bad',
      title: 'Failed',
      at,
      detail: error ? `${error.detail} (${error.error_code})` : undefined,
    };
  const took = started_at === null ? '' : `after ${formatDuration(Date.parse(at) - Date.parse(started_at))}`;
  return {
    tone: 'good',
    title: 'Completed',
    at,
    detail: receipt_id === null ? took : `${took}, with a receipt`,
  };
}

const MinerLink = ({ id }: { id: string }) => (
  <>
    by{' '}
    <Link to="/miners/$id" params={{ id }}>
      {id}
    </Link>
  </>
);
