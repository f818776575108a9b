import { LRUCache } from 'lru-cache';
import type { ReadyQueue, StoreEvent } from '../store/events.ts';
import type { Row } from '../store/schema.ts';
import { type Abilities, abilitiesOf, mismatch } from './eligibility.ts';
import { takesJobs } from './reputation.ts';

interface LiveMiner extends Abilities {
  operator: number;
  slots: number;
}

/** How many live miners could run a queue's jobs, and how many at once. */
export interface Reach {
  miners: number;
  slots: number;
  /** Whose they are, of how many. */
  operators: number;
  /** Why nobody can, when nobody can. */
  reason: string | null;
}

/** The miners that take jobs now, kept in memory from committed changes: answers what would need a scan. */
export interface Directory {
  apply(events: readonly StoreEvent[]): void;
  /** Starts over, from the miners that `read` finds online; what is told of meanwhile counts more. */
  reset(read: () => Promise<readonly Row<'miner'>[]>): Promise<void>;
  reach(queue: ReadyQueue): Reach;
  /** The models that live miners offer, by name; or the one of this name. */
  models(name?: string): Offer[];
}

export interface Offer {
  model: string;
  miners: number;
  /** Of them, those that have it in memory. */
  loaded: number;
  /** Jobs that they run at once. */
  slots: number;
}

/** Clients name what they need as they like: only so many answers are kept. */
const KEPT_REACHES = 1_000;

/** Empty until it is reset. */
export function createDirectory(): Directory {
  const byModel = new Map<string, Map<string, LiveMiner>>();
  const models = new Map<string, ReadonlySet<string>>();
  const reaches = new LRUCache<string, Reach>({ max: KEPT_REACHES });
  /** For each reset under way the miners that were told of since it began. */
  const resets = new Set<Set<string>>();
  let begun = 0;
  let done = 0;

  function remove(id: string) {
    for (const model of models.get(id) ?? []) {
      const offering = byModel.get(model);
      offering?.delete(id);
      if (offering?.size === 0) byModel.delete(model);
    }
    models.delete(id);
  }

  function put(row: Row<'miner'>) {
    remove(row.id);
    reaches.clear();
    if (!takesJobs(row)) return;
    const miner = { ...abilitiesOf(row), operator: row.operator_id, slots: row.concurrency ?? 1 };
    models.set(row.id, miner.capabilities);
    for (const model of miner.capabilities) {
      const offering = byModel.get(model) ?? new Map<string, LiveMiner>();
      byModel.set(model, offering.set(row.id, miner));
    }
  }

  return {
    apply(events) {
      for (const event of events) {
        if (event.type !== 'miner.changed') continue;
        for (const told of resets) told.add(event.miner.id);
        put(event.miner);
      }
    },
    async reset(read) {
      const number = ++begun;
      const told = new Set<string>();
      resets.add(told);
      const online = await read().finally(() => resets.delete(told));
      // One that began later has read what is newer.
      if (number < done) return;
      done = number;
      for (const id of [...models.keys()]) if (!told.has(id)) remove(id);
      reaches.clear();
      for (const row of online) if (!told.has(row.id)) put(row);
    },
    reach(queue) {
      const key = JSON.stringify([queue.model, queue.region, queue.min_vram_gb]);
      const reach = reaches.get(key) ?? measure(queue, [...(byModel.get(queue.model)?.values() ?? [])]);
      reaches.set(key, reach);
      return reach;
    },
    models(name) {
      const names = name === undefined ? [...byModel.keys()].sort() : byModel.has(name) ? [name] : [];
      return names.map(model => offerOf(model, [...(byModel.get(model)?.values() ?? [])]));
    },
  };
}

function offerOf(model: string, offering: readonly LiveMiner[]): Offer {
  const loaded = offering.filter(miner => miner.loaded?.has(model)).length;
  return { model, miners: offering.length, loaded, slots: slotsOf(offering) };
}

const slotsOf = (miners: readonly LiveMiner[]) => miners.reduce((sum, miner) => sum + miner.slots, 0);

function measure(queue: ReadyQueue, offering: readonly LiveMiner[]): Reach {
  const able = offering.filter(miner => mismatch(queue, miner) === null);
  return {
    miners: able.length,
    slots: slotsOf(able),
    operators: new Set(able.map(miner => miner.operator)).size,
    reason: able.length > 0 ? null : explain(queue, offering),
  };
}

function explain(queue: ReadyQueue, offering: readonly LiveMiner[]): string {
  if (offering.length === 0) return `No live miner offers the model ${queue.model}.`;
  const needs = [
    ...(queue.min_vram_gb > 0 ? [`${queue.min_vram_gb} GB of GPU memory`] : []),
    ...(queue.region !== '' ? [`region ${queue.region}`] : []),
  ];
  const has = offering.length === 1 ? '1 live miner offers' : `${offering.length} live miners offer`;
  return `${has} the model ${queue.model}, but none with ${needs.join(' and ')}.`;
}
