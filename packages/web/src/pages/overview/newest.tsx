import type { Block, Transaction } from '@aitbc/sdk';
import { Link } from '@tanstack/react-router';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { useArrivals } from '../../components/data-table/use-arrivals.ts';
import { Panel } from '../../components/panel/panel.tsx';
import { Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { formatCount } from '../../format/numbers.ts';
import { BlockLink } from '../blocks/block-link.tsx';
import { SHORT_TRANSACTION_COLUMNS } from '../transactions/transaction-columns.tsx';

const hashOf = ({ hash }: { hash: string }) => hash;

export function NewestTransactions({ transactions }: { transactions: readonly Transaction[] }) {
  const arrived = useArrivals(transactions, hashOf, true);
  return (
    <Panel title="Newest transactions" aside={<Link to="/transactions">All transactions</Link>} flush>
      {transactions.length === 0 ? (
        <Notice icon="receipt" title="No receipt yet">
          The first completed job will show up here by itself.
        </Notice>
      ) : (
        <DataTable
          caption="Newest transactions"
          columns={SHORT_TRANSACTION_COLUMNS}
          rows={transactions.slice(0, 8)}
          rowKey={hashOf}
          arrived={arrived}
        />
      )}
    </Panel>
  );
}

const BLOCK_COLUMNS: readonly TableColumn<Block>[] = [
  { id: 'height', header: 'Block', cell: ({ height }) => <BlockLink height={height} /> },
  { id: 'time', header: 'Published', cell: ({ timestamp }) => <Time at={timestamp} /> },
  { id: 'new', header: 'New entries', align: 'end', cell: block => formatCount(block.transactions) },
  { id: 'all', header: 'In all', align: 'end', cell: block => formatCount(block.tree_size) },
];

export function NewestBlocks({ blocks }: { blocks: readonly Block[] }) {
  const arrived = useArrivals(blocks, hashOf, true);
  return (
    <Panel title="Newest blocks" aside={<Link to="/blocks">All blocks</Link>} flush>
      {blocks.length === 0 ? (
        <Notice icon="block" title="No block yet">
          The ledger publishes its first block soon after the coordinator starts.
        </Notice>
      ) : (
        <DataTable
          caption="Newest blocks"
          columns={BLOCK_COLUMNS}
          rows={blocks}
          rowKey={hashOf}
          arrived={arrived}
        />
      )}
    </Panel>
  );
}
