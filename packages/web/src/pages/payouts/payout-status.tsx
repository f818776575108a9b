import type { PayoutStatus, TrackedPayout } from '@aitbc/sdk';
import { Status, type Tone } from '../../components/status/status.tsx';

const TONES: Record<PayoutStatus, Tone> = {
  unanswered: 'waiting',
  confirmed: 'good',
  disputed: 'bad',
  withdrawn: 'quiet',
};

/** What became of a payout, with the reason that was given last on hover. */
export const PayoutStatusMark = ({ payout: { status, updates } }: { payout: TrackedPayout }) => (
  <span title={updates.at(-1)?.metadata.reason}>
    <Status tone={TONES[status]}>{status}</Status>
  </span>
);

/** The choices of a list that is filtered by status. */
export const PAYOUT_STATES = [
  ['', 'All'],
  ...Object.keys(TONES).map(status => [status, status] as const),
] as const;

export const isPayoutStatus = (status: string | undefined): status is PayoutStatus =>
  status !== undefined && status in TONES;
