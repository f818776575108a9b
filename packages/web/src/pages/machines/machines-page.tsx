import type { EarningsRow, Miner } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { COORDINATOR_URL } from '../../api/client.ts';
import { OWN } from '../../api/queries.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { rangeOf } from '../../format/days.ts';
import { formatCount, formatCredits, formatRate } from '../../format/numbers.ts';
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { MinerStateMark } from '../miners/miner-state.tsx';
import { EarningsStats, OwnPayouts } from './own-payouts.tsx';

const route = getRouteApi('/machines');

export const MachinesPage = () => (
  <SignedIn scope="miner" title="Machines" purpose="see your machines">
    <Machines />
  </SignedIn>
);

/** How often the machines are read while the page is open. */
const REFRESH_MS = 5_000;

function Machines() {
  const { client } = useSession();
  const { cursor, payouts } = route.useSearch();
  const query = { limit: 50, ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'machines', query],
    queryFn: ({ signal }) => client.accounts.miners(query, { signal }).page(),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  const { to: today } = rangeOf('7');
  const earned = useQuery({
    queryKey: [OWN, 'earnings', 'today', today],
    queryFn: ({ signal }) =>
      client.earnings.list({ from: today, to: today, group_by: 'miner' }, { signal }).page(),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Page
      title="Machines"
      about="The miners of your account: what they do, and what they earned today."
      actions={data && <RawJson value={data.items} path="/v1/account/miners" />}
    >
      <EarningsStats />
      <Panel title="Your machines" flush>
        {error ? (
          <LoadingFailed error={error} what="your machines" retry={refetch} />
        ) : !data ? (
          <Loading what="machines" />
        ) : data.items.length === 0 ? (
          <Notice icon="machine" title="Your account has no machine yet">
            On a machine with a GPU and Ollama, with your key in <code>AITBC_API_KEY</code>:{' '}
            <code>npx aitbc miner --backend ollama --coordinator {COORDINATOR_URL}</code>
          </Notice>
        ) : (
          <>
            <DataTable
              caption="Your machines by name"
              columns={columnsFor(earned.data?.items ?? [])}
              rows={data.items}
              rowKey={({ miner_id }) => miner_id}
            />
            <Pager cursor={cursor} next={data.cursor} count={data.items.length} noun="machines" />
          </>
        )}
      </Panel>
      <OwnPayouts cursor={payouts} />
    </Page>
  );
}

const columnsFor = (earned: readonly EarningsRow[]): readonly TableColumn<Miner>[] => [
  {
    id: 'machine',
    header: 'Machine',
    cell: ({ miner_id }) => (
      <Link to="/machines/$id" params={{ id: miner_id }}>
        {miner_id}
      </Link>
    ),
  },
  { id: 'state', header: 'State', cell: miner => <MinerStateMark miner={miner} /> },
  { id: 'gpu', header: 'GPU', from: 'md', cell: ({ gpu_info }) => String(gpu_info?.name ?? '–') },
  {
    id: 'running',
    header: 'Runs',
    align: 'end',
    from: 'sm',
    cell: ({ running, concurrency }) => `${formatCount(running)} of ${formatCount(concurrency ?? 1)}`,
  },
  { id: 'speed', header: 'Tokens/s', align: 'end', from: 'sm', cell: miner => fastestOf(miner) },
  {
    id: 'earned',
    header: 'Earned today',
    align: 'end',
    cell: ({ miner_id }) => formatCredits(earned.find(row => row.miner_id === miner_id)?.credits ?? 0),
  },
  {
    id: 'seen',
    header: 'Seen',
    align: 'end',
    from: 'md',
    cell: ({ last_seen_at }) => <Time at={last_seen_at} />,
  },
];

function fastestOf({ models }: Miner): string {
  const speeds = models.flatMap(({ tokens_per_second }) => tokens_per_second ?? []);
  return speeds.length === 0 ? '–' : formatRate(Math.max(...speeds));
}
