import type { MinerDetail } from '@aitbc/sdk';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { isNotFound, OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { Chart } from '../../components/chart/chart.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Choice } from '../../components/filter/filter.tsx';
import { Columns, Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Stat, Stats } from '../../components/stat/stat.tsx';
import { explain, Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { Time } from '../../components/time/time.tsx';
import { DAY_COUNTS, dailySums, rangeOf } from '../../format/days.ts';
import {
  formatCount,
  formatCredits,
  formatDuration,
  formatPercent,
  formatRate,
} from '../../format/numbers.ts';
import { formatDay } from '../../format/time.ts';
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { MinerStateMark } from '../miners/miner-state.tsx';
import { describeHeat } from './machine-heat.ts';
import { WhyIdle } from './why-idle.tsx';

const route = getRouteApi('/machines/$id');

export const MachinePage = () => (
  <SignedIn scope="miner" title="Machine" purpose="see your machines">
    <Machine />
  </SignedIn>
);

/** How often the machine is read while its page is open. */
const REFRESH_MS = 3_000;

function Machine() {
  const { client } = useSession();
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'machine', id],
    queryFn: ({ signal }) => client.miners.get(id, { signal }),
    refetchInterval: REFRESH_MS,
  });
  if (!data)
    return (
      <Page title={id}>
        {!error ? (
          <Loading what="the machine" />
        ) : isNotFound(error) ? (
          <Notice icon="machine" title="No machine has this name">
            It may have left. <Link to="/machines">See your machines.</Link>
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the machine" retry={refetch} />
        )}
      </Page>
    );
  return (
    <Page
      title={
        <>
          {id} <MinerStateMark miner={data} />
        </>
      }
      name={id}
      actions={
        <>
          <DrainOrResume machine={data} />
          <RawJson value={data} path={`/v1/miners/${id}`} />
        </>
      }
    >
      <MachineStats machine={data} />
      <Columns>
        <WhyIdle machine={data} />
        <Panel title="Models" flush>
          <DataTable
            caption="Models of this machine"
            columns={MODEL_COLUMNS}
            rows={data.models}
            rowKey={({ model }) => model}
          />
        </Panel>
      </Columns>
      <Earned id={id} />
    </Page>
  );
}

function MachineStats({ machine }: { machine: MinerDetail }) {
  const heat = describeHeat(machine);
  return (
    <Stats>
      <Stat
        label="Running"
        value={formatCount(machine.running)}
        detail={`of ${formatCount(machine.concurrency ?? 1)} at once`}
      />
      <Stat
        label="Completed"
        value={formatCount(machine.completed)}
        detail={`${formatCount(machine.failed)} failed`}
      />
      <Stat label="Reputation" value={formatPercent(machine.reputation.score)} detail="of your runs" />
      <Stat
        label="GPU memory"
        value={machine.vram_gb === null ? '–' : `${formatCount(machine.vram_gb)} GB`}
        detail={String(machine.gpu_info?.name ?? 'unknown GPU')}
      />
      {heat === undefined ? null : <Stat label="Temperature" value={heat} detail="as it reported" />}
      <Stat
        label="Last seen"
        value={<Time at={machine.last_seen_at} />}
        detail={`every ${machine.heartbeat_seconds} s`}
      />
    </Stats>
  );
}

/** A drained machine finishes what it holds, and gets nothing new. */
function DrainOrResume({ machine: { miner_id, status } }: { machine: MinerDetail }) {
  const { client } = useSession();
  const queries = useQueryClient();
  const isDraining = status === 'draining';
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => (isDraining ? client.miners.resume(miner_id) : client.miners.drain(miner_id)),
    onSettled: () => queries.invalidateQueries({ queryKey: [OWN] }),
  });
  return (
    <>
      {error ? <span role="alert">{explain(error)}</span> : null}
      <Button
        disabled={isPending}
        onClick={() => mutate()}
        title={isDraining ? 'Takes jobs again' : 'Finishes what it holds, and takes nothing new'}
      >
        {isDraining ? 'Resume' : 'Drain'}
      </Button>
    </>
  );
}

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
    id: 'first',
    header: 'First token',
    align: 'end',
    from: 'sm',
    cell: ({ time_to_first_token_ms: ms }) => (ms === null ? '–' : formatDuration(ms)),
  },
  {
    id: 'speed',
    header: 'Tokens/s',
    align: 'end',
    cell: ({ tokens_per_second: speed }) => (speed === null ? '–' : formatRate(speed)),
  },
];

function Earned({ id }: { id: string }) {
  const { client } = useSession();
  const { days } = route.useSearch();
  const navigate = route.useNavigate();
  const range = rangeOf(days);
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'earnings', id, range.from],
    queryFn: ({ signal }) =>
      client.earnings.list({ from: range.from, to: range.to, miner: id, group_by: 'day' }, { signal }).page(),
    refetchInterval: 10 * REFRESH_MS,
  });
  const total = data?.items.reduce((sum, { credits }) => sum + credits, 0) ?? 0;
  return (
    <Panel
      title="Earnings by day"
      aside={
        <>
          {data ? <span>{formatCredits(total)} credits</span> : null}
          <Choice
            label="Days"
            value={String(range.days.length)}
            choices={DAY_COUNTS}
            onChange={value => void navigate({ search: { days: value } })}
          />
        </>
      }
    >
      {error ? (
        <LoadingFailed error={error} what="the earnings" retry={refetch} />
      ) : data ? (
        <Chart
          label="Credits earned by day"
          times={range.times}
          series={[
            { name: 'Credits', tone: 'accent', values: dailySums(range, data.items, row => row.credits) },
          ]}
          format={formatCredits}
          formatTime={formatDay}
          bars
        />
      ) : (
        <Loading what="earnings" lines={4} />
      )}
    </Panel>
  );
}
