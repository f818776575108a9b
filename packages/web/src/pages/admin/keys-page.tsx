import type { ApiKey, ConfiguredOption } from '@aitbc/sdk';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { ConfirmButton } from '../../components/confirm/confirm.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Modal } from '../../components/dialog/dialog.tsx';
import { Filter } from '../../components/filter/filter.tsx';
import { Id } from '../../components/id/id.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { pathOf } from '../../format/paths.ts';
import { useSession } from '../../session/use-session.ts';
import { EditKey } from '../keys/edit-key.tsx';
import { Invitations } from '../keys/invitations.tsx';
import { describeBudget, KeyState } from '../keys/key-columns.tsx';
import styles from './admin.module.css';
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
  { id: 'state', header: 'State', cell: key => <KeyState apiKey={key} /> },
  { id: 'scopes', header: 'Scopes', from: 'sm', cell: ({ scopes }) => scopes.join(', ') },
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
  { id: 'budget', header: 'Budget', from: 'lg', cell: ({ budget }) => describeBudget(budget) },
  { id: 'created', header: 'Created', align: 'end', from: 'sm', cell: key => <Time at={key.created_at} /> },
];

/** The tiers that a key can have, but for the default one. */
function tiersOf(options: readonly ConfiguredOption[]): string[] {
  const tiers = options.find(({ name }) => name === 'tiers')?.value;
  return Object.keys(Object(tiers)).filter(name => name !== 'default' && name !== 'public');
}

function AllKeys() {
  const { client, apiKey: own } = useSession();
  const queries = useQueryClient();
  const { cursor, account } = route.useSearch();
  const navigate = route.useNavigate();
  const [changing, setChanging] = useState<string>();
  const tiers = useQuery({
    queryKey: [OWN, 'tiers'],
    queryFn: async ({ signal }) => tiersOf(await client.operator.configuration({ signal })),
  });
  const query = { limit: 50, ...(account && { account }), ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'all-keys', query],
    queryFn: ({ signal }) => client.apiKeys.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
  });
  const actions: TableColumn<ApiKey> = {
    id: 'actions',
    header: 'Actions',
    align: 'end',
    cell: ({ id, name, revoked_at }) =>
      revoked_at !== null ? null : (
        <span className={styles.buttons}>
          <Button aria-label={`Change ${name ?? id}`} aria-haspopup="dialog" onClick={() => setChanging(id)}>
            Change
          </Button>
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
        </span>
      ),
  };
  const changed = data?.items.find(({ id }) => id === changing);
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
              columns={[...COLUMNS, actions]}
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
      <Modal
        title={`Change ${changed?.name ?? 'the key'}`}
        isOpen={changed !== undefined}
        onOpenChange={() => setChanging(undefined)}
      >
        {changed ? (
          <EditKey apiKey={changed} tiers={tiers.data ?? []} onDone={() => setChanging(undefined)} />
        ) : null}
      </Modal>
    </AdminFrame>
  );
}
