import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { isNotFound } from '../../api/queries.ts';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Stat, Stats } from '../../components/stat/stat.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { shortId } from '../../format/ids.ts';
import { formatCount, formatCredits } from '../../format/numbers.ts';
import { TransactionList } from '../transactions/transaction-list.tsx';

const route = getRouteApi('/addresses/$id');

export function AddressPage() {
  const { id } = route.useParams();
  const { cursor } = route.useSearch();
  const { data, error, refetch } = useQuery({
    queryKey: ['address', id],
    queryFn: ({ signal }) => publicClient.explorer.address(id, { signal }),
    meta: { live: true },
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
        {<Loading what="the address" />}
      </Page>
    );
  return (
    <Page
      title={title}
      name={name}
      about="Its balance is the sum of the ledger’s entries that name it, so anybody can work it out."
      actions={<RawJson value={data} path={`/explorer/addresses/${id}`} />}
    >
      <Stats>
        <Stat label="Balance" value={formatCredits(data.balance)} detail="credits" />
        <Stat label="Jobs submitted" value={formatCount(data.jobs)} detail="completed" />
        <Stat label="Jobs run" value={formatCount(data.jobs_run)} detail="completed" />
        <Stat label="Receipts" value={formatCount(data.receipts)} />
        <Stat label="Transactions" value={formatCount(data.transactions)} />
      </Stats>
      <Panel title="Transactions" flush>
        <TransactionList filter={{ address: id }} cursor={cursor} isLive />
      </Panel>
    </Page>
  );
}
