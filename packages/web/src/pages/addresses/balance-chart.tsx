import { useQuery } from '@tanstack/react-query';
import { publicClient } from '../../api/client.ts';
import { Chart } from '../../components/chart/chart.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { formatCredits } from '../../format/numbers.ts';
import { formatDay } from '../../format/time.ts';

/** The balance of an address at the end of each day on which it changed. */
export function BalanceChart({ address }: { address: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['address', address, 'days'],
    queryFn: ({ signal }) => publicClient.explorer.addressDays(address, { signal }),
    meta: { live: 'slow' },
  });
  return (
    <Panel title="Balance over time" aside="by day, in credits">
      {error ? (
        <LoadingFailed error={error} what="the balance" retry={refetch} />
      ) : !data ? (
        <Loading what="the balance" lines={4} />
      ) : data.length === 0 ? (
        <Notice icon="transaction" title="No movement yet">
          The days on which the ledger names this address show up here, some seconds after the first entry.
        </Notice>
      ) : (
        <Chart
          label="Balance at the end of each day, with what was received and sent"
          times={data.map(({ day }) => Date.parse(day))}
          series={[
            { name: 'Balance', tone: 'accent', values: data.map(({ balance }) => balance) },
            { name: 'Received', tone: 'quiet', values: data.map(({ received }) => received), dash: [3, 3] },
            { name: 'Sent', tone: 'alarm', values: data.map(({ sent }) => sent), dash: [1, 3] },
          ]}
          format={formatCredits}
          formatTime={formatDay}
          points
        />
      )}
    </Panel>
  );
}
