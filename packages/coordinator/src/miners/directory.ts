import { LIMITS, type ModelAbilities, type ModelPassport } from '@aitbc/protocol';
import { LRUCache } from 'lru-cache';
import type { ReadyQueue, StoreEvent } from '../store/events.ts';
import type { Row } from '../store/schema.ts';
import { isPreferred } from './chosen-miners.ts';
import {
  type Abilities,
  abilitiesOf,
  mismatch,
  NEEDS,
  type Need,
  needsIn,
  parseNames,
  requirementsKey,
} from './eligibility.ts';
import { demandText, NO_PASSPORT } from './passports.ts';
import type { AwayMiner } from './queries.ts';
import { takesJobs } from './reputation.ts';
import { createRoster, type Roster } from './roster.ts';

interface LiveMiner extends Abilities {
  operator: number;
  slots: number;
}

/** How many live miners can run the jobs of a queue, and how many jobs at once. */
export interface Reach {
  miners: number;
  slots: number;
  /** How many operators these miners belong to. */
  operators: number;
  /** The number of live miners that offer the model, whether or not they can run these jobs. */
  offering: number;
  /**
   * The requirements that none of those miners meets. Empty if a miner can run the jobs, if no miner offers the model,
   * or if no single requirement excludes all of them.
   */
  lacks: readonly Lack[];
  /** Why no miner can run the jobs, or null if one can. */
  reason: string | null;
}

/** A requirement of a queue that a miner may not meet. */
type Lack = Need | 'context_length' | 'region' | 'min_vram_gb' | 'miners' | 'passport_demand';

/** The miners that take jobs now. It is kept in memory from commits, and answers questions that would need a scan. */
export interface Directory {
  apply(events: readonly StoreEvent[]): void;
  /** Replaces the miners that are online or draining with those that `read` returns. Commits that arrive during the read take precedence. */
  reset(read: () => Promise<readonly Row<'miner'>[]>): Promise<void>;
  reach(queue: ReadyQueue): Reach;
  /**
   * Returns the ids of live miners that can run the jobs of a queue and go first: those that the client prefers, then
   * those that the account `operator` operates.
   */
  preferred(queue: ReadyQueue, operator: number | undefined): string[];
  /**
   * Returns the digest of the passport that most operators have among the live miners that can run the jobs of a queue:
   * empty if most have none, null without such miners.
   */
  commonPassport(queue: ReadyQueue): string | null;
  /** Whether this live miner can run the jobs of a queue. */
  canRun(minerId: string, queue: ReadyQueue): boolean;
  /** Whether every result of this miner must be compared with another one's. */
  isOnProbation(minerId: string): boolean;
  /** Returns the models that live miners offer, by name, or only the given one. */
  models(name?: string): Offer[];
  offers(model: string): boolean;
  /** Returns the ids of the live miners that offer the model, in order: the first `limit` after this one. */
  offering(model: string, after: string, limit: number): string[];
  /** Returns how many miners take jobs now, and how many jobs they run at once. */
  capacity(): { miners: number; slots: number };
  /** When the last live miner that offered the model left, in Unix milliseconds. Undefined if that is not known. */
  leftAt(model: string): number | undefined;
  /** Remembers the models that absent miners offered, and when each miner was last seen. */
  remember(away: readonly AwayMiner[]): void;
  readonly roster: Pick<Roster, 'counts'>;
}

export interface Offer {
  model: string;
  miners: number;
  /** How many of these miners have the model in memory. */
  loaded: number;
  /** How many jobs these miners run at once. */
  slots: number;
  abilities: OfferedAbilities;
  /** The passports of the model at these miners, the most frequent ones first. */
  passports: ModelPassport[];
}

/**
 * What the miners report that a model can do: for each ability, how many miners have it and how many lack it.
 */
export type OfferedAbilities = Record<Need, { able: number; unable: number }> & {
  /** The smallest and the largest context length reported, in tokens, or null if no miner reported one. */
  context_length: { least: number; most: number } | null;
};

/** Clients choose the requirements, so the number of cached answers is limited. */
const MAX_CACHED_REACHES = 1_000;

/** The most miners among which one that is free is looked for. */
const MAX_PREFERRED = 32;

/** Miners choose the names of models, so the number of remembered names is limited. */
const MAX_REMEMBERED_MODELS = 10_000;

/**
 * Creates an empty directory. It has no miners until `reset`.
 *
 * @param memoryMs how long the roster keeps miners that are offline
 */
