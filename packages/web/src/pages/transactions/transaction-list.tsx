import type { ListTransactions } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { publicClient } from '../../api/client.ts';
import { DataTable } from '../../components/data-table/data-table.tsx';
import { useArrivals } from '../../components/data-table/use-arrivals.ts';
import { Pager } from '../../components/pager/pager.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { pathOf } from '../../format/paths.ts';
import { TRANSACTION_COLUMNS } from './transaction-columns.tsx';

interface TransactionListProps {
  filter: Pick<ListTransactions, 'address' | 'block' | 'type'>;
  cursor: string | undefined;
  sort: string | undefined;
  onSort: (sort: string) => void;
  /** Whether new transactions can arrive in this list. */
  isLive: boolean;
}

const PAGE_SIZE = 25;

/** A page of transactions, newest first. */
export function TransactionList({ filter, cursor, sort, onSort, isLive }: TransactionListProps) {
  const follows = isLive && cursor === undefined;
  const query = { limit: PAGE_SIZE, ...filter, ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: ['transactions', filter, cursor],
    queryFn: ({ signal }) => publicClient.explorer.transactions(query, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: follows && 'fast' },
  });
  const arrived = useArrivals(data?.items, ({ hash }) => hash, follows);
  if (error && !data) return <LoadingFailed error={error} what="the transactions" retry={refetch} />;
  if (!data) return <Loading what="transactions" lines={12} />;
  return (
    <>
      {data.items.length === 0 ? (
        <Notice
          icon="transaction"
          title={data.cursor ? 'None among the last 1,000 entries' : 'No such transaction yet'}
        >
          {data.cursor
            ? 'Older entries are on the next page.'
            : 'Each completed job and each grant of credits becomes an entry of the ledger, and is listed here.'}
        </Notice>
      ) : (
        <DataTable
          caption="Transactions, newest first"
          columns={TRANSACTION_COLUMNS}
          rows={data.items}
          rowKey={({ hash }) => hash}
          sort={sort}
          onSort={onSort}
          arrived={arrived}
        />
      )}
      <Pager
        cursor={cursor}
        next={data.cursor}
        count={data.items.length}
        noun="transactions"
        json={{ value: data.items, path: pathOf('/explorer/transactions', query) }}
      />
    </>
  );
}
