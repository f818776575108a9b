import type { Job } from '@aitbc/sdk';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { isNotFound, OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Columns, Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { explain, Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { shortId } from '../../format/ids.ts';
import { formatCount, formatCredits } from '../../format/numbers.ts';
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { isUnfinished, JobStatusMark } from './job-status.tsx';
import { JobTexts } from './job-texts.tsx';
import { JobTimeline } from './job-timeline.tsx';

const route = getRouteApi('/jobs/$id');

export const JobPage = () => (
  <SignedIn scope="client" title="Job" purpose="see your jobs">
    <OneJob />
  </SignedIn>
);

/** How often a job is read that may still change. */
const REFRESH_MS = 2_000;

function OneJob() {
  const { client } = useSession();
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'job', id],
    queryFn: ({ signal }) => client.jobs.get(id, { signal }),
    refetchInterval: ({ state }) => (state.data && isUnfinished(state.data.status) ? REFRESH_MS : false),
  });
  const name = `Job ${shortId(id)}`;
  if (!data)
    return (
      <Page title="Job" name={name}>
        {!error ? (
          <Loading what="the job" />
        ) : isNotFound(error) ? (
          <Notice icon="jobs" title="Your account has no such job">
            It may belong to another account, or be too old. <Link to="/jobs">See your jobs.</Link>
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the job" retry={refetch} />
        )}
      </Page>
    );
  return (
    <Page
      title={
        <>
          Job <code title={id}>{shortId(id)}</code> <CopyButton text={id} what="job id" />{' '}
          <JobStatusMark status={data.status} />
        </>
      }
      name={name}
      actions={
        <>
          {isUnfinished(data.status) ? <Cancel id={id} /> : null}
          <RawJson value={data} path={`/v1/jobs/${id}`} />
        </>
      }
    >
      <Columns>
        <Panel title="What happened">
          <JobTimeline job={data} />
        </Panel>
        <Panel title="Request" flush>
          <RequestFacts job={data} />
        </Panel>
      </Columns>
      <JobTexts job={data} />
    </Page>
  );
}

function Cancel({ id }: { id: string }) {
  const { client } = useSession();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => client.jobs.cancel(id),
    onSettled: () => queries.invalidateQueries({ queryKey: [OWN] }),
  });
  return (
    <>
      {error ? <span role="alert">{explain(error)}</span> : null}
      <Button kind="danger" disabled={isPending} onClick={() => mutate()}>
        Cancel the job
      </Button>
    </>
  );
}

function RequestFacts({ job }: { job: Job }) {
  const { client } = useSession();
  const receipt = useQuery({
    queryKey: [OWN, 'receipt of', job.job_id],
    queryFn: ({ signal }) => client.jobs.receipt(job.job_id, { signal }),
    enabled: job.receipt_id !== null,
  });
  const params = Object.entries(job.params);
  return (
    <Facts>
      <Fact name="Model">{job.model}</Fact>
      {receipt.data ? (
        <Fact name="Cost">
          {formatCredits(receipt.data.price)}{' '}
          <span className="muted">
            credits for {formatCredits(receipt.data.units)} {receipt.data.unit_type}s
          </span>
        </Fact>
      ) : null}
      {job.receipt_id === null ? null : (
        <Fact name="Receipt">
          <Link to="/receipts/$id" params={{ id: job.receipt_id }} title={job.receipt_id}>
            <code>{shortId(job.receipt_id)}</code>
          </Link>
        </Fact>
      )}
      {job.usage ? (
        <Fact name="Tokens">
          {formatCount(job.usage.prompt_tokens ?? 0)} of the prompt,{' '}
          {formatCount(job.usage.completion_tokens ?? 0)} of the answer
        </Fact>
      ) : null}
      {params.length === 0 ? null : (
        <Fact name="Parameters">
          {params.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ')}
        </Fact>
      )}
      {Object.keys(job.constraints).length === 0 ? null : (
        <Fact name="Constraints">
          {Object.entries(job.constraints)
            .map(([name, value]) => `${name} ${value}`)
            .join(', ')}
        </Fact>
      )}
      <Fact name="Priority">{String(job.priority)}</Fact>
    </Facts>
  );
}
