import type { ListVerifications, VerificationStatement } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { useArrivals } from '../../components/data-table/use-arrivals.ts';
import { Choice, Filter } from '../../components/filter/filter.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { formatCount } from '../../format/numbers.ts';
import { pathOf } from '../../format/paths.ts';
import { isJudgement, JUDGEMENT_CHOICES, JudgementMark } from './judgement.tsx';

const route = getRouteApi('/verifications');

const COLUMNS: readonly TableColumn<VerificationStatement>[] = [
  {
    id: 'verification',
    header: 'Verification',
    cell: ({ verification_id: id }) => (
      <Link to="/verifications/$id" params={{ id }} title={id}>
        <code>{shortId(id)}</code>
      </Link>
    ),
  },
  { id: 'judgement', header: 'Judgement', cell: ({ judgement }) => <JudgementMark judgement={judgement} /> },
  {
    id: 'miner',
    header: 'Miner',
    from: 'sm',
    cell: ({ miner_id: id }) => (
      <Link to="/miners/$id" params={{ id }}>
        {id}
      </Link>
    ),
  },
  { id: 'rule', header: 'Rule', from: 'md', cell: ({ rule }) => rule ?? '–' },
  {
    id: 'mean',
    header: 'Mean of a token',
    align: 'end',
    from: 'md',
    cell: ({ sum, tokens }) => (tokens === 0 ? '–' : (sum / tokens).toFixed(2)),
  },
  { id: 'tokens', header: 'Tokens', align: 'end', from: 'sm', cell: ({ tokens }) => formatCount(tokens) },
  {
    id: 'time',
    header: 'Judged',
    align: 'end',
    cell: ({ created_at }) => <Time at={created_at * 1000} />,
  },
];

export function VerificationsPage() {
  const { miner, judgement, cursor } = route.useSearch();
  const navigate = route.useNavigate();
  const filterBy = (name: 'miner' | 'judgement') => (value: string | undefined) =>
    void navigate({ search: before => ({ ...before, cursor: undefined, [name]: value }) });
  return (
    <Page
      title="Verifications"
      about="What verifiers found of single answers. None of them proves anything alone."
      actions={<Link to="/evidence">The evidence by miner</Link>}
    >
      <Panel
        title={cursor === undefined ? 'Newest verifications' : 'Older verifications'}
        aside={
          <>
            <Filter label="Miner" placeholder="name" value={miner} onChange={filterBy('miner')} />
            <Choice
              label="Judgement"
              value={judgement}
              choices={JUDGEMENT_CHOICES}
              onChange={filterBy('judgement')}
            />
          </>
        }
        flush
      >
        <VerificationList
          filter={{ ...(miner && { miner }), ...(isJudgement(judgement) && { judgement }) }}
          cursor={cursor}
        />
      </Panel>
    </Page>
  );
}

interface VerificationListProps {
  filter: Pick<ListVerifications, 'miner' | 'judgement'>;
  cursor: string | undefined;
}

/** A page of verifications, newest first. */
function VerificationList({ filter, cursor }: VerificationListProps) {
  const query = { limit: 25, ...filter, ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: ['verifications', query],
    queryFn: ({ signal }) => publicClient.verifications.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: cursor === undefined && 'fast' },
  });
  const arrived = useArrivals(data?.items, row => row.verification_id, cursor === undefined);
  if (error && !data) return <LoadingFailed error={error} what="the verifications" retry={refetch} />;
  if (!data) return <Loading what="verifications" lines={12} />;
  if (data.items.length === 0)
    return (
      <Notice
        icon="evidence"
        title={Object.keys(filter).length > 0 ? 'No verification fits' : 'No verification yet'}
      >
        {Object.keys(filter).length > 0 ? (
          'Clear a filter to see more.'
        ) : (
          <>
            <Link to="/evidence">Evidence</Link> says how an operator turns them on.
          </>
        )}
      </Notice>
    );
  return (
    <>
      <DataTable
        caption="Verifications, newest first"
        columns={COLUMNS}
        rows={data.items}
        rowKey={row => row.verification_id}
        arrived={arrived}
      />
      <Pager
        cursor={cursor}
        next={data.cursor}
        count={data.items.length}
        noun="verifications"
        json={{ value: data.items, path: pathOf('/v1/verifications', query) }}
      />
    </>
  );
}
