import type { ModelAbilities } from '@aitbc/protocol';
import { LRUCache } from 'lru-cache';
import type { ReadyQueue, StoreEvent } from '../store/events.ts';
import type { Row } from '../store/schema.ts';
import {
  type Abilities,
  abilitiesOf,
  mismatch,
  NEEDS,
  type Need,
  nameOf,
  namesIn,
  needsIn,
} from './eligibility.ts';
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
  /** Live miners that offer the model, whether they could run it or not. */
  offering: number;
  /** What each of those lacks for it; empty where none is there, one can, or each lacks something else. */
  lacks: readonly Lack[];
  /** Why nobody can, when nobody can. */
  reason: string | null;
}

/** What a queue demands and a miner may not have. */
export type Lack = Need | 'context_length' | 'region' | 'min_vram_gb';

/** The miners that take jobs now, kept in memory from committed changes: answers what would need a scan. */
export interface Directory {
  apply(events: readonly StoreEvent[]): void;
  /** Starts over, from the miners that `read` finds online; what is told of meanwhile counts more. */
  reset(read: () => Promise<readonly Row<'miner'>[]>): Promise<void>;
  reach(queue: ReadyQueue): Reach;
  /** Whether the results of a live miner are all to be compared. */
  isOnProbation(minerId: string): boolean;
  /** The models that live miners offer, by name; or the one of this name. */
  models(name?: string): Offer[];
  /** Whether a live miner offers the model. */
  offers(model: string): boolean;
  /** When the last live miner that offered the model was gone; undefined where that is not known. */
  leftAt(model: string): number | undefined;
  /** Notes which models miners offered that are away, and when they were last heard of. */
  remember(away: readonly Pick<Row<'miner'>, 'capabilities' | 'last_seen_at'>[]): void;
}

export interface Offer {
  model: string;
  miners: number;
  /** Of them, those that have it in memory. */
  loaded: number;
  /** Jobs that they run at once. */
  slots: number;
  abilities: OfferedAbilities;
}

/** What a model can do at the miners that offer it, as far as they told: by ability how many can, and how many can't. */
export type OfferedAbilities = Record<Need, { able: number; unable: number }> & {
  /** Tokens of prompt and answer, the least and the most that one told; null where none did. */
  context_length: { least: number; most: number } | null;
};

/** Clients name what they need as they like: only so many answers are kept. */
const KEPT_REACHES = 1_000;

/** Models that nobody offers any more are named by miners as they like: only so many are remembered. */
const KEPT_MODELS = 10_000;

/** Empty until it is reset. */
export function createDirectory(now: () => number): Directory {
  const byModel = new Map<string, Map<string, LiveMiner>>();
  const models = new Map<string, ReadonlySet<string>>();
  const onProbation = new Set<string>();
  const reaches = new LRUCache<string, Reach>({ max: KEPT_REACHES });
  const left = new LRUCache<string, number>({ max: KEPT_MODELS });
  /** For each reset under way the miners that were told of since it began. */
  const resets = new Set<Set<string>>();
  let begun = 0;
  let done = 0;

  function remove(id: string) {
    for (const model of models.get(id) ?? []) {
      const offering = byModel.get(model);
      offering?.delete(id);
      if (offering?.size !== 0) continue;
      byModel.delete(model);
      left.set(model, now());
    }
    models.delete(id);
    onProbation.delete(id);
  }

  function put(row: Row<'miner'>) {
    remove(row.id);
    reaches.clear();
    if (!takesJobs(row)) return;
    if (row.probation === 1) onProbation.add(row.id);
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
    offers: model => byModel.has(model),
    leftAt: model => left.get(model),
    remember(away) {
      for (const { capabilities, last_seen_at } of away)
        for (const model of namesIn(capabilities))
          left.set(model, Math.max(last_seen_at, left.get(model) ?? 0));
    },
    reach(queue) {
      const key = nameOf(queue);
      const reach = reaches.get(key) ?? measure(queue, [...(byModel.get(queue.model)?.values() ?? [])]);
      reaches.set(key, reach);
      return reach;
    },
    isOnProbation: minerId => onProbation.has(minerId),
    models(name) {
      const names = name === undefined ? [...byModel.keys()].sort() : byModel.has(name) ? [name] : [];
      return names.map(model => offerOf(model, [...(byModel.get(model)?.values() ?? [])]));
    },
  };
}

