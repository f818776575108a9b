import type { Miner } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Choice, Filter } from '../../components/filter/filter.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { formatCount, formatPercent } from '../../format/numbers.ts';
import { pathOf } from '../../format/paths.ts';
import { isMinerStatus, MINER_STATES } from './miner-filters.ts';
import { MinerStateMark } from './miner-state.tsx';

const route = getRouteApi('/miners');

const COLUMNS: readonly TableColumn<Miner>[] = [
  {
    id: 'miner',
    header: 'Miner',
    cell: ({ miner_id }) => (
      <Link to="/miners/$id" params={{ id: miner_id }}>
        {miner_id}
      </Link>
    ),
    sortBy: ({ miner_id }) => miner_id,
  },
  {
    id: 'state',
    header: 'State',
    cell: miner => <MinerStateMark miner={miner} />,
    sortBy: ({ status }) => status,
  },
  {
    id: 'gpu',
    header: 'GPU',
    from: 'md',
    sortBy: ({ vram_gb }) => vram_gb ?? 0,
    cell: ({ gpu_info, vram_gb }) => (
      <>
        {String(gpu_info?.name ?? '–')}{' '}
        {vram_gb === null ? null : <span className="muted">{formatCount(vram_gb)} GB</span>}
      </>
    ),
  },
  {
    id: 'models',
    header: 'Models',
    from: 'lg',
    cell: ({ capabilities: [first, second, ...rest] }) =>
      [first, second].filter(Boolean).join(', ') + (rest.length > 0 ? ` and ${rest.length} more` : ''),
  },
  {
    id: 'running',
    header: 'Runs',
    align: 'end',
    from: 'sm',
    cell: ({ running }) => formatCount(running),
    sortBy: ({ running }) => running,
  },
  {
    id: 'completed',
    header: 'Completed',
    align: 'end',
    cell: ({ completed }) => formatCount(completed),
    sortBy: ({ completed }) => completed,
  },
  {
    id: 'reputation',
    header: 'Reputation',
    align: 'end',
    from: 'sm',
    cell: ({ reputation }) => formatPercent(reputation.score),
    sortBy: ({ reputation }) => reputation.score,
  },
  {
    id: 'seen',
    header: 'Seen',
    align: 'end',
    from: 'md',
    cell: ({ last_seen_at }) => <Time at={last_seen_at} />,
    sortBy: ({ last_seen_at }) => Date.parse(last_seen_at),
  },
];

export function MinersPage() {
  const { cursor, status, model, sort } = route.useSearch();
  const navigate = route.useNavigate();
  const query = {
    limit: 100,
    ...(cursor && { cursor }),
    ...(isMinerStatus(status) && { status }),
    ...(model && { model }),
  };
  const filterBy = (name: 'status' | 'model') => (value: string | undefined) =>
    void navigate({ search: before => ({ ...before, cursor: undefined, [name]: value }) });
  const { data, error, refetch } = useQuery({
    queryKey: ['miners', query],
    queryFn: ({ signal }) => publicClient.miners.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: 'slow' },
  });
  return (
    <Page
      title="Miners"
      about="Machines that run jobs. Anybody can lend one; its reputation follows from how its jobs ended."
    >
      <Panel
        title="Miners by name"
        aside={
          <>
            <Filter label="Model" placeholder="llama3.2" value={model} onChange={filterBy('model')} />
            <Choice label="State" value={status} choices={MINER_STATES} onChange={filterBy('status')} />
          </>
        }
        flush
      >
        {error ? (
          <LoadingFailed error={error} what="the miners" retry={refetch} />
        ) : !data ? (
          <Loading what="miners" lines={10} />
        ) : data.items.length === 0 ? (
          <Notice
            icon="miner"
            title={
              model ? 'No miner runs this model now' : status ? 'No miner is in this state' : 'No miner yet'
            }
          >
            The <Link to="/">overview</Link> has the command that lends a GPU.
          </Notice>
        ) : (
          <>
            <DataTable
              caption="Miners by name"
              columns={COLUMNS}
              rows={data.items}
              rowKey={({ miner_id }) => miner_id}
              sort={sort ?? 'miner'}
              onSort={value => void navigate({ search: before => ({ ...before, sort: value }) })}
            />
            <Pager
              cursor={cursor}
              next={data.cursor}
              count={data.items.length}
              noun="miners"
              json={{ value: data.items, path: pathOf('/v1/miners', query) }}
            />
          </>
        )}
      </Panel>
    </Page>
  );
}
