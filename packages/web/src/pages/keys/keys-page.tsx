import type { ApiKey } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Modal } from '../../components/dialog/dialog.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { Invitations } from './invitations.tsx';
import { describeBudget, KeyState } from './key-columns.tsx';
import { ManageKey } from './manage-key.tsx';
import { NewKey } from './new-key.tsx';

const route = getRouteApi('/keys');

export const KeysPage = () => (
  <SignedIn scope="keys" title="API keys" purpose="manage the keys of your account">
    <Keys />
  </SignedIn>
);

function Keys() {
  const session = useSession();
  const { client, account } = session;
  const { cursor } = route.useSearch();
  const [isCreating, setIsCreating] = useState(false);
  const [opened, setOpened] = useState<string>();
  const query = { limit: 50, account: account.address, ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'keys', query],
    queryFn: ({ signal }) => client.apiKeys.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
  });
  const shown = data?.items.find(({ id }) => id === opened);
  return (
    <Page
      title="API keys"
      about="The keys of your account. A key for each program and each person can be taken back alone."
      actions={
        <Button kind="primary" onClick={() => setIsCreating(true)}>
          <Icon name="plus" /> New key
        </Button>
      }
    >
      <Panel title="Keys of your account" flush>
        {error ? (
          <LoadingFailed error={error} what="the keys" retry={refetch} />
        ) : !data ? (
          <Loading what="keys" />
        ) : data.items.length === 0 ? (
          <Notice icon="key" title="No key yet">
            Create one for a program or a person.
          </Notice>
        ) : (
          <>
            <DataTable
              caption="API keys, newest first"
              columns={columnsFor(session.apiKey?.id, setOpened)}
              rows={data.items}
              rowKey={({ id }) => id}
            />
            <Pager cursor={cursor} next={data.cursor} count={data.items.length} noun="keys" />
          </>
        )}
      </Panel>
      {session.may('admin') ? <Invitations /> : null}
      <Modal title="New key" isOpen={isCreating} onOpenChange={setIsCreating}>
        <NewKey />
      </Modal>
      <Modal
        title={shown?.name ?? 'Key'}
        isOpen={shown !== undefined}
        onOpenChange={() => setOpened(undefined)}
      >
        {shown ? <ManageKey apiKey={shown} isOwn={shown.id === session.apiKey?.id} /> : null}
      </Modal>
    </Page>
  );
}

const columnsFor = (
  ownId: string | undefined,
  open: (id: string) => void,
): readonly TableColumn<ApiKey>[] => [
  {
    id: 'name',
    header: 'Key',
    cell: ({ name, id }) => (
      <span title={id}>
        {name ?? <code>{shortId(id)}</code>}{' '}
        {id === ownId ? <span className="muted">(this tab’s)</span> : null}
      </span>
    ),
  },
  { id: 'state', header: 'State', cell: key => <KeyState apiKey={key} /> },
  { id: 'scopes', header: 'Scopes', from: 'md', cell: ({ scopes }) => scopes.join(', ') },
  { id: 'budget', header: 'Budget', from: 'lg', cell: ({ budget }) => describeBudget(budget) },
  {
    id: 'created',
    header: 'Created',
    align: 'end',
    from: 'sm',
    cell: ({ created_at }) => <Time at={created_at} />,
  },
  {
    id: 'manage',
    header: 'Manage',
    align: 'end',
    cell: ({ id, name }) => (
      <Button onClick={() => open(id)} aria-label={`Manage ${name ?? id}`}>
        Manage
      </Button>
    ),
  },
];
