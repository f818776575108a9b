import type { MinerDetail } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { isNotFound } from '../../api/queries.ts';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Id } from '../../components/id/id.tsx';
import { Columns, Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Stat, Stats } from '../../components/stat/stat.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { FullTime } from '../../components/time/time.tsx';
import { formatCount, formatDuration, formatPercent, formatRate } from '../../format/numbers.ts';
import { MinerEvidencePanel } from '../evidence/miner-evidence.tsx';
import { MinerHistory } from './miner-history.tsx';
import { MinerStateMark } from './miner-state.tsx';
import { Passports } from './passports.tsx';

const route = getRouteApi('/miners/$id');

type Model = MinerDetail['models'][number];

const MODEL_COLUMNS: readonly TableColumn<Model>[] = [
  {
    id: 'model',
    header: 'Model',
    cell: ({ model, loaded }) => (
      <>
        {model} {loaded === true ? <Status tone="good">in memory</Status> : null}
      </>
    ),
  },
  {
    id: 'context',
    header: 'Context',
    align: 'end',
    from: 'sm',
    cell: ({ context_length }) => (context_length === undefined ? '–' : formatCount(context_length)),
  },
  {
    id: 'first',
    header: 'First token',
    align: 'end',
    cell: model =>
      model.time_to_first_token_ms === null ? '–' : formatDuration(model.time_to_first_token_ms),
  },
  {
    id: 'speed',
    header: 'Tokens per second',
    align: 'end',
    cell: ({ tokens_per_second }) => (tokens_per_second === null ? '–' : formatRate(tokens_per_second)),
  },
];

export function MinerPage() {
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['miner', id],
    queryFn: ({ signal }) => publicClient.miners.get(id, { signal }),
    meta: { live: 'slow' },
  });
  if (error)
    return (
      <Page title={`Miner ${id}`}>
        {isNotFound(error) ? (
          <Notice icon="miner" title="No miner has this name">
            It may have left. <Link to="/miners">See those that are here.</Link>
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the miner" retry={refetch} />
        )}
      </Page>
    );
  if (!data)
    return (
      <Page title={`Miner ${id}`}>
        <Loading what="the miner" />
      </Page>
    );
  const { workload } = data;
  return (
    <Page
      title={
        <>
          {id} <CopyButton text={id} what="name" /> <MinerStateMark miner={data} />
        </>
      }
      name={`Miner ${id}`}
      about={workload.reason ?? undefined}
      actions={<RawJson value={data} path={`/v1/miners/${id}`} />}
    >
      <Stats>
        <Stat label="Reputation" value={formatPercent(data.reputation.score)} detail="of its owner’s runs" />
        <Stat
          label="Running"
          value={formatCount(data.running)}
          detail={`of ${formatCount(data.concurrency ?? 1)} at once`}
        />
        <Stat label="Completed" value={formatCount(data.completed)} />
        <Stat label="Failed" value={formatCount(data.failed)} />
        <Stat
          label="GPU memory"
          value={data.vram_gb === null ? '–' : `${formatCount(data.vram_gb)} GB`}
          detail={String(data.gpu_info?.name ?? 'unknown GPU')}
        />
      </Stats>
      <MinerHistory id={id} />
      <Panel
        title="Models"
        aside={
          <Link to="/receipts" search={{ miner: id }}>
            Its receipts
          </Link>
        }
        flush
      >
        <DataTable
          caption="Models of this miner"
          columns={MODEL_COLUMNS}
          rows={data.models}
          rowKey={({ model }) => model}
        />
      </Panel>
      <MinerEvidencePanel id={id} />
      <Passports models={data.models} />
      <Columns>
        <ReputationPanel reputation={data.reputation} />
        <WorkloadPanel workload={workload} />
      </Columns>
      <Panel title="Registration" flush>
        <Facts>
          <Fact name="Earnings go to">
            <Id value={data.address} what="address" to="/addresses/$id" whole />
          </Fact>
          <Fact name="Public key" hint="signs its results">
            {data.public_key === null ? (
              <span className="muted">none</span>
            ) : (
              <Id value={data.public_key} what="key" whole />
            )}
          </Fact>
          <Fact name="Region">{data.region ?? <span className="muted">not stated</span>}</Fact>
          <Fact name="Registered">
            <FullTime at={data.registered_at} />
          </Fact>
          <Fact name="Last seen">
            <FullTime at={data.last_seen_at} />
          </Fact>
        </Facts>
      </Panel>
    </Page>
  );
}

function ReputationPanel({ reputation }: { reputation: MinerDetail['reputation'] }) {
  const { successes, failures, timeouts, agreements, disagreements, suspended_at, suspended_by } = reputation;
  const runs = successes + failures + timeouts;
  return (
    <Panel title="Why this reputation" flush>
      <Facts>
        <Fact name="Score" hint="runs with a result, of all; 9 of 10 are assumed at first">
          {formatPercent(reputation.score)}{' '}
          <span className="muted">
            = (9 + {formatRate(successes)}) of (10 + {formatRate(runs)})
          </span>
        </Fact>
        <Fact name="Runs with a result">{formatRate(successes)}</Fact>
        <Fact name="Failed runs">{formatRate(failures)}</Fact>
        <Fact name="Runs that timed out">{formatRate(timeouts)}</Fact>
        <Fact name="Same result as others">{formatRate(agreements)}</Fact>
        <Fact name="Other result">{formatRate(disagreements)}</Fact>
        <Fact name="Suspended">
          {suspended_at === null ? <Status tone="good">no</Status> : <FullTime at={suspended_at} />}
        </Fact>
        {suspended_by ? (
          <Fact name="Suspended by" hint="the verification that led to it">
            <Id value={suspended_by} what="verification id" to="/verifications/$id" whole />
          </Fact>
        ) : null}
      </Facts>
    </Panel>
  );
}

function WorkloadPanel({ workload }: { workload: MinerDetail['workload'] }) {
  const rows = [
    ...workload.runnable.map(each => ({ ...each, canRun: true })),
    ...workload.blocked.map(each => ({ ...each, canRun: false })),
  ];
  return (
    <Panel title="What waits" flush>
      {rows.length === 0 ? (
        <Notice icon="check" title="Nothing waits">
          No job waits for any model.
        </Notice>
      ) : (
        <Facts>
          {rows.map(({ model, pending, reason, canRun }) => (
            <Fact key={`${model} ${reason}`} name={model} hint={`${formatCount(pending)} waiting`}>
              {canRun ? <Status tone="good">this miner can run it</Status> : (reason ?? 'not for this miner')}
            </Fact>
          ))}
        </Facts>
      )}
    </Panel>
  );
}
