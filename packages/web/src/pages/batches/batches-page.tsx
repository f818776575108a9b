import type { Batch } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { OWN } from '../../api/queries.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Progress } from '../../components/progress/progress.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { BatchStatusMark, isOpenBatch } from './batch-status.tsx';
import { NewBatch } from './new-batch.tsx';

const route = getRouteApi('/batches');

const COLUMNS: readonly TableColumn<Batch>[] = [
  {
    id: 'batch',
    header: 'Batch',
    cell: ({ id }) => (
      <Link to="/batches/$id" params={{ id }} title={id}>
        <code>{shortId(id, 4)}</code>
      </Link>
    ),
  },
  { id: 'status', header: 'Status', cell: ({ status }) => <BatchStatusMark status={status} /> },
  {
    id: 'progress',
    header: 'Answered',
    cell: ({ request_counts: { completed, failed, total } }) => (
      <Progress label="Answered requests" done={completed} failed={failed} total={total} />
    ),
  },
  { id: 'endpoint', header: 'Endpoint', from: 'md', cell: ({ endpoint }) => <code>{endpoint}</code> },
  {
    id: 'created',
    header: 'Created',
    align: 'end',
    from: 'sm',
    cell: ({ created_at }) => <Time at={created_at * 1000} />,
  },
];

/** How often the list is read while one of its batches may still change. */
const REFRESH_MS = 3_000;

export const BatchesPage = () => (
  <SignedIn scope="client" title="Batches" purpose="work with batches">
    <Batches />
  </SignedIn>
);

function Batches() {
  const { client } = useSession();
  const { cursor } = route.useSearch();
  const query = { limit: 25, ...(cursor && { after: cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'batches', query],
    queryFn: ({ signal }) => client.batches.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.items.some(isOpenBatch) ? REFRESH_MS : false),
  });
  return (
    <Page
      title="Batches"
      about="Many requests in a file, answered when miners have time. The API is that of OpenAI’s batches."
    >
      <NewBatch />
      <Panel title="Your batches" flush>
        {error ? (
          <LoadingFailed error={error} what="your batches" retry={refetch} />
        ) : !data ? (
          <Loading what="batches" />
        ) : data.items.length === 0 ? (
          <Notice icon="batch" title="No batch yet">
            Choose a file of requests above, or upload it by <code>aitbc batch submit</code>.
          </Notice>
        ) : (
          <>
            <DataTable
              caption="Your batches, newest first"
              columns={COLUMNS}
              rows={data.items}
              rowKey={({ id }) => id}
            />
            <Pager cursor={cursor} next={data.cursor} count={data.items.length} noun="batches" />
          </>
        )}
      </Panel>
    </Page>
  );
}
