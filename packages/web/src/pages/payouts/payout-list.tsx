import type { ListPayouts, TrackedPayout } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { OWN } from '../../api/queries.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Id } from '../../components/id/id.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { formatCredits } from '../../format/numbers.ts';
import { pathOf } from '../../format/paths.ts';
import { useSession } from '../../session/use-session.ts';
import { PayoutStatusMark } from './payout-status.tsx';

interface PayoutListProps {
  filter: Pick<ListPayouts, 'account' | 'status'>;
  cursor: string | undefined;
  /** What is shown where there is none. */
  empty: ReactNode;
  /** The buttons for what can be done about a payout. */
  actions: (payout: TrackedPayout) => ReactNode;
  /** Whether these are payouts to the account itself, below another list. */
  isOwn?: boolean;
}

/** A page of payouts, newest first. */
export function PayoutList({ filter, cursor, empty, actions, isOwn = false }: PayoutListProps) {
  const { client } = useSession();
  const query = { limit: 50, ...filter, ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'payouts', query],
    queryFn: ({ signal }) => client.payouts.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: 'slow' },
  });
  if (error) return <LoadingFailed error={error} what="the payouts" retry={refetch} />;
  if (!data) return <Loading what="payouts" />;
  if (data.items.length === 0)
    return (
      <Notice icon="transaction" title={filter.status ? 'No payout has this status' : 'No payout yet'}>
        {empty}
      </Notice>
    );
  const action: TableColumn<TrackedPayout> = {
    id: 'actions',
    header: 'Actions',
    align: 'end',
    cell: actions,
  };
  return (
    <>
      <DataTable
        caption="Payouts, newest first"
        columns={[...COLUMNS.filter(({ id }) => !isOwn || id !== 'to'), action]}
        rows={data.items}
        rowKey={({ payout }) => payout.payout_id}
      />
      <Pager
        cursor={cursor}
        next={data.cursor}
        count={data.items.length}
        noun="payouts"
        json={{ value: data.items, path: pathOf('/v1/payouts', query) }}
        name={isOwn ? 'payouts' : 'cursor'}
      />
    </>
  );
}

/** On a phone, the amount, what became of it and what can be done about it are in view. */
const COLUMNS: readonly TableColumn<TrackedPayout>[] = [
  {
    id: 'amount',
    header: 'Credits',
    cell: ({ payout }) => (
      <Link to="/search" search={{ q: payout.payout_id }} title={payout.payout_id}>
        {formatCredits(payout.amount)}
      </Link>
    ),
  },
  { id: 'status', header: 'Status', cell: payout => <PayoutStatusMark payout={payout} /> },
  {
    id: 'to',
    header: 'To',
    from: 'sm',
    cell: ({ payout }) => <Id value={payout.to} what="address" to="/addresses/$id" ends={4} />,
  },
  { id: 'method', header: 'Method', from: 'md', cell: ({ payout }) => payout.method },
  {
    id: 'reference',
    header: 'Reference',
    from: 'lg',
    cell: ({ payout }) => payout.metadata.reference ?? '–',
  },
  {
    id: 'time',
    header: 'Recorded',
    align: 'end',
    from: 'sm',
    cell: ({ payout }) => <Time at={payout.created_at * 1000} />,
  },
];
