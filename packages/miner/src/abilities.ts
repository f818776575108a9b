import { LIMITS, type ModelAbilities, ModelAbilities as Schema } from '@aitbc/protocol';
import { isModelName } from './model-names.ts';

export type AbilitiesByModel = ReadonlyMap<string, ModelAbilities>;

/** What an owner says that models can do. */
export interface StatedAbilities {
  /** Of every model. */
  all?: ModelAbilities | undefined;
  /** Of single models, by their names: goes before what is said of all. */
  byModel?: AbilitiesByModel | undefined;
}

/** The names of what a model can or can't do. */
export const ABILITY_NAMES = Object.keys(Schema.properties).filter(
  name => name !== 'context_length',
) as Exclude<keyof ModelAbilities, 'context_length'>[];

/**
 * What the models can do, as their engine tells and their owner states. The owner's word goes before the engine's,
 * except that no context is longer than the engine's.
 */
export function abilitiesOf(
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

/** A number of tokens as an engine tells it. Undefined when it is none, as the 0 of a model that is not loaded. */
export function contextLength(value: unknown): number | undefined {
  if (!Number.isInteger(value) || Number(value) < 1) return undefined;
  return Math.min(Number(value), LIMITS.tokens);
}

/**
 * Reads `MODEL=VALUE` or `VALUE` for all models, several with spaces between them.
 *
 * @throws {TypeError} when a model has no name
 */
export function* perModel(text: string): Generator<{ model: string | undefined; value: string }> {
  for (const entry of text.split(/\s+/).filter(part => part !== '')) {
    // The name of a model may hold an equals sign, a value never does.
    const equals = entry.lastIndexOf('=');
    const model = equals < 0 ? undefined : entry.slice(0, equals);
    if (model !== undefined && !isModelName(model)) throw new TypeError(`"${entry}" names no model`);
    yield { model, value: entry.slice(equals + 1) };
  }
}

const LOOKUPS_AT_ONCE = 4;
const LOOKUP_MS = 10_000;

/**
 * Looks up what each model can do, a few at a time and each within ten seconds. A model whose lookup fails is absent.
 *
 * @param look rejects or resolves to undefined where there is nothing to tell
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

/** What a lookup brings within ten seconds; undefined when it fails. */
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
