import type { Miner } from '@aitbc/sdk';
import { Status } from '../../components/status/status.tsx';

/** What a miner is doing, in a word. */
export function MinerStateMark({
  miner: { status, reputation, running },
}: {
  miner: Pick<Miner, 'status' | 'reputation' | 'running'>;
}) {
  if (reputation.suspended_at !== null) return <Status tone="bad">suspended</Status>;
  if (status === 'offline') return <Status tone="quiet">offline</Status>;
  if (status === 'draining') return <Status tone="waiting">draining</Status>;
  return <Status tone="good">{running > 0 ? 'working' : 'ready'}</Status>;
}
