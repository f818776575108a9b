import type { IdleReason, IdleReport, MinerDetail, Workload } from '@aitbc/protocol';
import type { Store } from '../store/store.ts';
import { abilitiesOf, mismatch, obstacleTo, SUSPENDED } from './eligibility.ts';
import { listWorkload, type MinerWithAddress, type WorkloadRow } from './queries.ts';

/** How long the counters are kept, so that miners that claim all the time do not read them all the time. */
const KEPT_MS = 1_000;

export interface WorkloadExplainer {
  /** Returns the pending jobs that the miner can run, and why it gets no others. */
  explain(miner: MinerWithAddress): Promise<MinerDetail['workload']>;
  /** Returns why a claim of the miner found nothing. The counters may be a second old. */
  report(miner: MinerWithAddress): Promise<IdleReport>;
}

/** Explains from the counters of queues which jobs a miner does not get. It looks at no single job. */
export function createWorkload({ read }: Store): WorkloadExplainer {
  let kept: Promise<WorkloadRow[]> | undefined;
  let keptUntil = 0;
  const recentQueues = () => {
    const now = performance.now();
    if (kept && now < keptUntil) return kept;
    const queues = listWorkload(read);
    queues.catch(() => {
      if (kept === queues) kept = undefined;
    });
    [kept, keptUntil] = [queues, now + KEPT_MS];
    return queues;
  };
  return {
    explain: async miner => explain(miner, await listWorkload(read)),
    report: async miner => reportOf(miner, await recentQueues()),
  };
}

function explain(miner: MinerWithAddress, queues: readonly WorkloadRow[]): MinerDetail['workload'] {
  const abilities = abilitiesOf(miner);
  const kinds = new Map<string, Workload>();
  for (const queue of queues) {
    const reason = mismatch(queue, abilities);
    const key = `${queue.model} ${reason}`;
    const kind = kinds.get(key) ?? { model: queue.model, pending: 0, reason };
    kind.pending += queue.pending;
    kinds.set(key, kind);
  }
  const workload = [...kinds.values()];
  return {
    runnable: workload.filter(({ reason }) => reason === null),
    blocked: workload.filter(({ reason }) => reason !== null),
    reason: reasonOf(miner, workload),
  };
}

function reasonOf(miner: MinerWithAddress, workload: readonly Workload[]): string | null {
  if (miner.status === 'offline') return 'It was not heard of for a while: send heartbeats or poll for jobs.';
  if (miner.status === 'draining') return 'It is draining: resume it, or register it again, to get jobs.';
  if (miner.suspended_at !== null) return SUSPENDED;
  if (miner.concurrency !== null && miner.running >= miner.concurrency)
    return 'It runs as many jobs as it registered for.';
  if (workload.length === 0) return 'No jobs are pending.';
  if (workload.every(({ reason }) => reason !== null)) return 'It can run none of the pending jobs.';
  return null;
}

function reportOf(miner: MinerWithAddress, queues: readonly WorkloadRow[]): IdleReport {
  const abilities = abilitiesOf(miner);
  const blocked = new Map<IdleReason, { jobs: number; most: number; detail: string }>();
  for (const queue of queues) {
    const obstacle = obstacleTo(queue, abilities);
    if (obstacle === 'suspended') continue;
    const reason = obstacle ?? (queue.restriction === 0 ? 'held' : 'excluded');
    const { jobs, most, detail } = blocked.get(reason) ?? { jobs: 0, most: 0, detail: '' };
    blocked.set(reason, {
      jobs: jobs + queue.pending,
      most: Math.max(most, queue.pending),
      detail: queue.pending > most ? (mismatch(queue, abilities) ?? OTHER_TEXTS[reason] ?? '') : detail,
    });
  }
  return {
    reason: explain(miner, queues).reason,
    blocked: [...blocked]
      .map(([reason, { jobs, detail }]) => ({ reason, jobs, detail }))
      .sort((a, b) => b.jobs - a.jobs),
  };
}

const OTHER_TEXTS: Partial<Record<IdleReason, string>> = {
  excluded:
    'These jobs are for miners of other owners, because this operator had one of their runs or failed them.',
  held: 'These jobs pause after a failure or are offered to another miner, or this owner holds as many jobs as it may.',
};
