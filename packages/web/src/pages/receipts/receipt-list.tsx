import type { ListReceipts, Receipt } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { useArrivals } from '../../components/data-table/use-arrivals.ts';
import { Id } from '../../components/id/id.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { formatCredits, formatDuration } from '../../format/numbers.ts';
import { pathOf } from '../../format/paths.ts';

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
  {
    id: 'time',
    header: 'Completed',
    cell: receipt => <Time at={receipt.completed_at * 1000} />,
    sortBy: receipt => receipt.completed_at,
  },
  { id: 'model', header: 'Model', from: 'sm', cell: ({ model }) => model, sortBy: ({ model }) => model },
  {
    id: 'miner',
    header: 'Miner',
    from: 'md',
    cell: ({ metadata: { miner_id: id } }) =>
      typeof id === 'string' ? (
        <Link to="/miners/$id" params={{ id }}>
          {id}
        </Link>
      ) : (
        '–'
      ),
    sortBy: ({ metadata }) => String(metadata.miner_id ?? ''),
  },
  {
    id: 'duration',
    header: 'Took',
    align: 'end',
    from: 'md',
    cell: receipt => formatDuration(receipt.duration_ms),
    sortBy: receipt => receipt.duration_ms,
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
  {
    id: 'price',
    header: 'Credits',
    align: 'end',
    cell: ({ price }) => formatCredits(price),
    sortBy: ({ price }) => price,
  },
];

type ReceiptFilter = Pick<ListReceipts, 'client' | 'provider' | 'miner' | 'model'>;

interface ReceiptListProps {
  filter: { [Name in keyof ReceiptFilter]?: string | undefined };
  cursor: string | undefined;
  sort: string | undefined;
  onSort: (sort: string) => void;
  isLive: boolean;
}

const PAGE_SIZE = 25;

/** A page of receipts, newest first unless it is sorted. */
export function ReceiptList({ filter, cursor, sort, onSort, isLive }: ReceiptListProps) {
  const follows = isLive && cursor === undefined;
  const given = Object.entries({ limit: PAGE_SIZE, ...filter, cursor }).filter(
    ([, value]) => value !== undefined,
  );
  const query: ListReceipts = Object.fromEntries(given);
  const { data, error, refetch } = useQuery({
    queryKey: ['receipts', query],
    queryFn: ({ signal }) => publicClient.explorer.receipts(query, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: follows && 'fast' },
  });
  const arrived = useArrivals(data?.items, ({ receipt_id }) => receipt_id, follows);
  if (error && !data) return <LoadingFailed error={error} what="the receipts" retry={refetch} />;
  if (!data) return <Loading what="receipts" lines={12} />;
  const isFiltered = Object.values(filter).some(Boolean);
  return (
    <>
      {data.items.length === 0 ? (
        <Notice
          icon="receipt"
          title={
            data.cursor
              ? 'None among the last 1,000 entries'
              : isFiltered
                ? 'No receipt fits'
                : 'No receipt yet'
          }
        >
          {data.cursor
            ? 'Older entries are on the next page.'
            : isFiltered
              ? 'Clear a filter to see more.'
              : 'The first completed job will show up here by itself.'}
        </Notice>
      ) : (
        <DataTable
          caption="Receipts, newest first"
          columns={COLUMNS}
          rows={data.items}
          rowKey={({ receipt_id }) => receipt_id}
          sort={sort}
          onSort={onSort}
          arrived={arrived}
        />
      )}
      <Pager
        cursor={cursor}
        next={data.cursor}
        count={data.items.length}
        noun="receipts"
        json={{ value: data.items, path: pathOf('/explorer/receipts', query) }}
      />
    </>
  );
}
