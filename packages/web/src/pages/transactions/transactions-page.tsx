import type { Transaction } from '@aitbc/sdk';
import { getRouteApi } from '@tanstack/react-router';
import { Choice } from '../../components/filter/filter.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { TRANSACTION_TYPES } from './transaction-columns.tsx';
import { TransactionList } from './transaction-list.tsx';

const route = getRouteApi('/transactions');

const CHOICES = [['', 'All'], ...Object.entries(TRANSACTION_TYPES)] as const;

const isType = (type: string | undefined): type is Transaction['type'] =>
  type !== undefined && type in TRANSACTION_TYPES;

export function TransactionsPage() {
  const { cursor, sort, type } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page
      title="Transactions"
      about="Every entry of the ledger: receipts of jobs, which move credits from client to provider, grants of credits, and payouts."
    >
      <Panel
        title={cursor === undefined ? 'Newest transactions' : 'Older transactions'}
        aside={
          <Choice
            label="Type"
            value={type}
            choices={CHOICES}
            onChange={value =>
              void navigate({ search: before => ({ ...before, cursor: undefined, type: value }) })
            }
          />
        }
        flush
      >
        <TransactionList
          filter={isType(type) ? { type } : {}}
          cursor={cursor}
          sort={sort}
          onSort={value => void navigate({ search: before => ({ ...before, sort: value }) })}
          isLive
        />
      </Panel>
    </Page>
  );
}
