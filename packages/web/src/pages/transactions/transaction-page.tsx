import type { TransactionDetail } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { isNotFound } from '../../api/queries.ts';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Id } from '../../components/id/id.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { FullTime } from '../../components/time/time.tsx';
import { formatBytes, formatCount, formatCredits } from '../../format/numbers.ts';
import { BlockLink } from '../blocks/block-link.tsx';
import { transactionType } from './transaction-columns.tsx';
import styles from './transaction-page.module.css';

const route = getRouteApi('/transactions/$id');

export function TransactionPage() {
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['transaction', id],
    queryFn: ({ signal }) => publicClient.explorer.transaction(id, { signal }),
    meta: { live: 'slow' },
  });
  if (error)
    return (
      <Page title="Transaction">
        {isNotFound(error) ? (
          <Notice icon="transaction" title="The ledger has no such transaction">
            Compare the hash with where you have it from. <Link to="/transactions">See the newest ones.</Link>
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the transaction" retry={refetch} />
        )}
      </Page>
    );
  if (!data) return <Page title="Transaction">{<Loading what="the transaction" />}</Page>;
  const statement = JSON.stringify(data.statement, null, 2);
  return (
    <Page
      title={transactionType(data.type)}
      name={`Transaction ${id.slice(0, 8)}`}
      about={`An entry of the ledger that ${summarize(data)}.`}
      actions={<RawJson value={data} path={`/explorer/transactions/${id}`} />}
    >
      <Panel title="Entry" flush>
        <Facts>
          <Fact name="Hash" hint="of the leaf in the tree">
            <Id value={data.hash} what="hash" whole />
          </Fact>
          <Fact name="Block">
            {data.height === null ? (
              <Status tone="waiting">not published yet</Status>
            ) : (
              <BlockLink height={data.height} />
            )}
          </Fact>
          <Fact name="Index">
            {data.index === null ? 'in the ledger before a restore' : formatCount(data.index)}
          </Fact>
          <Fact name="Time">
            <FullTime at={data.timestamp} />
          </Fact>
          <Fact name="From">
            <Party address={data.from} />
          </Fact>
          <Fact name="To">
            <Party address={data.to} />
          </Fact>
          <Fact name="Amount">
            {formatCredits(data.amount)} <span className="muted">credits</span>
          </Fact>
          <Fact name={data.type === 'receipt' ? 'Receipt' : 'Statement'}>
            <Id value={data.id} what="id" whole {...(data.type === 'receipt' && { to: '/receipts/$id' })} />
          </Fact>
          {data.job_id === null ? null : (
            <Fact name="Job">
              <Id value={data.job_id} what="job id" whole />
            </Fact>
          )}
          <Fact name="Size">{formatBytes(data.size)}</Fact>
        </Facts>
      </Panel>
      <Panel title="Signed statement" aside={<CopyButton text={statement} what="statement" />}>
        <pre className={styles.statement}>{statement}</pre>
      </Panel>
    </Page>
  );
}

const Party = ({ address }: { address: string | null }) =>
  address === null ? (
    <span className="muted">nobody</span>
  ) : (
    <Id value={address} what="address" to="/addresses/$id" whole />
  );

function summarize({ type, amount }: TransactionDetail): string {
  const credits = `${formatCredits(amount)} credits`;
  switch (type) {
    case 'receipt':
      return `moved ${credits} from a client to a provider`;
    case 'grant':
      return `granted ${credits}`;
    case 'payout':
      return `says that ${credits} were paid out to a provider`;
    case 'payout_update':
      return amount === 0
        ? 'confirms or disputes a payout'
        : `takes a payout back, so that ${credits} are owed again`;
    case 'opening':
      return 'carries a balance over from an earlier ledger';
    case 'verification':
      return 'says what a verifier found of an answer';
    case 'restore':
      return 'says that the store was restored';
  }
}