export function createDirectory(now: () => number, memoryMs: number): Directory {
  const roster = createRoster(now, memoryMs);
  const byModel = new Map<string, Map<string, LiveMiner>>();
  const models = new Map<string, ReadonlySet<string>>();
  const onProbation = new Set<string>();
  const slots = new Map<string, number>();
  const operators = new Map<string, number>();
  /** The live miners of each operator. */
  const byOperator = new Map<number, Set<string>>();
  const reaches = new LRUCache<string, Reach>({ max: MAX_CACHED_REACHES });
  const left = new LRUCache<string, number>({ max: MAX_REMEMBERED_MODELS });
  /** For each running reset: the ids of the miners that changed since it began. */
  const resets = new Set<Set<string>>();
  let lastStarted = 0;
  let lastFinished = 0;

  function remove(id: string) {
    for (const model of models.get(id) ?? []) {
      const offering = byModel.get(model);
      offering?.delete(id);
      if (offering?.size !== 0) continue;
      byModel.delete(model);
      left.set(model, now());
    }
    models.delete(id);
    slots.delete(id);
    const operator = operators.get(id);
    if (operator !== undefined) {
      const own = byOperator.get(operator);
      own?.delete(id);
      if (own?.size === 0) byOperator.delete(operator);
      operators.delete(id);
    }
    onProbation.delete(id);
  }

  function put(row: Row<'miner'>) {
    remove(row.id);
    roster.put(row);
    reaches.clear();
    if (!takesJobs(row)) return;
    if (row.probation === 1) onProbation.add(row.id);
    const miner = { ...abilitiesOf(row), operator: row.operator_id, slots: row.concurrency ?? 1 };
    models.set(row.id, miner.capabilities);
    slots.set(row.id, miner.slots);
    operators.set(row.id, row.operator_id);
    byOperator.set(row.operator_id, (byOperator.get(row.operator_id) ?? new Set()).add(row.id));
    for (const model of miner.capabilities) {
      const offering = byModel.get(model) ?? new Map<string, LiveMiner>();
      byModel.set(model, offering.set(row.id, miner));
    }
  }

  return {
    apply(events) {
      for (const event of events) {
        if (event.type !== 'miner.changed') continue;
        for (const changed of resets) changed.add(event.miner.id);
        put(event.miner);
      }
    },
    async reset(read) {
      const number = ++lastStarted;
      const changed = new Set<string>();
      resets.add(changed);
      const present = await read().finally(() => resets.delete(changed));
      // A reset that began later has read newer rows.
      if (number < lastFinished) return;
      lastFinished = number;
      for (const id of [...models.keys()]) if (!changed.has(id)) remove(id);
      roster.removePresent(changed);
      reaches.clear();
      for (const row of present) if (!changed.has(row.id)) put(row);
    },
    offers: model => byModel.has(model),
    offering: (model, after, limit) =>
      [...(byModel.get(model)?.keys() ?? [])]
        .filter(id => id > after)
        .sort()
        .slice(0, limit),
    capacity: () => ({ miners: slots.size, slots: slots.values().reduce((sum, own) => sum + own, 0) }),
    leftAt: model => left.get(model),
    remember(away) {
      for (const miner of away) {
        const { capabilities, last_seen_at } = miner;
        roster.put(miner);
        for (const model of parseNames(capabilities))
          left.set(model, Math.max(last_seen_at, left.get(model) ?? 0));
      }
    },
    roster,
    reach(queue) {
      const key = requirementsKey(queue);
      const reach = reaches.get(key) ?? measureReach(queue, [...(byModel.get(queue.model)?.values() ?? [])]);
      reaches.set(key, reach);
      return reach;
    },
    preferred(queue, operator) {
      const own = operator === undefined ? undefined : byOperator.get(operator);
      if (!own && !queue.miners.includes('"first"')) return [];
      const offering = byModel.get(queue.model);
      if (!offering) return [];
      const ids: string[] = [];
      if (queue.miners.includes('"first"'))
        for (const [id, miner] of offering) {
          if (ids.length >= MAX_PREFERRED) break;
          if (isPreferred(queue.miners, miner) && mismatch(queue, miner) === null) ids.push(id);
        }
      for (const id of own ?? []) {
        if (ids.length >= MAX_PREFERRED) break;
        const miner = offering.get(id);
        if (miner && !ids.includes(id) && mismatch(queue, miner) === null) ids.push(id);
      }
      return ids;
    },
    commonPassport(queue) {
      const operatorsOf = new Map<string, Set<number>>();
      for (const miner of byModel.get(queue.model)?.values() ?? []) {
        if (mismatch(queue, miner) !== null) continue;
        const digest = miner.passports.get(queue.model)?.digest ?? NO_PASSPORT;
        operatorsOf.set(digest, (operatorsOf.get(digest) ?? new Set()).add(miner.operator));
      }
      const [most] = [...operatorsOf].sort(([, a], [, b]) => b.size - a.size);
      return most?.[0] ?? null;
    },
    canRun(minerId, queue) {
      const miner = byModel.get(queue.model)?.get(minerId);
      return miner !== undefined && mismatch(queue, miner) === null;
    },
    isOnProbation: minerId => onProbation.has(minerId),
    models(name) {
      const names = name === undefined ? [...byModel.keys()].sort() : byModel.has(name) ? [name] : [];
      return names.map(model => toOffer(model, [...(byModel.get(model)?.values() ?? [])]));
    },
  };
}

