import type { QueueInfo } from '@aitbc/protocol';
import type { Reach } from '../../miners/directory.ts';
import type { JobRow } from '../job.ts';
import { majorityOf } from '../replication-request.ts';
import { type Clock, jobsAhead } from './fairness.ts';

/**
 * Returns the position and the estimated start of a pending job, from the counters of its model's clocks.
 *
 * @param runs the number of its runs, or 0
 */
export function queueInfo(
  job: Pick<JobRow, 'priority' | 'rank'>,
  clocks: readonly Clock[],
  reach: Reach,
  runs = 0,
): QueueInfo {
  const own = clocks.find(clock => clock.priority === job.priority);
  const urgent = clocks
    .filter(clock => clock.priority > job.priority)
    .reduce((sum, clock) => sum + clock.pending, 0);
  const position = 1 + urgent + (own ? jobsAhead(own, job.rank) : 0);
  const running = clocks.reduce((sum, clock) => sum + clock.running, 0);
  return {
    position,
    eligible_miners: reach.miners,
    estimated_start_seconds: estimateStart(position, running, own?.average_run_ms ?? 0, reach.slots),
    reason: reach.reason ?? tooFewOwners(reach, runs),
  };
}

function tooFewOwners({ operators }: Reach, runs: number): string | null {
  const needed = majorityOf(runs);
  if (runs === 0 || operators >= needed) return null;
  return `It needs the same result from miners of ${needed} owners, and those that could run it are of ${operators}.`;
}

/**
 * Estimates the start in seconds: the rounds of the eligible slots before the job's turn, times the average run time of
 * its model.
 */
function estimateStart(
  position: number,
  running: number,
  averageRunMs: number,
  slots: number,
): number | null {
  if (slots === 0) return null;
  const idle = Math.max(slots - running, 0);
  if (position <= idle) return 0;
  if (averageRunMs === 0) return null;
  return Math.round((((position - idle) / slots) * averageRunMs) / 100) / 10;
}
