import { generateSigner } from '@aitbc/receipts';
import { onTestFinished } from 'vitest';
import { type MinerEvent, type MinerOptions, type RunningMiner, startMiner } from '../src/index.ts';

type Name = MinerEvent['event'];
type EventOf<N extends Name> = Extract<MinerEvent, { event: N }>;

export interface Mining extends RunningMiner {
  events: MinerEvent[];
  /** Resolves with the event of this name, by default the first. */
  when<N extends Name>(name: N, nth?: number): Promise<EventOf<N>>;
}

/** Starts a miner that stops with the test and retries quickly. */
export async function mine(
  options: Pick<MinerOptions, 'client' | 'backend'> & Partial<MinerOptions>,
): Promise<Mining> {
  const record = recorder();
  const identity = { minerId: `miner-${crypto.randomUUID()}`, signer: await generateSigner() };
  const backoff = { first: 5, longest: 20 };
  const miner = await startMiner({ identity, backoff, ...options, onEvent: record.onEvent });
  onTestFinished(() => miner.quit().catch(() => {}));
  return { ...miner, ...record };
}

function recorder() {
  const events: MinerEvent[] = [];
  const awaited = new Set<() => void>();
  return {
    events,
    onEvent(event: MinerEvent) {
      events.push(event);
      for (const look of awaited) look();
    },
    when<N extends Name>(name: N, nth = 1): Promise<EventOf<N>> {
      return new Promise(resolve => {
        const look = () => {
          const found = events.filter((event): event is EventOf<N> => event.event === name)[nth - 1];
          if (!found) return;
          awaited.delete(look);
          resolve(found);
        };
        awaited.add(look);
        look();
      });
    },
  };
}
