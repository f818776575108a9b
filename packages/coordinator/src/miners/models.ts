import type { Store } from '../store/store.ts';
import type { Directory, Offer } from './directory.ts';
import { averageSpeeds, type ModelSpeed } from './queries.ts';

/** A model that live miners offer. */
export type ModelSummary = ModelSpeed & Offer;

/** The models that can be run now. */
export interface ModelDirectory {
  /** Returns the models by name. */
  list(): Promise<ModelSummary[]>;
  get(model: string): Promise<ModelSummary | undefined>;
  /** Whether a live miner offers the model. */
  has(model: string): boolean;
  /** Whether a live miner offered the model within the last `memoryMs`. */
  wasThere(model: string): boolean;
}

export interface ModelDirectoryOptions {
  store: Store;
  directory: Directory;
  now: () => number;
  /** How long a model is remembered after its last miner left. */
  memoryMs: number;
}

/** The averages are computed over all live miners, so they are cached this long. */
const CACHE_MS = 5_000;

export function createModelDirectory({
  store,
  directory,
  now,
  memoryMs,
}: ModelDirectoryOptions): ModelDirectory {
  let speeds: Promise<ReadonlyMap<string, ModelSpeed>> | undefined;
  let readAt = 0;

  async function readSpeeds() {
    const rows = await averageSpeeds(store.read);
    return new Map(rows.map(row => [row.model, row]));
  }

  function currentSpeeds(): Promise<ReadonlyMap<string, ModelSpeed>> {
    if (speeds && Math.abs(now() - readAt) < CACHE_MS) return speeds;
    readAt = now();
    const reading = readSpeeds();
    speeds = reading;
    reading.catch(() => {
      if (speeds === reading) speeds = undefined;
    });
    return reading;
  }

  async function describe(offers: ReturnType<Directory['models']>): Promise<ModelSummary[]> {
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
    has: model => directory.offers(model),
    wasThere: model => now() - (directory.leftAt(model) ?? -Infinity) < memoryMs,
  };
}
