import type { ReadyQueue } from '../store/events.ts';
import type { Row } from '../store/schema.ts';
import { nominalGb } from './vram.ts';

/** What decides which jobs a miner can run. */
export interface Abilities {
  capabilities: ReadonlySet<string>;
  region: string | null;
  vram_gb: number | null;
  /** Models that it has in memory; null where it does not say. */
  loaded: ReadonlySet<string> | null;
  /** It gets no jobs for its reputation. */
  suspended: boolean;
}

export function abilitiesOf({
  capabilities,
  region,
  vram_gb,
  loaded,
  suspended_at,
}: Pick<Row<'miner'>, 'capabilities' | 'region' | 'vram_gb' | 'loaded' | 'suspended_at'>): Abilities {
  return {
    capabilities: namesIn(capabilities),
    region,
    // Of miners that registered with an earlier version, it is as they measured it.
    vram_gb: vram_gb === null ? null : nominalGb(vram_gb),
    loaded: loaded === null ? null : namesIn(loaded),
    suspended: suspended_at !== null,
  };
}

const namesIn = (json: string): ReadonlySet<string> => new Set(JSON.parse(json) as string[]);

/** Whether it could begin at once: a model that is not in memory is loaded first. Taken for granted of who does not say. */
export const isLoaded = (model: string, { loaded }: Abilities) => loaded === null || loaded.has(model);

/** Why a miner can't run a queue's jobs, or null when it can. */
export function mismatch(queue: ReadyQueue, miner: Abilities): string | null {
  if (miner.suspended) return SUSPENDED;
  if (!miner.capabilities.has(queue.model)) return `It does not offer the model ${queue.model}.`;
  if (queue.min_vram_gb > 0 && (miner.vram_gb ?? 0) < queue.min_vram_gb) {
    const has = miner.vram_gb === null ? 'none is registered' : `${miner.vram_gb} GB are registered`;
    return `The job needs ${queue.min_vram_gb} GB of GPU memory, ${has}.`;
  }
  if (queue.region !== '' && miner.region !== queue.region) {
    const is = miner.region === null ? 'none is registered' : `${miner.region} is registered`;
    return `The job must run in region ${queue.region}, ${is}.`;
  }
  return null;
}

/** What a miner is told that gets nothing for its reputation. */
export const SUSPENDED = 'It is suspended for its reputation until an administrator reinstates it.';
