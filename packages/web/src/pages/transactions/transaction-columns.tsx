import type { Transaction } from '@aitbc/sdk';
import { Link } from '@tanstack/react-router';
import type { TableColumn } from '../../components/data-table/data-table.tsx';
import { Id } from '../../components/id/id.tsx';
import { Status } from '../../components/status/status.tsx';
import { Time } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { formatBytes, formatCredits } from '../../format/numbers.ts';
import { BlockLink } from '../blocks/block-link.tsx';

export const TRANSACTION_TYPES: Record<Transaction['type'], string> = {
  receipt: 'Receipt',
  grant: 'Grant',
  restore: 'Restore',
  opening: 'Opening',
  payout: 'Payout',
  payout_update: 'Payout update',
  verification: 'Verification',
};

export const transactionType = (type: string) => TRANSACTION_TYPES[type as Transaction['type']] ?? type;

const hash: TableColumn<Transaction> = {
  id: 'hash',
  header: 'Transaction',
  cell: ({ hash }) => (
    <Link to="/transactions/$id" params={{ id: hash }} title={hash}>
      <code>{shortId(hash)}</code>
    </Link>
  ),
};
const type: TableColumn<Transaction> = {
  id: 'type',
  header: 'Type',
  cell: ({ type }) => transactionType(type),
  sortBy: ({ type }) => type,
};
const time: TableColumn<Transaction> = {
  id: 'time',
  header: 'Time',
  cell: ({ timestamp }) => <Time at={timestamp} />,
  sortBy: ({ timestamp }) => Date.parse(timestamp),
};
const block: TableColumn<Transaction> = {
  id: 'block',
  header: 'Block',
  align: 'end',
  from: 'md',
  cell: ({ height }) =>
    height === null ? <Status tone="waiting">not yet</Status> : <BlockLink height={height} />,
};
const from: TableColumn<Transaction> = {
  id: 'from',
  header: 'From',
  from: 'lg',
  cell: ({ from }) =>
    from === null ? <span className="muted">nobody</span> : <AddressLink address={from} />,
};
const to: TableColumn<Transaction> = {
  id: 'to',
  header: 'To',
  from: 'lg',
  cell: ({ to }) => (to === null ? <span className="muted">nobody</span> : <AddressLink address={to} />),
};
const amount: TableColumn<Transaction> = {
  id: 'amount',
  header: 'Credits',
  align: 'end',
  cell: ({ amount }) => formatCredits(amount),
  sortBy: row => row.amount,
};
const size: TableColumn<Transaction> = {
  id: 'size',
  header: 'Size',
  align: 'end',
  from: 'lg',
  cell: ({ size }) => formatBytes(size),
  sortBy: row => row.size,
};

const AddressLink = ({ address }: { address: string }) => (
  <Id value={address} what="address" to="/addresses/$id" ends={4} />
);

/** All that is known of transactions without opening them. */
export const TRANSACTION_COLUMNS = [hash, type, time, block, from, to, amount, size];

/** What fits beside another table. */
export const SHORT_TRANSACTION_COLUMNS = [hash, type, time, amount];
