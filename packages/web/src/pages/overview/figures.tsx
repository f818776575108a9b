import type { Overview, RatePoint } from '@aitbc/sdk';
import { Stat, Stats } from '../../components/stat/stat.tsx';
import { formatCount, formatDuration, formatLarge, formatRate } from '../../format/numbers.ts';

/** How many of the newest points count as now: a quarter of a minute. */
const NOW_POINTS = 8;

/** The live figures at the top. */
export function Figures({ overview }: { overview: Overview }) {
  const { stats, miners, time_to_first_token_ms: firstToken, rates } = overview;
  return (
    <Stats>
      <Stat
        label="Jobs/s"
        value={formatRate(averageOf(rates, 'completed'))}
        detail={`${formatLarge(stats.completed_jobs)} completed in all`}
      />
      <Stat label="Tokens/s" value={formatRate(averageOf(rates, 'tokens'))} detail="of answers" />
      <Stat
        label="First token"
        value={firstToken === null ? '–' : formatDuration(firstToken.p50)}
        detail={
          firstToken === null
            ? 'no streams lately'
            : `p95 ${formatDuration(firstToken.p95)} · p99 ${formatDuration(firstToken.p99)}`
        }
      />
      <Stat
        label="Waiting"
        value={formatLarge(stats.pending_jobs)}
        detail={`${formatLarge(stats.running_jobs)} running`}
      />
      <Stat
        label="Miners"
        value={formatCount(miners.taking_jobs)}
        detail={`jobs at once: ${formatCount(miners.slots)}`}
      />
      <Stat
        label="Receipts"
        value={formatLarge(stats.total_receipts)}
        detail={`block ${formatCount(stats.block_height)}`}
      />
    </Stats>
  );
}

function averageOf(rates: readonly RatePoint[], name: 'completed' | 'tokens'): number {
  const latest = rates.slice(-NOW_POINTS);
  return latest.length === 0 ? 0 : latest.reduce((sum, point) => sum + point[name], 0) / latest.length;
}
