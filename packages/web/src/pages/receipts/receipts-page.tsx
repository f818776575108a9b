import type { Receipt } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { useArrivals } from '../../components/data-table/use-arrivals.ts';
import { Filter } from '../../components/filter/filter.tsx';
import { Id } from '../../components/id/id.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { formatCredits, formatDuration } from '../../format/numbers.ts';

const route = getRouteApi('/receipts');

const COLUMNS: readonly TableColumn<Receipt>[] = [
  {
    id: 'receipt',
    header: 'Receipt',
    cell: ({ receipt_id }) => (
      <Link to="/receipts/$id" params={{ id: receipt_id }} title={receipt_id}>
        <code>{shortId(receipt_id)}</code>
      </Link>
    ),
  },
  { id: 'time', header: 'Completed', cell: receipt => <Time at={receipt.completed_at * 1000} /> },
  { id: 'model', header: 'Model', from: 'sm', cell: ({ model }) => model },
  {
    id: 'duration',
    header: 'Took',
    align: 'end',
    from: 'md',
    cell: receipt => formatDuration(receipt.duration_ms),
  },
  {
    id: 'client',
    header: 'Client',
    from: 'lg',
    cell: ({ client }) => <Id value={client} what="address" to="/addresses/$id" ends={4} />,
  },
  {
    id: 'provider',
    header: 'Provider',
    from: 'lg',
    cell: ({ provider }) => <Id value={provider} what="address" to="/addresses/$id" ends={4} />,
  },
  { id: 'price', header: 'Credits', align: 'end', cell: ({ price }) => formatCredits(price) },
];

export function ReceiptsPage() {
  const { cursor, client, provider } = route.useSearch();
  const navigate = route.useNavigate();
  const isFirst = cursor === undefined;
  const query = {
    limit: 25,
    ...(cursor && { cursor }),
    ...(client && { client }),
    ...(provider && { provider }),
  };
  const { data, error, refetch } = useQuery({
    queryKey: ['receipts', query],
    queryFn: ({ signal }) => publicClient.explorer.receipts(query, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: isFirst },
  });
  const arrived = useArrivals(data?.items, ({ receipt_id }) => receipt_id, isFirst);
  const filterBy = (name: 'client' | 'provider') => (value: string | undefined) =>
    void navigate({ search: before => ({ ...before, cursor: undefined, [name]: value }) });
  const path = `/explorer/receipts?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`;
  return (
    <Page
      title="Receipts"
      about="Each finished job leaves one: who computed what for whom, how long it took and what it costs, signed."
      actions={data && <RawJson value={data.items} path={path} />}
    >
      <Panel
        title={isFirst ? 'Newest receipts' : 'Older receipts'}
        aside={
          <>
            <Filter label="Client" placeholder="ait1…" value={client} onChange={filterBy('client')} />
            <Filter label="Provider" placeholder="ait1…" value={provider} onChange={filterBy('provider')} />
          </>
        }
        flush
      >
        {error ? (
          <LoadingFailed error={error} what="the receipts" retry={refetch} />
        ) : !data ? (
          <Loading what="receipts" lines={12} />
        ) : data.items.length === 0 ? (
          <Notice
            icon="receipt"
            title={client || provider ? 'No receipt names these addresses' : 'No receipt yet'}
          >
            {client || provider
              ? 'Clear a filter to see more.'
              : 'The first completed job will show up here by itself.'}
          </Notice>
        ) : (
          <>
            <DataTable
              caption="Receipts, newest first"
              columns={COLUMNS}
              rows={data.items}
              rowKey={({ receipt_id }) => receipt_id}
              arrived={arrived}
            />
            <Pager cursor={cursor} next={data.cursor} count={data.items.length} noun="receipts" />
          </>
        )}
      </Panel>
    </Page>
  );
}
