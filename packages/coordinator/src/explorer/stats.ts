import type { ActivityPoint, ExplorerStats, NetworkStats } from '@aitbc/protocol';
import type { PublicLedger } from '../ledger/ledger.ts';
import { isoTime } from '../store/numbers.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { readActivity, readCounters, sumActivity } from './queries.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOURS = 48;
const DAYS = 90;

/** Returns network statistics from counters that are maintained by writes. */
export async function networkStats(store: Store, ledger: PublicLedger): Promise<NetworkStats> {
  const [counters, latest] = await Promise.all([readCounters(store.read), ledger.latest()]);
  return statsOf(counters, latest?.height ?? 0);
}

export function statsOf(counters: ReadonlyMap<string, number>, height: number): NetworkStats {
  const count = (name: string) => counters.get(name) ?? 0;
  const byStatus = {
    pending_jobs: count('jobs.pending'),
    running_jobs: count('jobs.running'),
    completed_jobs: count('jobs.completed'),
    failed_jobs: count('jobs.failed'),
    cancelled_jobs: count('jobs.cancelled'),
  };
  return {
    total_jobs: Object.values(byStatus).reduce((sum, jobs) => sum + jobs, 0),
    ...byStatus,
    total_miners: count('miners.total'),
    active_miners: count('miners.active'),
    total_receipts: count('receipts.total'),
    block_height: height,
  };
}

/** Returns network statistics and series for charts, which end with the current hour and day. */
export async function explorerStats(store: Store, ledger: PublicLedger, now: number): Promise<ExplorerStats> {
  const hours = series(now, HOUR_MS, HOURS);
  const days = series(now, DAY_MS, DAYS);
  const [stats, byHour, byDay] = await Promise.all([
    networkStats(store, ledger),
    readActivity(store.read, hours[0] ?? now),
    sumActivity(store.read, days[0] ?? now, DAY_MS),
  ]);
  return { ...stats, hourly: toPoints(hours, byHour), daily: toPoints(days, byDay) };
}

/** Returns the start times of the last periods, oldest first. */
function series(now: number, periodMs: number, count: number): number[] {
  const current = now - (now % periodMs);
  return Array.from({ length: count }, (_, index) => current - (count - 1 - index) * periodMs);
}

function toPoints(times: readonly number[], rows: readonly Row<'activity'>[]): ActivityPoint[] {
  const rowsByTime = new Map(rows.map(row => [row.hour, row]));
  return times.map(time => {
    const { receipts = 0, amount = 0 } = rowsByTime.get(time) ?? {};
    return { time: isoTime(time), receipts, credits: amount / 1e6 };
  });
}
