import type { Overview } from '@aitbc/sdk';
import { Status } from '../../components/status/status.tsx';

/** How the network is doing, in a few words. */
export function NetworkState({ overview: { miners, queues } }: { overview: Overview }) {
  const unserved = queues.filter(({ miners, pending }) => miners === 0 && pending > 0);
  if (miners.taking_jobs === 0) return <Status tone="bad">no miner takes jobs now</Status>;
  if (unserved.length === 0) return <Status tone="good">all models that jobs wait for have miners</Status>;
  const [first] = unserved;
  return (
    <Status tone="bad">
      {unserved.length === 1
        ? `nobody offers ${first?.model}, which jobs wait for`
        : `nobody offers ${unserved.length} models that jobs wait for`}
    </Status>
  );
}
