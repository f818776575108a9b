import type { Webhook } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
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
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { NewWebhook } from './new-webhook.tsx';
import { WebhookStateMark } from './webhook-state.tsx';
import styles from './webhooks.module.css';

const route = getRouteApi('/webhooks');

const COLUMNS: readonly TableColumn<Webhook>[] = [
  {
    id: 'url',
    header: 'URL',
    cell: ({ id, url }) => (
      <div className={styles.url}>
        <Link to="/webhooks/$id" params={{ id }} title={url}>
          {url}
        </Link>
      </div>
    ),
  },
  { id: 'state', header: 'State', cell: webhook => <WebhookStateMark webhook={webhook} /> },
  {
    id: 'events',
    header: 'Events',
    from: 'md',
    cell: ({ events }) => (events.length > 2 ? `${events.length} kinds` : events.join(', ')),
  },
  {
    id: 'success',
    header: 'Last delivered',
    align: 'end',
    from: 'sm',
    cell: ({ last_success_at }) => (last_success_at === null ? 'never' : <Time at={last_success_at} />),
  },
];

export const WebhooksPage = () => (
  <SignedIn scope="client" title="Webhooks" purpose="manage your webhooks">
    <Webhooks />
  </SignedIn>
);

function Webhooks() {
  const { client } = useSession();
  const { cursor } = route.useSearch();
  const [isCreating, setIsCreating] = useState(false);
  const query = { limit: 25, ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'webhooks', query],
    queryFn: ({ signal }) => client.webhooks.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
  });
  return (
    <Page
      title="Webhooks"
      about="Where the coordinator posts what happens to your jobs, batches and machines."
      actions={
        <Button kind="primary" onClick={() => setIsCreating(true)}>
          <Icon name="plus" /> New webhook
        </Button>
      }
    >
      <Panel title="Your webhooks" flush>
        {error ? (
          <LoadingFailed error={error} what="your webhooks" retry={refetch} />
        ) : !data ? (
          <Loading what="webhooks" />
        ) : data.items.length === 0 ? (
          <Notice icon="webhook" title="No webhook yet">
            Create one to be told when a job ends, in place of asking for it.
          </Notice>
        ) : (
          <>
            <DataTable
              caption="Your webhooks, newest first"
              columns={COLUMNS}
              rows={data.items}
              rowKey={({ id }) => id}
            />
            <Pager cursor={cursor} next={data.cursor} count={data.items.length} noun="webhooks" />
          </>
        )}
      </Panel>
      <Modal title="New webhook" isOpen={isCreating} onOpenChange={setIsCreating}>
        <NewWebhook />
      </Modal>
    </Page>
  );
}
