import type { AuditEntry } from '@aitbc/sdk';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { OWN } from '../../api/queries.ts';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { CsvButton } from '../../components/downloads/csv-button.tsx';
import { Filter } from '../../components/filter/filter.tsx';
import { Id } from '../../components/id/id.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { pathOf } from '../../format/paths.ts';
import { useSession } from '../../session/use-session.ts';
import { AdminFrame, ForAdministrators } from './admin-frame.tsx';

const route = getRouteApi('/admin/audit');
const TITLE = 'Audit log';

export const AuditPage = () => (
  <ForAdministrators title={TITLE}>
    <AuditLog />
  </ForAdministrators>
);

const COLUMNS: readonly TableColumn<AuditEntry>[] = [
  { id: 'action', header: 'Action', cell: ({ action }) => <code>{action}</code> },
  { id: 'at', header: 'Time', cell: ({ at }) => <Time at={at} /> },
  { id: 'target', header: 'What', cell: ({ target }) => <Id value={target} what="target" /> },
  {
    id: 'key',
    header: 'By',
    from: 'md',
    cell: ({ key_id, source }) => (key_id === null ? source : <Id value={key_id} what="key id" />),
  },
  { id: 'origin', header: 'From', from: 'lg', cell: ({ origin }) => origin ?? '–' },
  {
    id: 'details',
    header: 'Details',
    from: 'lg',
    cell: ({ details }) => <span title={JSON.stringify(details)}>{summarize(details)}</span>,
  },
];

function summarize(details: object): string {
  const names = Object.keys(details);
  return names.length === 0 ? '–' : names.join(', ').slice(0, 40);
}

const CSV_COLUMNS = [
  ...(['id', 'at', 'action', 'target', 'source', 'key_id', 'account', 'origin'] as const),
  ...(['request_id', 'details'] as const),
];
/** How many of the newest entries a file has at most. */
const MAX_CSV_ROWS = 20_000;

function AuditLog() {
  const { client } = useSession();
  const { cursor, action, target } = route.useSearch();
  const navigate = route.useNavigate();
  const filter = { ...(action && { action }), ...(target && { target }) };
  const query = { limit: 50, ...filter, ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'audit', query],
    queryFn: ({ signal }) => client.auditLog.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
  });
  async function readAll(): Promise<AuditEntry[]> {
    const entries: AuditEntry[] = [];
    for await (const entry of client.auditLog.list({ ...filter, limit: 1_000 })) {
      entries.push(entry);
      if (entries.length === MAX_CSV_ROWS) break;
    }
    return entries;
  }
  const filterBy = (name: 'action' | 'target') => (value: string | undefined) =>
    void navigate({ search: before => ({ ...before, cursor: undefined, [name]: value }) });
  return (
    <AdminFrame
      title={TITLE}
      about="Every administrative action, by whom, and from where. Nobody can change or remove an entry."
      actions={<CsvButton file="audit-log.csv" columns={CSV_COLUMNS} read={readAll} />}
    >
      <Panel
        title={cursor === undefined ? 'Newest actions' : 'Older actions'}
        aside={
          <>
            <Filter label="Action" placeholder="key.create" value={action} onChange={filterBy('action')} />
            <Filter label="What" placeholder="id or address" value={target} onChange={filterBy('target')} />
          </>
        }
        flush
      >
        {error ? (
          <LoadingFailed error={error} what="the audit log" retry={refetch} />
        ) : !data ? (
          <Loading what="the audit log" lines={10} />
        ) : data.items.length === 0 ? (
          <Notice icon="jobs" title={action || target ? 'No action fits' : 'No action yet'}>
            {action || target
              ? 'Clear a filter to see more.'
              : 'Creating a key, for example, is listed here.'}
          </Notice>
        ) : (
          <>
            <DataTable
              caption="Administrative actions, newest first"
              columns={COLUMNS}
              rows={data.items}
              rowKey={({ id }) => String(id)}
            />
            <Pager
              cursor={cursor}
              next={data.cursor}
              count={data.items.length}
              noun="actions"
              json={{ value: data.items, path: pathOf('/v1/audit-log', query) }}
            />
          </>
        )}
      </Panel>
    </AdminFrame>
  );
}