function toOffer(model: string, offering: readonly LiveMiner[]): Offer {
  const loaded = offering.filter(miner => miner.loaded?.has(model)).length;
  const abilities = combineAbilities(offering.map(({ models }) => models?.get(model) ?? {}));
  return {
    model,
    miners: offering.length,
    loaded,
    slots: slotsOf(offering),
    abilities,
    passports: countPassports(model, offering),
  };
}

function combineAbilities(reported: readonly ModelAbilities[]): OfferedAbilities {
  const count = (need: Need, can: boolean) => reported.filter(abilities => abilities[need] === can).length;
  const counts = NEEDS.map(need => [need, { able: count(need, true), unable: count(need, false) }]);
  const lengths = reported.flatMap(({ context_length }) => context_length ?? []);
  const context_length =
    lengths.length === 0
      ? null
      : {
          least: lengths.reduce((a, b) => Math.min(a, b)),
          most: lengths.reduce((a, b) => Math.max(a, b)),
        };
  return { ...(Object.fromEntries(counts) as Omit<OfferedAbilities, 'context_length'>), context_length };
}

function countPassports(model: string, offering: readonly LiveMiner[]): ModelPassport[] {
  const counted = new Map<string | undefined, ModelPassport>();
  for (const { passports } of offering) {
    const own = passports.get(model);
    const { digest = null, weights = null, quantization = null } = own ?? {};
    const same = counted.get(own?.digest) ?? { digest, miners: 0, weights, quantization };
    counted.set(own?.digest, { ...same, miners: same.miners + 1 });
  }
  return [...counted.values()].sort((a, b) => b.miners - a.miners).slice(0, LIMITS.modelPassports);
}

const slotsOf = (miners: readonly LiveMiner[]) => miners.reduce((sum, miner) => sum + miner.slots, 0);

function measureReach(queue: ReadyQueue, offering: readonly LiveMiner[]): Reach {
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

/** Returns the queue's requirements, each as a queue with only that requirement. */
function requirementsOf(queue: ReadyQueue): [Lack, ReadyQueue][] {
  const none = {
    ...{ model: queue.model, region: '', min_vram_gb: 0, needs: '', min_context: 0 },
    ...{ miners: '', passport_demand: '' },
  };
  const { region, min_vram_gb, min_context, miners, passport_demand } = queue;
  return [
    ...needsIn(queue).map((need): [Lack, ReadyQueue] => [need, { ...none, needs: need }]),
    ...(min_context > 0 ? [['context_length', { ...none, min_context }] as [Lack, ReadyQueue]] : []),
    ...(min_vram_gb > 0 ? [['min_vram_gb', { ...none, min_vram_gb }] as [Lack, ReadyQueue]] : []),
    ...(region !== '' ? [['region', { ...none, region }] as [Lack, ReadyQueue]] : []),
    ...(miners !== '' ? [['miners', { ...none, miners }] as [Lack, ReadyQueue]] : []),
    ...(passport_demand !== ''
      ? [['passport_demand', { ...none, passport_demand }] as [Lack, ReadyQueue]]
      : []),
  ];
}

const lackedByAll = (queue: ReadyQueue, offering: readonly LiveMiner[]): Lack[] =>
  requirementsOf(queue)
    .filter(([, alone]) => offering.every(miner => mismatch(alone, miner) !== null))
    .map(([lack]) => lack);

function explain(queue: ReadyQueue, offering: readonly LiveMiner[]): string {
  if (offering.length === 0) return `No live miner offers the model ${queue.model}.`;
  const lacked = lackedByAll(queue, offering);
  // If no single requirement excludes all miners, the combination of all requirements does.
  const named = lacked.length > 0 ? lacked : requirementsOf(queue).map(([lack]) => lack);
  const has = offering.length === 1 ? '1 live miner offers' : `${offering.length} live miners offer`;
  return `${has} the model ${queue.model}, but none ${lackText(named, queue)}.`;
}

const CHOSEN = 'is one that constraints.miners and constraints.owners allow';

const ABILITY_TEXTS: Record<Need, string> = {
  embeddings: 'embeds texts',
  images: 'takes images',
  json_schema: 'holds answers to a JSON schema',
  text: 'writes texts',
  tools: 'calls tools',
};

function lackText(
  lacks: readonly Lack[],
  { min_context, min_vram_gb, region, passport_demand }: ReadyQueue,
): string {
  const does = lacks.flatMap(lack => (lack === 'miners' ? CHOSEN : (ABILITY_TEXTS[lack as Need] ?? [])));
  const things: Partial<Record<Lack, string>> = {
    context_length: `a context of ${min_context} tokens`,
    min_vram_gb: `${min_vram_gb} GB of GPU memory`,
    region: `region ${region}`,
    passport_demand: demandText(passport_demand),
  };
  const has = lacks.flatMap(lack => things[lack] ?? []);
  if (has.length === 0) return does.join(' and ');
  return [...does, `${does.length > 0 ? 'has' : 'with'} ${has.join(' and ')}`].join(' and ');
}
