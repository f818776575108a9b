import type { CoordinatorClient, UsageRow } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { OWN } from '../../api/queries.ts';
import { Chart } from '../../components/chart/chart.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { CsvButton } from '../../components/downloads/csv-button.tsx';
import { Choice } from '../../components/filter/filter.tsx';
import { Columns, Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Stat, Stats } from '../../components/stat/stat.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { DAY_COUNTS, type DayRange, dailySums, rangeOf } from '../../format/days.ts';
import { formatCount, formatCredits, formatLarge } from '../../format/numbers.ts';
import { formatDay } from '../../format/time.ts';
import { SignedIn } from '../../session/signed-in.tsx';
import { useAccount, useSession } from '../../session/use-session.ts';

const route = getRouteApi('/usage');

const CSV_COLUMNS = [
  ...(['day', 'key_id', 'model', 'jobs', 'failed', 'cancelled'] as const),
  ...(['tokens_in', 'tokens_out', 'credits'] as const),
];
/** How many rows a file has at most. */
const MAX_CSV_ROWS = 50_000;

export const UsagePage = () => (
  <SignedIn scope="client" title="Usage" purpose="see what you used">
    <UsageOverview />
  </SignedIn>
);

function UsageOverview() {
  const session = useSession();
  const account = useAccount(session);
  const { days, by = 'model' } = route.useSearch();
  const navigate = route.useNavigate();
  const range = rangeOf(days);
  const perDay = useQuery({
    queryKey: [OWN, 'usage', 'day', range.from],
    queryFn: ({ signal }) =>
      session.client.usage.list({ from: range.from, to: range.to, group_by: 'day' }, { signal }).page(),
  });
  const group = by === 'key' ? 'key' : 'model';
  const grouped = useQuery({
    queryKey: [OWN, 'usage', group, range.from],
    queryFn: ({ signal }) =>
      session.client.usage.list({ from: range.from, to: range.to, group_by: group }, { signal }).page(),
  });
  const { error, data } = perDay;
  const query = `from=${range.from}&to=${range.to}&group_by=day`;
  return (
    <Page
      title="Usage"
      about="What your account’s jobs used and cost, by days in UTC."
      actions={
        data && (
          <>
            <CsvButton
              file={`usage-${range.from}-${range.to}.csv`}
              columns={CSV_COLUMNS}
              read={() => readAll(session.client, range)}
            />
            <RawJson value={data.items} path={`/v1/usage?${query}`} />
          </>
        )
      }
    >
      {error ? (
        <LoadingFailed error={error} what="your usage" retry={perDay.refetch} />
      ) : !data ? (
        <Loading what="usage" />
      ) : (
        <>
          <UsageStats rows={data.items} balance={account.balance} days={range.days.length} />
          <Panel
            title="By day"
            aside={
              <Choice
                label="Days"
                value={String(range.days.length)}
                choices={DAY_COUNTS}
                onChange={value => void navigate({ search: before => ({ ...before, days: value }) })}
              />
            }
          >
            <Columns>
              <Chart
                label="Credits spent by day"
                times={range.times}
                series={[
                  {
                    name: 'Credits',
                    tone: 'accent',
                    values: dailySums(range, data.items, row => row.credits),
                  },
                ]}
                format={formatCredits}
                formatTime={formatDay}
                bars
              />
              <Chart
                label="Jobs by day"
                times={range.times}
                series={[
                  { name: 'Jobs', tone: 'accent', values: dailySums(range, data.items, row => row.jobs) },
                  {
                    name: 'Failed',
                    tone: 'alarm',
                    dash: [4, 3],
                    values: dailySums(range, data.items, row => row.failed),
                  },
                ]}
                format={formatLarge}
                formatTime={formatDay}
                points
              />
            </Columns>
          </Panel>
          <Panel
            title="What it was for"
            aside={
              <Choice
                label="By"
                value={group}
                choices={[
                  ['model', 'Model'],
                  ['key', 'Key'],
                ]}
                onChange={value => void navigate({ search: before => ({ ...before, by: value }) })}
              />
            }
            flush
          >
            {grouped.data?.items.length === 0 ? (
              <Notice icon="usage" title="Nothing was used in these days">
                Usage is counted when a job ends.
              </Notice>
            ) : grouped.data ? (
              <DataTable
                caption={`Usage by ${group}`}
                columns={columnsFor(group)}
                rows={grouped.data.items}
                rowKey={row => String(nameOf(group, row))}
              />
            ) : (
              <Loading what="usage" />
            )}
          </Panel>
        </>
      )}
    </Page>
  );
}

/** Returns what was used by day, key and model. */
async function readAll(client: CoordinatorClient, { from, to }: DayRange): Promise<UsageRow[]> {
  const rows: UsageRow[] = [];
  for await (const row of client.usage.list({ from, to, group_by: 'day,key,model' })) {
    rows.push(row);
    if (rows.length === MAX_CSV_ROWS) break;
  }
  return rows;
}

function UsageStats({ rows, balance, days }: { rows: readonly UsageRow[]; balance: number; days: number }) {
  const sum = (value: (row: UsageRow) => number) => rows.reduce((total, row) => total + value(row), 0);
  return (
    <Stats>
      <Stat label="Spent" value={formatCredits(sum(row => row.credits))} detail={`credits in ${days} days`} />
      <Stat
        label="Jobs"
        value={formatLarge(sum(row => row.jobs))}
        detail={`${formatLarge(sum(row => row.failed))} failed`}
      />
      <Stat label="Tokens in" value={formatLarge(sum(row => row.tokens_in))} detail="of prompts" />
      <Stat label="Tokens out" value={formatLarge(sum(row => row.tokens_out))} detail="of answers" />
      <Stat label="Balance" value={formatCredits(balance)} detail="credits now" />
    </Stats>
  );
}

type Group = 'key' | 'model';

const nameOf = (group: Group, { model, key_id }: UsageRow) =>
  (group === 'model' ? model : key_id) ?? 'no key';

const columnsFor = (group: Group): readonly TableColumn<UsageRow>[] => [
  { id: 'name', header: group === 'model' ? 'Model' : 'Key', cell: row => nameOf(group, row) },
  { id: 'jobs', header: 'Jobs', align: 'end', cell: ({ jobs }) => formatCount(jobs) },
  { id: 'failed', header: 'Failed', align: 'end', from: 'sm', cell: ({ failed }) => formatCount(failed) },
  {
    id: 'in',
    header: 'Tokens in',
    align: 'end',
    from: 'sm',
    cell: ({ tokens_in }) => formatLarge(tokens_in),
  },
  {
    id: 'out',
    header: 'Tokens out',
    align: 'end',
    from: 'sm',
    cell: ({ tokens_out }) => formatLarge(tokens_out),
  },
  { id: 'credits', header: 'Credits', align: 'end', cell: ({ credits }) => formatCredits(credits) },
];
