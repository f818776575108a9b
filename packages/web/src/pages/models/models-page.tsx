import type { PublicModel } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { useLive } from '../../api/live.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Choice, Filter } from '../../components/filter/filter.tsx';
import { Page } from '../../components/page/page.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { formatCount, formatCredits, formatDuration, formatRate } from '../../format/numbers.ts';

const route = getRouteApi('/models');

interface ModelRow extends PublicModel {
  pending: number;
  since: string | null;
}

/** The quantizations that miners have signed, and how many miners have each: `Q8_0 × 2, Q4_K_M × 1`. */
function quantizationsIn(passports: PublicModel['passports']): string {
  const miners = new Map<string, number>();
  for (const { quantization, miners: count } of passports)
    if (quantization !== null) miners.set(quantization, (miners.get(quantization) ?? 0) + count);
  return [...miners].map(([quantization, count]) => `${quantization} × ${formatCount(count)}`).join(', ');
}

const COLUMNS: readonly TableColumn<ModelRow>[] = [
  {
    id: 'model',
    header: 'Model',
    cell: ({ model, passports }) => (
      <>
        <Link to="/miners" search={{ model }} title={`Miners that run ${model}`}>
          {model}
        </Link>{' '}
        <span className="muted">{quantizationsIn(passports)}</span>
      </>
    ),
    sortBy: ({ model }) => model,
  },
  {
    id: 'miners',
    header: 'Miners',
    align: 'end',
    cell: row => (
      <>
        {formatCount(row.miners)} <span className="muted">· {formatCount(row.loaded)} in memory</span>
      </>
    ),
    sortBy: row => row.miners,
  },
  {
    id: 'slots',
    header: 'Jobs at once',
    align: 'end',
    from: 'md',
    cell: row => formatCount(row.slots),
    sortBy: row => row.slots,
  },
  {
    id: 'context',
    header: 'Context',
    align: 'end',
    from: 'sm',
    cell: ({ context_length }) => (context_length === null ? '–' : formatCount(context_length)),
    sortBy: ({ context_length }) => context_length ?? 0,
  },
  {
    id: 'first',
    header: 'First token',
    align: 'end',
    from: 'md',
    cell: ({ first_token: times, time_to_first_token_ms: average }) =>
      times ? (
        <span title={`Of the last ${times.count} streams: p99 ${formatDuration(times.p99)}`}>
          {formatDuration(times.p50)} <span className="muted">· p95 {formatDuration(times.p95)}</span>
        </span>
      ) : average === null ? (
        '–'
      ) : (
        formatDuration(average)
      ),
    sortBy: row => row.first_token?.p50 ?? row.time_to_first_token_ms ?? Number.MAX_SAFE_INTEGER,
  },
  {
    id: 'speed',
    header: 'Tokens per second',
    align: 'end',
    from: 'sm',
    cell: row => (row.tokens_per_second === null ? '–' : formatRate(row.tokens_per_second)),
    sortBy: row => row.tokens_per_second ?? 0,
  },
  {
    id: 'price',
    header: 'Price',
    align: 'end',
    cell: ({ price, price_unit }) => (
      <>
        {formatCredits(price)}{' '}
        <span className="muted">{price_unit === 'token' ? 'per 1000 tokens' : 'per GPU second'}</span>
      </>
    ),
    sortBy: ({ price }) => price,
  },
  {
    id: 'waiting',
    header: 'Waiting',
    align: 'end',
    cell: ({ pending, since }) => (
      <>
        {formatCount(pending)}{' '}
        {since === null ? null : (
          <span className="muted">
            · since <Time at={since} />
          </span>
        )}
      </>
    ),
    sortBy: ({ pending }) => pending,
  },
];

const STATES = [
  ['', 'All'],
  ['loaded', 'In memory'],
  ['waiting', 'With waiting jobs'],
] as const;

export function ModelsPage() {
  const { sort = 'model', q, state, cursor } = route.useSearch();
  const navigate = route.useNavigate();
  const { overview } = useLive();
  const { data, error, refetch } = useQuery({
    queryKey: ['models', cursor],
    queryFn: ({ signal }) =>
      publicClient.explorer.models({ limit: 100, ...(cursor && { cursor }) }, { signal }).page(),
    meta: { live: 'slow' },
  });
  const queues = new Map(overview?.queues.map(queue => [queue.model, queue]));
  const rows = data?.items
    .filter(({ model, loaded }) => {
      const isNamed = model.toLowerCase().includes((q ?? '').toLowerCase());
      return isNamed && (state !== 'loaded' || loaded > 0) && (state !== 'waiting' || queues.has(model));
    })
    .map((model): ModelRow => {
      const { pending = 0, waiting_since: since = null } = queues.get(model.model) ?? {};
      return { ...model, pending, since };
    });
  return (
    <Page
      title="Models"
      about="What can be asked for right now, by how many machines, and how quickly they answer."
      actions={data && <RawJson value={data.items} path="/explorer/models?limit=100" />}
    >
      <Panel
        title="Models online"
        aside={
          <>
            <Filter
              label="Name"
              placeholder="contains…"
              value={q}
              onChange={value => void navigate({ search: before => ({ ...before, q: value }) })}
            />
            <Choice
              label="State"
              value={state}
              choices={STATES}
              onChange={value => void navigate({ search: before => ({ ...before, state: value }) })}
            />
          </>
        }
        flush
      >
        {error ? (
          <LoadingFailed error={error} what="the models" retry={refetch} />
        ) : !rows ? (
          <Loading what="models" />
        ) : rows.length === 0 ? (
          <Notice icon="model" title={q || state ? 'No model fits' : 'No model is online'}>
            {q || state ? 'Clear the filters to see all.' : 'Models appear as soon as a miner offers them.'}
          </Notice>
        ) : (
          <>
            <DataTable
              caption="Models online"
              columns={COLUMNS}
              rows={rows}
              rowKey={({ model }) => model}
              sort={sort}
              onSort={value => void navigate({ search: before => ({ ...before, sort: value }) })}
            />
            <Pager cursor={cursor} next={data?.cursor} count={rows.length} noun="models" />
          </>
        )}
      </Panel>
    </Page>
  );
}
