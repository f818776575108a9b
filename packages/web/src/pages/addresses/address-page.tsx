import type { Transaction } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { isNotFound } from '../../api/queries.ts';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { CsvButton } from '../../components/downloads/csv-button.tsx';
import { Choice } from '../../components/filter/filter.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Stat, Stats } from '../../components/stat/stat.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { shortId } from '../../format/ids.ts';
import { formatCount, formatCredits } from '../../format/numbers.ts';
import { ReceiptList } from '../receipts/receipt-list.tsx';
import { TransactionList } from '../transactions/transaction-list.tsx';
import { BalanceChart } from './balance-chart.tsx';

const route = getRouteApi('/addresses/$id');

const SHOWN = [
  ['', 'Transactions'],
  ['earned', 'Receipts of jobs that it ran'],
  ['paid', 'Receipts of jobs that it paid'],
] as const;

const CSV_COLUMNS = [
  ...(['timestamp', 'type', 'from', 'to', 'amount', 'height', 'index', 'hash'] as const),
  ...(['id', 'job_id', 'size'] as const),
];
/** How many of the newest transactions a file has at most. */
const MAX_CSV_ROWS = 5_000;

export function AddressPage() {
  const { id } = route.useParams();
  const { cursor, show, sort } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: ['address', id],
    queryFn: ({ signal }) => publicClient.explorer.address(id, { signal }),
    meta: { live: 'slow' },
  });
  const title = (
    <>
      Address <code title={id}>{shortId(id)}</code> <CopyButton text={id} what="address" />
    </>
  );
  const name = `Address ${shortId(id)}`;
  if (error)
    return (
      <Page title="Address" name={name}>
        {isNotFound(error) ? (
          <Notice icon="alert" title="This is not an address">
            One character may be wrong: addresses have a checksum.
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the address" retry={refetch} />
        )}
      </Page>
    );
  if (!data)
    return (
      <Page title="Address" name={name}>
        <Loading what="the address" />
      </Page>
    );
  const list = {
    cursor,
    sort,
    onSort: (value: string) => void navigate({ search: before => ({ ...before, sort: value }) }),
    isLive: true,
  };
  return (
    <Page
      title={title}
      name={name}
      about="Its balance is the sum of the ledger’s entries that name it, so anybody can work it out."
      actions={
        <>
          <CsvButton file={`${id}.csv`} columns={CSV_COLUMNS} read={() => readNewest(id)} />
          <RawJson value={data} path={`/explorer/addresses/${id}`} />
        </>
      }
    >
      <Stats>
        <Stat label="Balance" value={formatCredits(data.balance)} detail="credits" />
        <Stat label="Jobs submitted" value={formatCount(data.jobs)} detail="completed" />
        <Stat label="Jobs run" value={formatCount(data.jobs_run)} detail="completed" />
        <Stat label="Receipts" value={formatCount(data.receipts)} />
        <Stat label="Transactions" value={formatCount(data.transactions)} />
      </Stats>
      <BalanceChart address={id} />
      <Panel
        title={show ? 'Receipts' : 'Transactions'}
        aside={
          <Choice
            label="Show"
            value={show}
            choices={SHOWN}
            onChange={value => void navigate({ search: { show: value } })}
          />
        }
        flush
      >
        {show === 'earned' ? (
          <ReceiptList filter={{ provider: id }} {...list} />
        ) : show === 'paid' ? (
          <ReceiptList filter={{ client: id }} {...list} />
        ) : (
          <TransactionList filter={{ address: id }} {...list} />
        )}
      </Panel>
    </Page>
  );
}

async function readNewest(address: string): Promise<Transaction[]> {
  const rows: Transaction[] = [];
  for await (const transaction of publicClient.explorer.transactions({ address, limit: 100 })) {
    rows.push(transaction);
    if (rows.length === MAX_CSV_ROWS) break;
  }
  return rows;
}
