import type { IdleReason, ModelAbilities } from '@aitbc/protocol';
import { LRUCache } from 'lru-cache';
import type { ReadyQueue } from '../store/events.ts';
import { isJsonObject, parseJsonObject, parseStrings } from '../store/json.ts';
import type { Row } from '../store/schema.ts';
import { isChosen } from './chosen-miners.ts';
import { type MinerPassport, passportsIn, unmetDemand } from './passports.ts';
import { nominalGb } from './vram.ts';

/** An ability that a job may need a model to have. */
export type Need = Exclude<keyof ModelAbilities, 'context_length'>;

export const NEEDS: readonly Need[] = ['embeddings', 'images', 'json_schema', 'text', 'tools'];

/** What decides which jobs a miner can run. */
export interface Abilities {
  id: string;
  /** The address of the owner's account, or null if it is unknown. */
  owner: string | null;
  capabilities: ReadonlySet<string>;
  /** What the miner's models can do, as far as the miner reported it. */
  models?: ModelsAbilities;
  /** The passports that the miner has registered, by model. */
  passports: ReadonlyMap<string, MinerPassport>;
  region: string | null;
  vram_gb: number | null;
  /** The models that the miner has in memory, or null if it does not report them. */
  loaded: ReadonlySet<string> | null;
  /** Whether the miner gets no jobs because of its operator's reputation. */
  suspended: boolean;
}

type ModelsAbilities = ReadonlyMap<string, ModelAbilities>;

export function abilitiesOf({
  id,
  owner_address,
  capabilities,
  abilities,
  passports,
  region,
  vram_gb,
  loaded,
  suspended_at,
}: Pick<
  Row<'miner'>,
  | ('id' | 'owner_address' | 'capabilities' | 'abilities' | 'passports')
  | ('region' | 'vram_gb' | 'loaded' | 'suspended_at')
>): Abilities {
  const models = abilities === null ? undefined : abilitiesIn(abilities);
  return {
    ...{ id, owner: owner_address },
    capabilities: abilities === null || models ? parseNames(capabilities) : NOTHING,
    ...(models && { models }),
    passports: passportsIn(passports),
    region,
    // Earlier versions stored the measured size, so it is converted here.
    vram_gb: vram_gb === null ? null : nominalGb(vram_gb),
    loaded: loaded === null ? null : parseNames(loaded),
    suspended: suspended_at !== null,
  };
}

/** A cache, because a miner's row is parsed at each of its claims. */
const parsed = new LRUCache<string, ModelsAbilities>({ max: 1_000 });

/** Returns undefined if the text is damaged. */
function abilitiesIn(json: string): ModelsAbilities | undefined {
  const cached = parsed.get(json);
  if (cached) return cached;
  const reported = parseJsonObject(json);
  if (!reported || !Object.values(reported).every(isJsonObject)) return undefined;
  const models = new Map(Object.entries(reported as Record<string, ModelAbilities>));
  parsed.set(json, models);
  return models;
}

/** Returns an empty set if the text is damaged. */
export const parseNames = (json: string): ReadonlySet<string> => new Set(parseStrings(json));

const NOTHING: ReadonlySet<string> = new Set();

/** Whether the miner's row is intact. A miner with a damaged row gets no jobs until it registers again. */
export const hasReadableAbilities = ({
  capabilities,
  abilities,
}: Pick<Row<'miner'>, 'capabilities' | 'abilities'>) =>
  parseStrings(capabilities) !== undefined && (abilities === null || abilitiesIn(abilities) !== undefined);

/**
 * Whether the miner has this model in memory. Miners that never reported their loaded models are assumed to have it.
 */
export const isLoaded = (model: string, { loaded }: Abilities) => loaded === null || loaded.has(model);

/** What keeps a miner from running a queue's jobs. */
export type Obstacle =
  | 'suspended'
  | Extract<IdleReason, 'model' | 'ability' | 'context' | 'vram' | 'region' | 'choice' | 'passport'>;

/** Returns what keeps a miner from running a queue's jobs, or null if it can run them. */
export function obstacleTo(queue: ReadyQueue, miner: Abilities): Obstacle | null {
  if (miner.suspended) return 'suspended';
  if (!miner.capabilities.has(queue.model)) return 'model';
  if (queue.miners !== '' && !isChosen(queue.miners, miner)) return 'choice';
  if (unmetPassport(queue, miner) !== null) return 'passport';
  if (queue.min_vram_gb > 0 && (miner.vram_gb ?? 0) < queue.min_vram_gb) return 'vram';
  if (queue.region !== '' && miner.region !== queue.region) return 'region';
  const { context, need } = unmetNeed(queue, miner);
  if (need) return 'ability';
  return context === undefined ? null : 'context';
}

/** Returns in words why a miner can't run a queue's jobs, or null if it can. */
export function mismatch(queue: ReadyQueue, miner: Abilities): string | null {
  const obstacle = obstacleTo(queue, miner);
  return obstacle && OBSTACLE_TEXTS[obstacle](queue, miner);
}

const OBSTACLE_TEXTS: Record<Obstacle, (queue: ReadyQueue, miner: Abilities) => string> = {
  suspended: () => SUSPENDED,
  model: ({ model }) => `It does not offer the model ${model}.`,
  choice: () => 'The clients of these jobs chose other miners or owners.',
  passport: (queue, miner) => `The clients of these jobs demand ${unmetPassport(queue, miner)}.`,
  vram({ min_vram_gb }, { vram_gb }) {
    const has = vram_gb === null ? 'none is registered' : `${vram_gb} GB are registered`;
    return `The job needs ${min_vram_gb} GB of GPU memory, ${has}.`;
  },
  region(queue, { region }) {
    const is = region === null ? 'none is registered' : `${region} is registered`;
    return `The job must run in region ${queue.region}, ${is}.`;
  },
  ability(queue, miner) {
    const { need = 'text' } = unmetNeed(queue, miner);
    return `Its engine ${INABILITY_TEXTS[need]} with the model ${queue.model}.`;
  },
  context(queue, miner) {
    const { context } = unmetNeed(queue, miner);
    return `The job needs a context of ${queue.min_context} tokens, the model ${queue.model} has ${context} there.`;
  },
};

const unmetPassport = ({ passport_demand, model }: ReadyQueue, { passports }: Abilities) =>
  unmetDemand(passport_demand, passports.get(model));

/**
 * Returns the first requirement of the queue that the miner's model does not meet: a missing ability, or its too short
 * context length in tokens.
 */
export function unmetNeed(queue: ReadyQueue, { models }: Abilities): { need?: Need; context?: number } {
  const can = models?.get(queue.model);
  if (!can) return {};
  const need = needsIn(queue).find(need => can[need] === false);
  if (need) return { need };
  const { context_length: context = Infinity } = can;
  return context < queue.min_context ? { context } : {};
}

export const needsIn = ({ needs }: ReadyQueue): Need[] => (needs ? (needs.split(',') as Need[]) : []);

const INABILITY_TEXTS: Record<Need, string> = {
  embeddings: 'cannot embed texts',
  images: 'cannot take images',
  json_schema: 'cannot answer by a JSON schema',
  text: 'cannot write texts',
  tools: 'cannot call tools',
};

/** Returns a key that is equal for queues with the same requirements. */
export const requirementsKey = ({
  model,
  region,
  min_vram_gb,
  needs,
  min_context,
  miners,
  passport_demand,
}: ReadyQueue) => JSON.stringify([model, region, min_vram_gb, needs, min_context, miners, passport_demand]);

export const SUSPENDED =
  'Its owner is suspended because of its reputation, for a while or until an administrator reinstates it.';
