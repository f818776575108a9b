import type { Batch } from '@aitbc/sdk';
import { Status, type Tone } from '../../components/status/status.tsx';

const TONES: Record<Batch['status'], Tone> = {
  validating: 'waiting',
  in_progress: 'waiting',
  finalizing: 'waiting',
  cancelling: 'waiting',
  completed: 'good',
  failed: 'bad',
  expired: 'bad',
  cancelled: 'quiet',
};

/** The status of a batch, in a word. */
export const BatchStatusMark = ({ status }: { status: Batch['status'] }) => (
  <Status tone={TONES[status]}>{status.replace('_', ' ')}</Status>
);

/** Whether a batch may still change. */
export const isOpenBatch = ({ status }: Batch) => TONES[status] === 'waiting';
