import type { Batch } from '@aitbc/sdk';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { isNotFound, OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import { Id } from '../../components/id/id.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Progress } from '../../components/progress/progress.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { explain, Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { FullTime } from '../../components/time/time.tsx';
import { shortId } from '../../format/ids.ts';
import { formatUtc } from '../../format/time.ts';
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { BatchStatusMark, isOpenBatch } from './batch-status.tsx';
import styles from './batches.module.css';

const route = getRouteApi('/batches/$id');

export const BatchPage = () => (
  <SignedIn scope="client" title="Batch" purpose="work with batches">
    <OneBatch />
  </SignedIn>
);

/** How often a batch is read that may still change. */
const REFRESH_MS = 2_000;

function OneBatch() {
  const { client } = useSession();
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'batch', id],
    queryFn: ({ signal }) => client.batches.get(id, { signal }),
    refetchInterval: ({ state }) => (state.data && isOpenBatch(state.data) ? REFRESH_MS : false),
  });
  const name = `Batch ${shortId(id)}`;
  if (!data)
    return (
      <Page title="Batch" name={name}>
        {!error ? (
          <Loading what="the batch" />
        ) : isNotFound(error) ? (
          <Notice icon="batch" title="Your account has no such batch">
            <Link to="/batches">See your batches.</Link>
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the batch" retry={refetch} />
        )}
      </Page>
    );
  return (
    <Page
      title={
        <>
          Batch <code title={id}>{shortId(id)}</code> <BatchStatusMark status={data.status} />
        </>
      }
      name={name}
      actions={
        <>
          <Download fileId={data.output_file_id} what="answers" />
          <Download fileId={data.error_file_id} what="errors" />
          {data.status === 'validating' || data.status === 'in_progress' ? <Cancel id={id} /> : null}
          <RawJson value={data} path={`/v1/batches/${id}`} />
        </>
      }
    >
      {data.errors ? <FileErrors errors={data.errors.data} /> : null}
      <BatchFacts batch={data} />
    </Page>
  );
}

function BatchFacts({ batch }: { batch: Batch }) {
  const { completed, failed, total } = batch.request_counts;
  const ended = batch.completed_at ?? batch.failed_at ?? batch.expired_at ?? batch.cancelled_at;
  return (
    <Panel title="Batch" flush>
      <Facts>
        <Fact name="Answered">
          <Progress label="Answered requests" done={completed} failed={failed} total={total} />
        </Fact>
        <Fact name="Endpoint">
          <code>{batch.endpoint}</code>
        </Fact>
        <Fact name="Created">
          <FullTime at={batch.created_at * 1000} />
        </Fact>
        <Fact name="Answers are given up">{formatUtc(batch.expires_at * 1000)}</Fact>
        {ended === null ? null : (
          <Fact name="Ended">
            <FullTime at={ended * 1000} />
          </Fact>
        )}
        <Fact name="File of requests">
          <Id value={batch.input_file_id} what="file id" />
        </Fact>
      </Facts>
    </Panel>
  );
}

const FileErrors = ({ errors }: { errors: NonNullable<Batch['errors']>['data'] }) => (
  <Panel title="What is wrong with the file">
    <ol className={styles.faults}>
      {errors.map(({ line, message, code }) => (
        <li key={`${line} ${message}`}>
          {line === null ? null : <strong>Line {line} </strong>}
          {message} <span className="muted">({code})</span>
        </li>
      ))}
    </ol>
  </Panel>
);

/** Files are read with the key, so a plain link can't lead to them. */
function Download({ fileId, what }: { fileId: string | null; what: string }) {
  const { client } = useSession();
  const { mutate, error, isPending } = useMutation({
    mutationFn: async (id: string) => {
      const url = URL.createObjectURL(await (await client.files.content(id)).blob());
      const link = Object.assign(document.createElement('a'), { href: url, download: `${what}.jsonl` });
      link.click();
      URL.revokeObjectURL(url);
    },
  });
  if (fileId === null) return null;
  return (
    <>
      {error ? (
        <span role="alert" className={styles.error}>
          {explain(error)}
        </span>
      ) : null}
      <Button disabled={isPending} onClick={() => mutate(fileId)}>
        <Icon name="download" /> Download {what}
      </Button>
    </>
  );
}

function Cancel({ id }: { id: string }) {
  const { client } = useSession();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => client.batches.cancel(id),
    onSettled: () => queries.invalidateQueries({ queryKey: [OWN, 'batch', id] }),
  });
  return (
    <>
      {error ? (
        <span role="alert" className={styles.error}>
          {explain(error)}
        </span>
      ) : null}
      <Button kind="danger" disabled={isPending} onClick={() => mutate()}>
        Cancel the batch
      </Button>
    </>
  );
}
