import type { ModelAbilities } from '@aitbc/protocol';
import { LRUCache } from 'lru-cache';
import type { ReadyQueue } from '../store/events.ts';
import { isObject, objectIn, stringsIn } from '../store/json.ts';
import type { Row } from '../store/schema.ts';
import { nominalGb } from './vram.ts';

/** What a job may need of a model. */
export type Need = Exclude<keyof ModelAbilities, 'context_length'>;

/** In the order of their names. */
export const NEEDS: readonly Need[] = ['embeddings', 'images', 'json_schema', 'text', 'tools'];

/** What decides which jobs a miner can run. */
export interface Abilities {
  capabilities: ReadonlySet<string>;
  /** What its models can do, as far as it told. */
  models?: ModelsAbilities;
  region: string | null;
  vram_gb: number | null;
  /** Models that it has in memory; null where it does not say. */
  loaded: ReadonlySet<string> | null;
  /** It gets no jobs for its reputation. */
  suspended: boolean;
}

type ModelsAbilities = ReadonlyMap<string, ModelAbilities>;

export function abilitiesOf({
  capabilities,
  abilities,
  region,
  vram_gb,
  loaded,
  suspended_at,
}: Pick<
  Row<'miner'>,
  'capabilities' | 'abilities' | 'region' | 'vram_gb' | 'loaded' | 'suspended_at'
>): Abilities {
  const models = abilities === null ? undefined : abilitiesIn(abilities);
  return {
    capabilities: abilities === null || models ? namesIn(capabilities) : NOTHING,
    ...(models && { models }),
    region,
    // Of miners that registered with an earlier version, it is as they measured it.
    vram_gb: vram_gb === null ? null : nominalGb(vram_gb),
    loaded: loaded === null ? null : namesIn(loaded),
    suspended: suspended_at !== null,
  };
}

/** A miner's row is looked at with each of its claims. */
const parsed = new LRUCache<string, ModelsAbilities>({ max: 1_000 });

/** Undefined where the text is damaged. */
function abilitiesIn(json: string): ModelsAbilities | undefined {
  const known = parsed.get(json);
  if (known) return known;
  const told = objectIn(json);
  if (!told || !Object.values(told).every(isObject)) return undefined;
  const models = new Map(Object.entries(told as Record<string, ModelAbilities>));
  parsed.set(json, models);
  return models;
}

/** None where the text is damaged. */
export const namesIn = (json: string): ReadonlySet<string> => new Set(stringsIn(json));

const NOTHING: ReadonlySet<string> = new Set();

/** Whether its row tells what it offers: one that is damaged offers nothing until it registers again. */
export const saysAbilities = ({
  capabilities,
  abilities,
}: Pick<Row<'miner'>, 'capabilities' | 'abilities'>) =>
  stringsIn(capabilities) !== undefined && (abilities === null || abilitiesIn(abilities) !== undefined);

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
  const { context, need } = lackOf(queue, miner);
  if (need) return `Its engine ${LACKS[need]} with the model ${queue.model}.`;
  if (context === undefined) return null;
  return `The job needs a context of ${queue.min_context} tokens, the model ${queue.model} has ${context} there.`;
}

/** What its engine lacks of what the queue's model must be able to do: a first ability, or the context that it has. */
export function lackOf(queue: ReadyQueue, { models }: Abilities): { need?: Need; context?: number } {
  const can = models?.get(queue.model);
  if (!can) return {};
  const need = needsIn(queue).find(need => can[need] === false);
  if (need) return { need };
  const { context_length: context = Infinity } = can;
  return context < queue.min_context ? { context } : {};
}

export const needsIn = ({ needs }: ReadyQueue): Need[] => (needs ? (needs.split(',') as Need[]) : []);

const LACKS: Record<Need, string> = {
  embeddings: 'embeds no texts',
  images: 'takes no images',
  json_schema: 'holds no answers to a JSON schema',
  text: 'writes no texts',
  tools: 'calls no tools',
};

/** By which requirements of queues are told apart. */
export const nameOf = ({ model, region, min_vram_gb, needs, min_context }: ReadyQueue) =>
  JSON.stringify([model, region, min_vram_gb, needs, min_context]);

/** What a miner is told that gets nothing for its reputation. */
export const SUSPENDED =
  'Its owner is suspended for its reputation: for a while, or until an administrator reinstates it.';
