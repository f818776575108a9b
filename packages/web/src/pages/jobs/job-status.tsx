import type { JobStatus } from '@aitbc/sdk';
import { Status, type Tone } from '../../components/status/status.tsx';

const TONES: Record<JobStatus, Tone> = {
  pending: 'waiting',
  running: 'waiting',
  completed: 'good',
  failed: 'bad',
  cancelled: 'quiet',
};

/** The status of a job, in a word. */
export const JobStatusMark = ({ status }: { status: JobStatus }) => (
  <Status tone={TONES[status]}>{status}</Status>
);

/** Whether a job may still change. */
export const isUnfinished = (status: JobStatus) => status === 'pending' || status === 'running';
