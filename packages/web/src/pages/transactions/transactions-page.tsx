import { getRouteApi } from '@tanstack/react-router';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { TransactionList } from './transaction-list.tsx';

const route = getRouteApi('/transactions');
const EVERYTHING = {};

export function TransactionsPage() {
  const { cursor } = route.useSearch();
  return (
    <Page
      title="Transactions"
      about="Every entry of the ledger: receipts of jobs, which move credits from client to provider, and grants of credits."
    >
      <Panel title={cursor === undefined ? 'Newest transactions' : 'Older transactions'} flush>
        <TransactionList filter={EVERYTHING} cursor={cursor} isLive />
      </Panel>
    </Page>
  );
}
