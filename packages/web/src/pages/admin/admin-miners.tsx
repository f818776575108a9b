import type { CoordinatorClient, Miner } from '@aitbc/sdk';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { OWN } from '../../api/queries.ts';
import { ConfirmButton } from '../../components/confirm/confirm.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Choice } from '../../components/filter/filter.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { formatCount, formatPercent } from '../../format/numbers.ts';
import { pathOf } from '../../format/paths.ts';
import { useSession } from '../../session/use-session.ts';
import { isMinerStatus, MINER_STATES } from '../miners/miner-filters.ts';
import { MinerStateMark } from '../miners/miner-state.tsx';
import styles from './admin.module.css';

const route = getRouteApi('/admin');

/** The miners, with what an operator can do about each. */
export function AdminMiners() {
  const { client } = useSession();
  const queries = useQueryClient();
  const { cursor, status } = route.useSearch();
  const navigate = route.useNavigate();
  const query = { limit: 50, ...(cursor && { cursor }), ...(isMinerStatus(status) && { status }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'miners', query],
    queryFn: ({ signal }) => client.miners.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: 'slow' },
  });
  const act = async (done: Promise<unknown>) => {
    await done;
    await queries.invalidateQueries({ queryKey: [OWN] });
  };
  return (
    <Panel
      title="Miners"
      aside={
        <Choice
          label="State"
          value={status}
          choices={MINER_STATES}
          onChange={value => void navigate({ search: { status: value } })}
        />
      }
      flush
    >
      {error ? (
        <LoadingFailed error={error} what="the miners" retry={refetch} />
      ) : !data ? (
        <Loading what="miners" />
      ) : data.items.length === 0 ? (
        <Notice icon="miner" title={status ? 'No miner is in this state' : 'No miner yet'}>
          The <Link to="/">overview</Link> has the command that lends a GPU.
        </Notice>
      ) : (
        <>
          <DataTable
            caption="Miners by name"
            columns={[...COLUMNS, actionsColumn(client, act)]}
            rows={data.items}
            rowKey={({ miner_id }) => miner_id}
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
  );
}

const COLUMNS: readonly TableColumn<Miner>[] = [
  {
    id: 'miner',
    header: 'Miner',
    cell: ({ miner_id }) => (
      <Link to="/miners/$id" params={{ id: miner_id }}>
        {miner_id}
      </Link>
    ),
  },
  { id: 'state', header: 'State', cell: miner => <MinerStateMark miner={miner} /> },
  { id: 'running', header: 'Runs', align: 'end', from: 'md', cell: ({ running }) => formatCount(running) },
  { id: 'failed', header: 'Failed', align: 'end', from: 'md', cell: ({ failed }) => formatCount(failed) },
  {
    id: 'reputation',
    header: 'Reputation',
    align: 'end',
    from: 'sm',
    cell: ({ reputation }) => formatPercent(reputation.score),
  },
];

const actionsColumn = (
  client: CoordinatorClient,
  act: (done: Promise<unknown>) => Promise<void>,
): TableColumn<Miner> => ({
  id: 'actions',
  header: 'Actions',
  align: 'end',
  cell: ({ miner_id: id, status, reputation, running }) => (
    <span className={styles.buttons}>
      {status === 'online' ? (
        <ConfirmButton
          action="Drain"
          subject={id}
          consequence={`It gets no new jobs, and finishes the ${formatCount(running)} that it runs. It takes jobs again when its owner starts it again.`}
          run={() => act(client.miners.drain(id))}
        />
      ) : null}
      {reputation.suspended_at === null ? (
        <ConfirmButton
          action="Suspend"
          subject={id}
          isDangerous
          consequence="All miners of its owner get no new jobs, not just this one. Jobs under way end as usual. It lasts until you reinstate one of them, or until the time that is configured for suspensions is over."
          run={() => act(client.miners.suspend(id))}
        />
      ) : (
        <ConfirmButton
          action="Reinstate"
          subject={id}
          consequence="All miners of its owner get jobs again at once, and their reputation begins anew: what they failed before is forgotten."
          run={() => act(client.miners.reinstate(id))}
        />
      )}
    </span>
  ),
});
