import type { MinerEvidence } from '@aitbc/sdk';
import { Link } from '@tanstack/react-router';
import type { TableColumn } from '../../components/data-table/data-table.tsx';
import { Id } from '../../components/id/id.tsx';
import { Time } from '../../components/time/time.tsx';
import { formatCount } from '../../format/numbers.ts';
import { formatEvidence, JudgementMark } from './judgement.tsx';

/** A record of each passport of a miner. */
export const EVIDENCE_COLUMNS: readonly TableColumn<MinerEvidence>[] = [
  {
    id: 'miner',
    header: 'Miner',
    cell: ({ miner_id }) => (
      <Link to="/miners/$id" params={{ id: miner_id }}>
        {miner_id}
      </Link>
    ),
  },
  { id: 'model', header: 'Model', from: 'sm', cell: ({ model }) => model },
  { id: 'judgement', header: 'Judgement', cell: ({ judgement }) => <JudgementMark judgement={judgement} /> },
  { id: 'value', header: 'E-value', align: 'end', cell: ({ e_value }) => formatEvidence(e_value) },
  {
    id: 'answers',
    header: 'Answers',
    align: 'end',
    from: 'sm',
    cell: ({ answers, miner_id }) => (
      <Link
        to="/verifications"
        search={{ miner: miner_id }}
        aria-label={`${formatCount(answers)} verified answers of ${miner_id}`}
      >
        {formatCount(answers)}
      </Link>
    ),
  },
  {
    id: 'alone',
    header: 'Accused alone',
    align: 'end',
    from: 'md',
    cell: ({ accused }) => formatCount(accused),
  },
  { id: 'tokens', header: 'Tokens', align: 'end', from: 'md', cell: ({ tokens }) => formatCount(tokens) },
  {
    id: 'passport',
    header: 'Passport',
    from: 'lg',
    cell: ({ passport }) => <Id value={passport} what="digest of the passport" />,
  },
  {
    id: 'updated',
    header: 'Changed',
    align: 'end',
    from: 'lg',
    cell: ({ updated_at }) => <Time at={updated_at} />,
  },
];
