import type { Store } from '../store/store.ts';
import type { Directory } from './directory.ts';
import { averageSpeeds, type ModelSpeed } from './queries.ts';

/** A model that live miners offer. */
export interface OfferedModel extends ModelSpeed {
  miners: number;
  /** Of them, those that have it in memory. */
  loaded: number;
  /** Jobs that they run at once. */
  slots: number;
}

/** The models that can be run now. */
export interface ModelDirectory {
  /** By name. */
  list(): Promise<OfferedModel[]>;
  get(model: string): Promise<OfferedModel | undefined>;
  /** Whether a live miner offers it. */
  has(model: string): boolean;
}

export interface ModelDirectoryOptions {
  store: Store;
  directory: Directory;
  now: () => number;
}

/** Averages are over all live miners, so they are kept for so long. */
const KEPT_MS = 5_000;

export function createModelDirectory({ store, directory, now }: ModelDirectoryOptions): ModelDirectory {
  let speeds: Promise<ReadonlyMap<string, ModelSpeed>> | undefined;
  let readAt = 0;

  async function readSpeeds() {
    const rows = await averageSpeeds(store.read);
    return new Map(rows.map(row => [row.model, row]));
  }

  function currentSpeeds(): Promise<ReadonlyMap<string, ModelSpeed>> {
    if (speeds && Math.abs(now() - readAt) < KEPT_MS) return speeds;
    readAt = now();
    const reading = readSpeeds();
    speeds = reading;
    reading.catch(() => {
      if (speeds === reading) speeds = undefined;
    });
    return reading;
  }

  async function describe(offers: ReturnType<Directory['models']>): Promise<OfferedModel[]> {
    if (offers.length === 0) return [];
    const known = await currentSpeeds();
    return offers.map(offer => {
      const { first_token_ms = null, tokens_per_second = null } = known.get(offer.model) ?? {};
      return { ...offer, first_token_ms, tokens_per_second };
    });
  }

  return {
    async list() {
      return await describe(directory.models());
    },
    async get(model) {
      const [found] = await describe(directory.models(model));
      return found;
    },
    has: model => directory.models(model).length > 0,
  };
}
