import { LIMITS, MODEL_PATTERN } from '@aitbc/protocol/limits';
import { ConfigError, type Option } from '../../option.ts';

/** The model that each alias stands for. A model is never an alias itself. */
export type ModelAliases = Readonly<Record<string, string>>;

const MAX_ALIASES = 1_000;

export const aliasesOption = (about: string): Option<ModelAliases> => ({
  kind: 'aliases',
  default: {},
  about,
  unit: 'ALIAS=MODEL',
  read: readAliases,
});

/**
 * Reads `ALIAS=MODEL,…` or a list of these, as a repeated option gives it, or an object in the configuration file. An
 * alias may stand for another alias; the result names the model at the end of such a chain.
 */
function readAliases(source: string, value: unknown): ModelAliases {
  const named = new Map<string, string>();
  for (const [alias, model] of pairsIn(source, value)) {
    for (const name of [alias, model]) {
      if (isModelName(name)) continue;
      const rule = `1 to ${LIMITS.modelLength} printable ASCII characters without spaces`;
      throw new ConfigError(`${source} must name models by ${rule}, not ${JSON.stringify(name)}`);
    }
    if (named.has(alias)) throw new ConfigError(`${source} has two models for the alias ${alias}`);
    named.set(alias, model);
  }
  if (named.size > MAX_ALIASES)
    throw new ConfigError(`${source} must have at most ${MAX_ALIASES} aliases, not ${named.size}`);
  return Object.fromEntries([...named.keys()].map(alias => [alias, modelAtEnd(source, alias, named)]));
}

function pairsIn(source: string, value: unknown): [alias: string, model: string][] {
  const fail = (): never => {
    throw new ConfigError(`${source} must be ALIAS=MODEL,…, not ${JSON.stringify(value)}`);
  };
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).map(([alias, model]) =>
      typeof model === 'string' ? [alias, model] : fail(),
    );
  const texts = Array.isArray(value) ? value : [value];
  return texts.flatMap(text => {
    if (typeof text !== 'string') return fail();
    return text.split(',').map((pair): [string, string] => {
      const [, alias, model] = /^([^=]+)=(.+)$/.exec(pair) ?? fail();
      return alias === undefined || model === undefined ? fail() : [alias, model];
    });
  });
}

function isModelName(name: string): boolean {
  return name.length <= LIMITS.modelLength && new RegExp(MODEL_PATTERN).test(name);
}

function modelAtEnd(source: string, alias: string, named: ReadonlyMap<string, string>): string {
  const chain = [alias];
  for (let next = named.get(alias); next !== undefined; next = named.get(next)) {
    if (chain.includes(next))
      throw new ConfigError(`${source} leads in a circle: ${[...chain, next].join(' → ')}`);
    chain.push(next);
  }
  return chain.at(-1) ?? alias;
}

/** Returns the model that a name stands for: that of an alias, or the name itself. */
export const modelNamed = (name: string, aliases: ModelAliases): string =>
  Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;

/** Whether a key that may use only some models may use this one, by the name that its client gave. */
export function isAllowedModel(
  name: string,
  aliases: ModelAliases,
  allowedModels: readonly string[] | undefined,
): boolean {
  return !allowedModels || allowedModels.includes(name) || allowedModels.includes(modelNamed(name, aliases));
}

/**
 * Prices are those of models: a price of an alias would never apply.
 *
 * @throws {ConfigError} where a price list names an alias
 */
export function requireNoAliases(aliases: ModelAliases, prices: Readonly<Record<string, object>>): void {
  for (const [flag, rates] of Object.entries(prices)) {
    const alias = Object.keys(rates).find(name => Object.hasOwn(aliases, name));
    if (alias !== undefined)
      throw new ConfigError(
        `${flag} has a price for ${alias}, which is an alias of ${aliases[alias]}: name the model`,
      );
  }
}
