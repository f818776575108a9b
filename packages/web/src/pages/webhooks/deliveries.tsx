import type { WebhookDelivery } from '@aitbc/sdk';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Modal } from '../../components/dialog/dialog.tsx';
import { Choice } from '../../components/filter/filter.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { explain, Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Status, type Tone } from '../../components/status/status.tsx';
import { Time } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { useSession } from '../../session/use-session.ts';
import { DeliveryDetails } from './delivery-details.tsx';
import styles from './webhooks.module.css';

const route = getRouteApi('/webhooks/$id');

type State = WebhookDelivery['state'];

const TONES: Record<State, Tone> = { pending: 'waiting', delivered: 'good', failed: 'bad' };

const STATES = [
  ['', 'All'],
  ['pending', 'Pending'],
  ['delivered', 'Delivered'],
  ['failed', 'Failed'],
] as const;

const isState = (state: string | undefined): state is State => state !== undefined && state in TONES;

/** How often the list is read while a delivery is due. */
const REFRESH_MS = 2_000;

/** What was posted to a webhook, or is to be. */
export function Deliveries({ webhookId }: { webhookId: string }) {
  const { client } = useSession();
  const { cursor, state } = route.useSearch();
  const navigate = route.useNavigate();
  const [opened, setOpened] = useState<string>();
  const query = { limit: 25, ...(cursor && { cursor }), ...(isState(state) && { state }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'deliveries', webhookId, query],
    queryFn: ({ signal }) => client.webhooks.deliveries(webhookId, query, { signal }).page(),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      state.data?.items.some(({ state }) => state === 'pending') ? REFRESH_MS : false,
  });
  const shown = data?.items.find(({ id }) => id === opened);
  return (
    <Panel
      title="Deliveries"
      aside={
        <>
          <Choice
            label="State"
            value={state}
            choices={STATES}
            onChange={value => void navigate({ search: { state: value } })}
          />
          <RedeliverFailed webhookId={webhookId} />
        </>
      }
      flush
    >
      {error ? (
        <LoadingFailed error={error} what="the deliveries" retry={refetch} />
      ) : !data ? (
        <Loading what="deliveries" />
      ) : data.items.length === 0 ? (
        <Notice icon="webhook" title={state ? 'No delivery is in this state' : 'Nothing was posted yet'}>
          {state ? 'Clear the filter to see more.' : 'Send a test to see whether your server answers.'}
        </Notice>
      ) : (
        <>
          <DataTable
            caption="Deliveries, newest first"
            columns={columnsFor(setOpened)}
            rows={data.items}
            rowKey={({ id }) => id}
          />
          <Pager cursor={cursor} next={data.cursor} count={data.items.length} noun="deliveries" />
        </>
      )}
      <Modal
        title={shown?.type ?? 'Delivery'}
        isOpen={shown !== undefined}
        onOpenChange={() => setOpened(undefined)}
      >
        {shown ? <DeliveryDetails webhookId={webhookId} delivery={shown} /> : null}
      </Modal>
    </Panel>
  );
}

const columnsFor = (open: (id: string) => void): readonly TableColumn<WebhookDelivery>[] => [
  { id: 'type', header: 'Event', cell: ({ type }) => type },
  { id: 'state', header: 'State', cell: ({ state }) => <Status tone={TONES[state]}>{state}</Status> },
  {
    id: 'subject',
    header: 'About',
    from: 'md',
    cell: ({ subject }) => <code title={subject}>{shortId(subject)}</code>,
  },
  { id: 'answer', header: 'Answer', from: 'sm', cell: delivery => lastAnswer(delivery) },
  { id: 'at', header: 'Happened', from: 'sm', cell: ({ occurred_at }) => <Time at={occurred_at} /> },
  {
    id: 'details',
    header: 'Details',
    align: 'end',
    cell: ({ id, type }) => (
      <Button onClick={() => open(id)} aria-label={`Details of ${type}`}>
        Details
      </Button>
    ),
  },
];

function lastAnswer({ attempts }: WebhookDelivery): string {
  const last = attempts.at(-1);
  if (!last) return 'not sent yet';
  return last.status_code === null ? (last.error ?? 'no answer') : String(last.status_code);
}

/** How far back failed deliveries are sent again. */
const SINCE_MS = 7 * 86_400_000;

function RedeliverFailed({ webhookId }: { webhookId: string }) {
  const { client } = useSession();
  const queries = useQueryClient();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () =>
      client.webhooks.redeliverSince(webhookId, {
        since: new Date(Date.now() - SINCE_MS).toISOString(),
        only_failed: true,
      }),
    onSettled: () => queries.invalidateQueries({ queryKey: [OWN, 'deliveries', webhookId] }),
  });
  return (
    <>
      <span role="status" className={error ? styles.error : undefined}>
        {error ? explain(error) : data ? `${data.redelivering} will be sent again` : ''}
      </span>
      <Button disabled={isPending} onClick={() => mutate()} title="Those of the last seven days">
        Send failed ones again
      </Button>
    </>
  );
}
