import { LIMITS, type ModelAbilities, ModelAbilities as Schema } from '@aitbc/protocol';
import { isModelName } from './model-names.ts';

export type AbilitiesByModel = ReadonlyMap<string, ModelAbilities>;

/** What an owner says that models can do. */
export interface StatedAbilities {
  /** Abilities of every model. */
  all?: ModelAbilities | undefined;
  /** Abilities of single models by name. They override those of `all`. */
  byModel?: AbilitiesByModel | undefined;
}

/** The names of what a model can or can not do. */
export const ABILITY_NAMES = Object.keys(Schema.properties).filter(
  name => name !== 'context_length',
) as Exclude<keyof ModelAbilities, 'context_length'>[];

/**
 * Merges what the engine reports with what the owner states. The owner's statement wins, except that no
 * context is longer than the engine's.
 */
export function mergeAbilities(
  models: readonly string[],
  told: AbilitiesByModel,
  { all, byModel }: StatedAbilities = {},
): (ModelAbilities & { model: string })[] {
  return models.flatMap(model => {
    const engine = told.get(model);
    const owner = { ...all, ...byModel?.get(model) };
    const lengths = [engine?.context_length, owner.context_length].filter(length => length !== undefined);
    const abilities = {
      ...engine,
      ...owner,
      ...(lengths.length > 0 && { context_length: Math.min(...lengths) }),
    };
    return Object.keys(abilities).length > 0 ? [{ model, ...abilities }] : [];
  });
}

/**
 * Returns the tokens of a context as an engine reports them. Undefined for values such as the 0 of a model
 * that is not loaded.
 */
export function contextLength(value: unknown): number | undefined {
  if (!Number.isInteger(value) || Number(value) < 1) return undefined;
  return Math.min(Number(value), LIMITS.tokens);
}

/**
 * Parses `MODEL=VALUE`, or `VALUE` for all models; several are separated by spaces.
 *
 * @throws {TypeError} when a model's name is not valid
 */
export function* perModel(text: string): Generator<{ model: string | undefined; value: string }> {
  for (const entry of text.split(/\s+/).filter(part => part !== '')) {
    // A model's name may contain an equals sign; a value never does.
    const equals = entry.lastIndexOf('=');
    const model = equals < 0 ? undefined : entry.slice(0, equals);
    if (model !== undefined && !isModelName(model)) throw new TypeError(`"${entry}" does not name a model`);
    yield { model, value: entry.slice(equals + 1) };
  }
}

const LOOKUPS_AT_ONCE = 4;
const LOOKUP_MS = 10_000;

/**
 * Looks up what each model can do, four at a time and each within ten seconds. A model whose lookup fails is
 * left out.
 *
 * @param look rejects, or resolves to undefined when nothing is known
 */
export async function lookUpEach<T>(
  models: readonly string[],
  look: (model: string, signal: AbortSignal) => Promise<T | undefined>,
  signal?: AbortSignal,
): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  const waiting = models.values();
  const work = async () => {
    for (const model of waiting) {
      if (signal?.aborted) return;
      const result = await inTime(limit => look(model, limit), signal);
      if (result !== undefined) found.set(model, result);
    }
  };
  await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, work));
  return found;
}

/** Returns the result of a lookup within ten seconds; undefined when it fails. */
export async function inTime<T>(
  look: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const limit = AbortSignal.timeout(LOOKUP_MS);
  try {
    return await look(signal ? AbortSignal.any([signal, limit]) : limit);
  } catch {
    return undefined;
  }
}
