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
import { FullTime } from '../../components/time/time.tsx';
import { formatBytes, formatCount } from '../../format/numbers.ts';
import { TransactionList } from '../transactions/transaction-list.tsx';
import { BlockLink } from './block-link.tsx';
import styles from './block-page.module.css';

const route = getRouteApi('/blocks/$id');

export function BlockPage() {
  const { id } = route.useParams();
  const { cursor, sort } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: ['block', id],
    queryFn: ({ signal }) => publicClient.explorer.block(id, { signal }),
    meta: { live: 'slow' },
  });
  if (error)
    return (
      <Page title={`Block ${id}`}>
        {isNotFound(error) ? (
          <Notice icon="block" title="The ledger has no such block">
            It may not be published yet. <Link to="/blocks">See the newest blocks.</Link>
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the block" retry={refetch} />
        )}
      </Page>
    );
  if (!data) return <Page title="Block">{<Loading what="the block" />}</Page>;
  const { height } = data;
  return (
    <Page
      title={`Block ${formatCount(height)}`}
      about="A signed checkpoint of the ledger, and the entries that are new in it."
      actions={<RawJson value={data} path={`/explorer/blocks/${height}`} />}
    >
      <Panel title="Checkpoint" aside={<Neighbours height={height} />} flush>
        <Facts>
          <Fact name="Published">
            <FullTime at={data.timestamp} />
          </Fact>
          <Fact name="New entries">
            {formatCount(data.transactions)} <span className="muted">· {formatBytes(data.size)}</span>
          </Fact>
          <Fact name="Entries in the tree">{formatCount(data.tree_size)}</Fact>
          <Fact name="Root hash">
            <Id value={data.root_hash} what="root hash" whole />
          </Fact>
          <Fact name="Hash" hint="SHA-256 of the signed text">
            <Id value={data.hash} what="hash" whole />
          </Fact>
          <Fact name="Parent">
            {data.parent_hash === null ? (
              <span className="muted">none: this is the first block</span>
            ) : (
              <BlockLink height={height - 1} />
            )}
          </Fact>
        </Facts>
      </Panel>
      <Panel title="Signed note" aside={<CopyButton text={data.checkpoint} what="signed note" />}>
        <pre className={styles.note}>{data.checkpoint}</pre>
      </Panel>
      {data.transactions === 0 ? null : (
        <Panel title="Entries" flush>
          <TransactionList
            filter={{ block: String(height) }}
            cursor={cursor}
            sort={sort}
            onSort={value => void navigate({ search: before => ({ ...before, sort: value }) })}
            isLive={false}
          />
        </Panel>
      )}
    </Page>
  );
}

const Neighbours = ({ height }: { height: number }) => (
  <>
    {height === 0 ? null : (
      <Link to="/blocks/$id" params={{ id: String(height - 1) }}>
        Previous
      </Link>
    )}
    <Link to="/blocks/$id" params={{ id: String(height + 1) }}>
      Next
    </Link>
  </>
);