function offerOf(model: string, offering: readonly LiveMiner[]): Offer {
  const loaded = offering.filter(miner => miner.loaded?.has(model)).length;
  const abilities = combine(offering.map(({ models }) => models?.get(model) ?? {}));
  return { model, miners: offering.length, loaded, slots: slotsOf(offering), abilities };
}

function combine(told: readonly ModelAbilities[]): OfferedAbilities {
  const count = (need: Need, can: boolean) => told.filter(abilities => abilities[need] === can).length;
  const counts = NEEDS.map(need => [need, { able: count(need, true), unable: count(need, false) }]);
  const lengths = told.flatMap(({ context_length }) => context_length ?? []);
  const context_length =
    lengths.length === 0
      ? null
      : {
          least: lengths.reduce((a, b) => Math.min(a, b)),
          most: lengths.reduce((a, b) => Math.max(a, b)),
        };
  return { ...(Object.fromEntries(counts) as Omit<OfferedAbilities, 'context_length'>), context_length };
}

const slotsOf = (miners: readonly LiveMiner[]) => miners.reduce((sum, miner) => sum + miner.slots, 0);

function measure(queue: ReadyQueue, offering: readonly LiveMiner[]): Reach {
  const able = offering.filter(miner => mismatch(queue, miner) === null);
  return {
    miners: able.length,
    slots: slotsOf(able),
    operators: new Set(able.map(miner => miner.operator)).size,
    offering: offering.length,
    lacks: able.length > 0 || offering.length === 0 ? [] : lackedByAll(queue, offering),
    reason: able.length > 0 ? null : explain(queue, offering),
  };
}

/** What the queue demands, each as a queue that demands only that. */
function demandsOf(queue: ReadyQueue): [Lack, ReadyQueue][] {
  const none = { model: queue.model, region: '', min_vram_gb: 0, needs: '', min_context: 0 };
  const { region, min_vram_gb, min_context } = queue;
  return [
    ...needsIn(queue).map((need): [Lack, ReadyQueue] => [need, { ...none, needs: need }]),
    ...(min_context > 0 ? [['context_length', { ...none, min_context }] as [Lack, ReadyQueue]] : []),
    ...(min_vram_gb > 0 ? [['min_vram_gb', { ...none, min_vram_gb }] as [Lack, ReadyQueue]] : []),
    ...(region !== '' ? [['region', { ...none, region }] as [Lack, ReadyQueue]] : []),
  ];
}

const lackedByAll = (queue: ReadyQueue, offering: readonly LiveMiner[]): Lack[] =>
  demandsOf(queue)
    .filter(([, alone]) => offering.every(miner => mismatch(alone, miner) !== null))
    .map(([lack]) => lack);

function explain(queue: ReadyQueue, offering: readonly LiveMiner[]): string {
  if (offering.length === 0) return `No live miner offers the model ${queue.model}.`;
  const lacked = lackedByAll(queue, offering);
  // Where each lacks something else, all of it together is what none has.
  const named = lacked.length > 0 ? lacked : demandsOf(queue).map(([lack]) => lack);
  const has = offering.length === 1 ? '1 live miner offers' : `${offering.length} live miners offer`;
  return `${has} the model ${queue.model}, but none ${wordsFor(named, queue)}.`;
}

const DOES: Record<Need, string> = {
  embeddings: 'embeds texts',
  images: 'takes images',
  json_schema: 'holds answers to a JSON schema',
  text: 'writes texts',
  tools: 'calls tools',
};

function wordsFor(lacks: readonly Lack[], { min_context, min_vram_gb, region }: ReadyQueue): string {
  const does = lacks.flatMap(lack => DOES[lack as Need] ?? []);
  const things: Partial<Record<Lack, string>> = {
    context_length: `a context of ${min_context} tokens`,
    min_vram_gb: `${min_vram_gb} GB of GPU memory`,
    region: `region ${region}`,
  };
  const has = lacks.flatMap(lack => things[lack] ?? []);
  if (has.length === 0) return does.join(' and ');
  return [...does, `${does.length > 0 ? 'has' : 'with'} ${has.join(' and ')}`].join(' and ');
}
