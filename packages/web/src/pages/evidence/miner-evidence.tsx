import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { DataTable } from '../../components/data-table/data-table.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { LoadingFailed } from '../../components/states/states.tsx';
import { EVIDENCE_COLUMNS } from './evidence-columns.tsx';

const COLUMNS = [
  {
    id: 'model',
    header: 'Model',
    cell: ({ model, miner_id }: { model: string; miner_id: string }) => (
      <Link to="/verifications" search={{ miner: miner_id }}>
        {model}
      </Link>
    ),
  },
  ...EVIDENCE_COLUMNS.filter(({ id }) => !['miner', 'model'].includes(id)),
];

/** What verified answers say of each passport of a miner. It is not there before there are some. */
export function MinerEvidencePanel({ id }: { id: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['evidence', 'of', id],
    queryFn: ({ signal }) => publicClient.evidence.list({ miner: id, limit: 50 }, { signal }).page(),
    meta: { live: 'slow' },
  });
  if (!error && (data === undefined || data.items.length === 0)) return null;
  return (
    <Panel title="Evidence of its models" aside={<Link to="/evidence">What this says</Link>} flush>
      {data ? (
        <DataTable
          caption="Evidence by passport of this miner"
          columns={COLUMNS}
          rows={data.items}
          rowKey={({ passport }) => passport}
        />
      ) : (
        <LoadingFailed error={error} what="the evidence" retry={refetch} />
      )}
    </Panel>
  );
}
