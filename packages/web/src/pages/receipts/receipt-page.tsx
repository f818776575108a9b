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
import { shortId } from '../../format/ids.ts';
import { formatCount, formatCredits, formatDuration } from '../../format/numbers.ts';
import { VerifyReceipt } from './verify-receipt.tsx';

const route = getRouteApi('/receipts/$id');

export function ReceiptPage() {
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['receipt', id],
    queryFn: ({ signal }) => publicClient.receipts.get(id, { signal }),
    meta: { live: 'slow' },
  });
  const name = `Receipt ${shortId(id)}`;
  if (error)
    return (
      <Page title="Receipt" name={name}>
        {isNotFound(error) ? (
          <Notice icon="receipt" title="There is no such receipt">
            A receipt is there once its job is completed. <Link to="/receipts">See the newest ones.</Link>
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the receipt" retry={refetch} />
        )}
      </Page>
    );
  if (!data)
    return (
      <Page title="Receipt" name={name}>
        <Loading what="the receipt" />
      </Page>
    );
  const minerId = data.metadata.miner_id;
  const usage = Object(data.metadata.usage);
  return (
    <Page
      title={
        <>
          Receipt <code title={id}>{shortId(id)}</code> <CopyButton text={id} what="receipt id" />
        </>
      }
      name={name}
      about="What a machine computed for somebody, signed by the coordinator, and by the machine if it has a key."
      actions={<RawJson value={data} path={`/v1/receipts/${id}`} />}
    >
      <VerifyReceipt id={id} isPublished={data.inclusion !== null} />
      <Panel title="Job" flush>
        <Facts>
          <Fact name="Model">{data.model}</Fact>
          <Fact name="Completed">
            <FullTime at={data.completed_at * 1000} />
          </Fact>
          <Fact name="Took">{formatDuration(data.duration_ms)}</Fact>
          {usage.completion_tokens === undefined ? null : (
            <Fact name="Tokens">
              {formatCount(usage.prompt_tokens ?? 0)} of the prompt, {formatCount(usage.completion_tokens)} of
              the answer
            </Fact>
          )}
          <Fact name="Price">
            {formatCredits(data.price)}{' '}
            <span className="muted">
              credits for {formatCredits(data.units)} {data.unit_type}s
            </span>
          </Fact>
          <Fact name="Job id">
            <Id value={data.job_id} what="job id" whole />
          </Fact>
        </Facts>
      </Panel>
      <Panel title="Who" flush>
        <Facts>
          <Fact name="Client" hint="pays">
            <Id value={data.client} what="address" to="/addresses/$id" whole />
          </Fact>
          <Fact name="Provider" hint="is paid">
            <Id value={data.provider} what="address" to="/addresses/$id" whole />
          </Fact>
          {typeof minerId === 'string' ? (
            <Fact name="Miner">
              <Link to="/miners/$id" params={{ id: minerId }}>
                {minerId}
              </Link>
            </Fact>
          ) : null}
          <Fact name="Coordinator">{data.coordinator_id}</Fact>
        </Facts>
      </Panel>
      <Panel title="What was signed" flush>
        <Facts>
          <Fact name="Prompt hash" hint="SHA-256, salted">
            <Id value={data.prompt_hash} what="prompt hash" whole />
          </Fact>
          <Fact name="Result hash" hint="SHA-256, salted">
            <Id value={data.artifact_hash} what="result hash" whole />
          </Fact>
          <Fact name="Key">
            <Id value={data.signature.key_id} what="key" whole />
          </Fact>
          <Fact name="Place in the ledger">
            {data.inclusion === null ? (
              <Status tone="waiting">not published yet</Status>
            ) : (
              <Link to="/transactions/$id" params={{ id: String(data.inclusion.logIndex) }}>
                entry {formatCount(Number(data.inclusion.logIndex))}
              </Link>
            )}
          </Fact>
        </Facts>
      </Panel>
    </Page>
  );
}
