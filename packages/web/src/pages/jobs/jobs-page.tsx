import type { JobStatus, JobSummary } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { OWN } from '../../api/queries.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { useArrivals } from '../../components/data-table/use-arrivals.ts';
import { Choice, Filter } from '../../components/filter/filter.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { formatDuration } from '../../format/numbers.ts';
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { isUnfinished, JobStatusMark } from './job-status.tsx';

const route = getRouteApi('/jobs');

const COLUMNS: readonly TableColumn<JobSummary>[] = [
  {
    id: 'job',
    header: 'Job',
    cell: ({ job_id }) => (
      <Link to="/jobs/$id" params={{ id: job_id }} title={job_id}>
        <code>{shortId(job_id, 4)}</code>
      </Link>
    ),
  },
  { id: 'status', header: 'Status', cell: ({ status }) => <JobStatusMark status={status} /> },
  { id: 'submitted', header: 'Submitted', from: 'sm', cell: ({ created_at }) => <Time at={created_at} /> },
  { id: 'model', header: 'Model', cell: ({ model }) => model },
  {
    id: 'took',
    header: 'Took',
    align: 'end',
    from: 'sm',
    cell: ({ started_at, completed_at }) =>
      started_at === null || completed_at === null
        ? '–'
        : formatDuration(Date.parse(completed_at) - Date.parse(started_at)),
  },
  {
    id: 'attempts',
    header: 'Attempts',
    align: 'end',
    from: 'md',
    cell: ({ attempts, max_attempts }) => `${attempts} of ${max_attempts}`,
  },
  {
    id: 'miner',
    header: 'Miner',
    from: 'md',
    cell: ({ miner_id }) =>
      miner_id === null ? (
        '–'
      ) : (
        <Link to="/miners/$id" params={{ id: miner_id }}>
          {miner_id}
        </Link>
      ),
  },
  {
    id: 'error',
    header: 'Why it failed',
    from: 'lg',
    cell: ({ error }) => (error ? <span title={error.detail}>{error.error_code}</span> : '–'),
  },
];

const STATES = [
  ['', 'All'],
  ['pending', 'Pending'],
  ['running', 'Running'],
  ['completed', 'Completed'],
  ['failed', 'Failed'],
  ['cancelled', 'Cancelled'],
] as const;

const isStatus = (status: string | undefined): status is JobStatus =>
  STATES.some(([value]) => value !== '' && value === status);

/** How often the list is read while one of its jobs may still change. */
const REFRESH_MS = 3_000;

export const JobsPage = () => (
  <SignedIn scope="client" title="Jobs" purpose="see your jobs">
    <Jobs />
  </SignedIn>
);

function Jobs() {
  const { client } = useSession();
  const { cursor, status, model } = route.useSearch();
  const navigate = route.useNavigate();
  const query = {
    limit: 25,
    ...(cursor && { cursor }),
    ...(isStatus(status) && { status }),
    ...(model && { model }),
  };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'jobs', query],
    queryFn: ({ signal }) => client.jobs.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
    meta: { live: cursor === undefined && 'fast' },
    refetchInterval: ({ state }) =>
      state.data?.items.some(({ status }) => isUnfinished(status)) ? REFRESH_MS : false,
  });
  const arrived = useArrivals(data?.items, ({ job_id }) => job_id, cursor === undefined);
  const isFiltered = isStatus(status) || model !== undefined;
  const path = `/v1/jobs?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`;
  return (
    <Page
      title="Jobs"
      about="What your account has submitted, newest first."
      actions={data && <RawJson value={data.items} path={path} />}
    >
      <Panel
        title={cursor === undefined ? 'Newest jobs' : 'Older jobs'}
        aside={
          <>
            <Choice
              label="Status"
              value={status}
              choices={STATES}
              onChange={value =>
                void navigate({ search: before => ({ ...before, cursor: undefined, status: value }) })
              }
            />
            <Filter
              label="Model"
              placeholder="llama3.2"
              value={model}
              onChange={value =>
                void navigate({ search: before => ({ ...before, cursor: undefined, model: value }) })
              }
            />
          </>
        }
        flush
      >
        {error ? (
          <LoadingFailed error={error} what="your jobs" retry={refetch} />
        ) : !data ? (
          <Loading what="jobs" lines={12} />
        ) : data.items.length === 0 ? (
          <Notice icon="jobs" title={isFiltered ? 'No job is like this' : 'No job yet'}>
            {isFiltered ? (
              'Clear a filter to see more.'
            ) : (
              <>
                Ask something in the <Link to="/playground">playground</Link>. It also shows the same call as
                code.
              </>
            )}
          </Notice>
        ) : (
          <>
            <DataTable
              caption="Your jobs, newest first"
              columns={COLUMNS}
              rows={data.items}
              rowKey={({ job_id }) => job_id}
              arrived={arrived}
            />
            <Pager cursor={cursor} next={data.cursor} count={data.items.length} noun="jobs" />
          </>
        )}
      </Panel>
    </Page>
  );
}
