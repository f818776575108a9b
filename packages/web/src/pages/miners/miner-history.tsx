import { useQuery } from '@tanstack/react-query';
import { publicClient } from '../../api/client.ts';
import { AvailabilityBar } from '../../components/availability-bar/availability-bar.tsx';
import { Chart } from '../../components/chart/chart.tsx';
import { CsvButton } from '../../components/downloads/csv-button.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed } from '../../components/states/states.tsx';
import { formatCount, formatCredits } from '../../format/numbers.ts';
import { formatDay } from '../../format/time.ts';

const COLUMNS = ['day', 'availability', 'jobs', 'tokens_in', 'tokens_out', 'credits'] as const;

/** How much of each day a miner was there, and what it earned. */
export function MinerHistory({ id }: { id: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['miner', id, 'days'],
    queryFn: ({ signal }) => publicClient.explorer.minerDays(id, { signal }),
    staleTime: 30_000,
    meta: { live: 'slow' },
  });
  if (error)
    return (
      <Panel title="History">
        <LoadingFailed error={error} what="the history" retry={refetch} />
      </Panel>
    );
  if (!data)
    return (
      <Panel title="History">
        <Loading what="the history" lines={4} />
      </Panel>
    );
  const total = data.reduce((sum, { credits }) => sum + credits, 0);
  const jobs = data.reduce((sum, day) => sum + day.jobs, 0);
  return (
    <>
      <Panel title="Availability" aside="last 90 days">
        <AvailabilityBar days={data} />
      </Panel>
      <Panel
        title="Earnings by day"
        aside={
          <>
            {formatCredits(total)} credits for {formatCount(jobs)} {jobs === 1 ? 'job' : 'jobs'}
            <CsvButton file={`${id}-days.csv`} columns={COLUMNS} read={async () => data} />
          </>
        }
      >
        <Chart
          label="Credits that this miner earned on each of the last 90 days"
          times={data.map(({ day }) => Date.parse(day))}
          series={[{ name: 'Credits', tone: 'accent', values: data.map(({ credits }) => credits) }]}
          format={formatCredits}
          formatTime={formatDay}
          bars
        />
      </Panel>
    </>
  );
}
