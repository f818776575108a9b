import type { ModelQueue } from '@aitbc/sdk';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { Time } from '../../components/time/time.tsx';
import { formatCount } from '../../format/numbers.ts';

const COLUMNS: readonly TableColumn<ModelQueue>[] = [
  { id: 'model', header: 'Model', cell: ({ model }) => model },
  { id: 'pending', header: 'Waiting', align: 'end', cell: ({ pending }) => formatCount(pending) },
  { id: 'running', header: 'Running', align: 'end', cell: ({ running }) => formatCount(running) },
  {
    id: 'since',
    header: 'Next since',
    align: 'end',
    from: 'sm',
    cell: ({ waiting_since }) => (waiting_since === null ? '–' : <Time at={waiting_since} />),
  },
  {
    id: 'miners',
    header: 'Miners',
    align: 'end',
    cell: ({ miners }) => (miners === 0 ? <Status tone="bad">none</Status> : formatCount(miners)),
  },
];

/** The models that jobs wait for. */
export const Queues = ({ queues }: { queues: readonly ModelQueue[] }) => (
  <Panel title="Queues" flush>
    {queues.length === 0 ? (
      <Notice icon="check" title="Nothing waits">
        Every job that was submitted has begun.
      </Notice>
    ) : (
      <DataTable
        caption="Queues by model, longest first"
        columns={COLUMNS}
        rows={queues}
        rowKey={({ model }) => model}
      />
    )}
  </Panel>
);
