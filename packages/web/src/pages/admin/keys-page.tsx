import type { ApiKey } from '@aitbc/sdk';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { OWN } from '../../api/queries.ts';
import { ConfirmButton } from '../../components/confirm/confirm.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Filter } from '../../components/filter/filter.tsx';
import { Id } from '../../components/id/id.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { Time } from '../../components/time/time.tsx';
import { formatCredits } from '../../format/numbers.ts';
import { pathOf } from '../../format/paths.ts';
import { useSession } from '../../session/use-session.ts';
import { Invitations } from '../keys/invitations.tsx';
import { AdminFrame, ForAdministrators } from './admin-frame.tsx';

const route = getRouteApi('/admin/keys');
const TITLE = 'Keys of all accounts';

export const AllKeysPage = () => (
  <ForAdministrators title={TITLE}>
    <AllKeys />
  </ForAdministrators>
);

const COLUMNS: readonly TableColumn<ApiKey>[] = [
  { id: 'key', header: 'Key', cell: ({ id, name }) => <>{name ?? <Id value={id} what="key id" />}</> },
  { id: 'state', header: 'State', cell: key => <State apiKey={key} /> },
  { id: 'scopes', header: 'Scopes', cell: ({ scopes }) => scopes.join(', ') },
  {
    id: 'account',
    header: 'Account',
    from: 'md',
    cell: ({ account }) => <Id value={account} what="address" to="/addresses/$id" ends={4} />,
  },
  {
    id: 'tier',
    header: 'Tier',
    from: 'lg',
    cell: ({ tier }) => tier ?? <span className="muted">default</span>,
  },
  { id: 'budget', header: 'Budget', from: 'lg', cell: ({ budget }) => describe(budget) },
  { id: 'created', header: 'Created', align: 'end', from: 'sm', cell: key => <Time at={key.created_at} /> },
];

function State({ apiKey: { revoked_at, expires_at } }: { apiKey: ApiKey }) {
  if (revoked_at !== null) return <Status tone="quiet">revoked</Status>;
  const isOver = expires_at !== null && Date.parse(expires_at) <= Date.now();
  return isOver ? <Status tone="quiet">expired</Status> : <Status tone="good">valid</Status>;
}

/** What was spent of each limit. */
function describe(budget: ApiKey['budget']): string {
  const parts = (['day', 'month', 'total'] as const).flatMap(period => {
    const limit = budget?.[period] ?? null;
    const name = period === 'total' ? 'in all' : `a ${period}`;
    return limit === null || !budget
      ? []
      : [`${formatCredits(budget.spent[period])} of ${formatCredits(limit)} ${name}`];
  });
  return parts.length === 0 ? '–' : parts.join(', ');
}

function AllKeys() {
  const { client, apiKey: own } = useSession();
  const queries = useQueryClient();
  const { cursor, account } = route.useSearch();
  const navigate = route.useNavigate();
  const query = { limit: 50, ...(account && { account }), ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'all-keys', query],
    queryFn: ({ signal }) => client.apiKeys.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
  });
  const revoke: TableColumn<ApiKey> = {
    id: 'revoke',
    header: 'Action',
    align: 'end',
    cell: ({ id, name, revoked_at }) =>
      revoked_at !== null ? null : (
        <ConfirmButton
          action="Revoke"
          subject={name ?? id}
          isDangerous
          consequence={
            id === own?.id
              ? 'This is the key that you are signed in with: you are signed out, and nothing can use it any more.'
              : 'Whatever uses this key gets errors within seconds, for ever. Jobs that it submitted go on. Keys that it made stay valid.'
          }
          run={async () => {
            await client.apiKeys.revoke(id);
            await queries.invalidateQueries({ queryKey: [OWN, 'all-keys'] });
          }}
        />
      ),
  };
  return (
    <AdminFrame
      title={TITLE}
      about="What each key may do, its tier of limits, and what is left of its budget."
    >
      <Panel
        title={cursor === undefined ? 'Newest keys' : 'Older keys'}
        aside={
          <Filter
            label="Account"
            placeholder="ait1…"
            value={account}
            onChange={value => void navigate({ search: { account: value } })}
          />
        }
        flush
      >
        {error ? (
          <LoadingFailed error={error} what="the keys" retry={refetch} />
        ) : !data ? (
          <Loading what="keys" />
        ) : data.items.length === 0 ? (
          <Notice icon="key" title={account ? 'This account has no key' : 'No key yet'}>
            <code>aitbc keys create</code> makes one, and an invitation lets somebody make their own.
          </Notice>
        ) : (
          <>
            <DataTable
              caption="API keys, newest first"
              columns={[...COLUMNS, revoke]}
              rows={data.items}
              rowKey={({ id }) => id}
            />
            <Pager
              cursor={cursor}
              next={data.cursor}
              count={data.items.length}
              noun="keys"
              json={{ value: data.items, path: pathOf('/v1/api-keys', query) }}
            />
          </>
        )}
      </Panel>
      <Invitations />
    </AdminFrame>
  );
}
