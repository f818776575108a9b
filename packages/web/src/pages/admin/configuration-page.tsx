import type { ConfiguredOption } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { OWN } from '../../api/queries.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Choice, Filter } from '../../components/filter/filter.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { useSession } from '../../session/use-session.ts';
import styles from './admin.module.css';
import { AdminFrame, ForAdministrators } from './admin-frame.tsx';

const route = getRouteApi('/admin/configuration');
const TITLE = 'Configuration';

export const ConfigurationPage = () => (
  <ForAdministrators title={TITLE}>
    <Configuration />
  </ForAdministrators>
);

const SETS = [
  ['', 'All'],
  ['set', 'Not the default'],
] as const;

const COLUMNS: readonly TableColumn<ConfiguredOption>[] = [
  {
    id: 'flag',
    header: 'Option',
    cell: ({ flag, variable }) => (
      <code title={variable} className={styles.wrapped}>
        {flag}
      </code>
    ),
    sortBy: ({ flag }) => flag,
  },
  {
    id: 'value',
    header: 'Value',
    cell: option => (
      <span className={styles.wrapped}>
        <code>{shown(option.value)}</code> <span className="muted">{unitOf(option)}</span>{' '}
        {option.is_default ? null : <Status tone="good">set</Status>}
      </span>
    ),
  },
  { id: 'about', header: 'What it is', from: 'md', cell: ({ about }) => <span title={about}>{about}</span> },
];

const MAX_SHOWN = 60;

/** Long values, such as tiers, are whole in the JSON. */
function shown(value: unknown): string {
  if (value === null) return '–';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** Units that are not written in small letters. Numbers of things have none. */
const UNITS: Readonly<Record<string, string>> = { mib: 'MiB', number: '' };

function unitOf({ unit, value }: ConfiguredOption): string {
  if (typeof value !== 'number') return '';
  const name = (unit ?? '').toLowerCase();
  return UNITS[name] ?? name;
}

function Configuration() {
  const { client } = useSession();
  const { q = '', show } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'configuration'],
    queryFn: ({ signal }) => client.operator.configuration({ signal }),
  });
  const rows = data?.filter(
    ({ name, about, is_default }) =>
      `${name} ${about}`.toLowerCase().includes(q.toLowerCase()) && (show !== 'set' || !is_default),
  );
  return (
    <AdminFrame
      title={TITLE}
      about="The options as this coordinator runs. They are set where it is started, and secrets are not shown."
      actions={data && <RawJson value={data} path="/v1/operator/configuration" />}
    >
      <Panel
        title="Options"
        aside={
          <>
            <Filter
              label="Name"
              placeholder="contains…"
              value={q}
              onChange={value => void navigate({ search: before => ({ ...before, q: value }) })}
            />
            <Choice
              label="Show"
              value={show}
              choices={SETS}
              onChange={value => void navigate({ search: before => ({ ...before, show: value }) })}
            />
          </>
        }
        flush
      >
        {error ? (
          <LoadingFailed error={error} what="the configuration" retry={refetch} />
        ) : !rows ? (
          <Loading what="the configuration" lines={12} />
        ) : rows.length === 0 ? (
          <Notice icon="admin" title="No option fits">
            Clear the filters to see all.
          </Notice>
        ) : (
          <DataTable caption="Options" columns={COLUMNS} rows={rows} rowKey={({ name }) => name} />
        )}
      </Panel>
    </AdminFrame>
  );
}
