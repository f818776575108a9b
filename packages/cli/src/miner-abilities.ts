import { ABILITY_NAMES, perModel, type StatedAbilities } from '@aitbc/miner';
import { LIMITS, type ModelAbilities } from '@aitbc/protocol';
import { InvalidArgumentError } from 'commander';

/** Parses `32768` for all models or `llama3.2=8192` for one: tokens of prompt and answer together. */
export const contextLengths = (text: string, before: StatedAbilities = {}): StatedAbilities =>
  entries(text, before, value => {
    const length = Number(value);
    if (!/^\d+$/.test(value) || length < 1 || length > LIMITS.tokens)
      throw new InvalidArgumentError(`"${value}" is not a number of tokens from 1 to ${LIMITS.tokens}.`);
    return { context_length: length };
  });

/**
 * Parses `text,tools` for all models or `nomic-embed-text=embeddings` for one. Abilities that are not listed
 * are absent.
 */
export const abilities = (text: string, before: StatedAbilities = {}): StatedAbilities =>
  entries(text, before, value => {
    const able = value.split(',').filter(name => name !== '');
    const unknown = able.find(name => !ABILITY_NAMES.some(known => known === name));
    if (unknown !== undefined || able.length === 0)
      throw new InvalidArgumentError(`"${unknown ?? ''}" is none of ${ABILITY_NAMES.join(', ')}.`);
    return Object.fromEntries(ABILITY_NAMES.map(name => [name, able.includes(name)]));
  });

/** Combines what both options state about the same models. */
export function combineAbilities(...stated: readonly (StatedAbilities | undefined)[]): StatedAbilities {
  const byModel = new Map<string, ModelAbilities>();
  for (const [model, one] of stated.flatMap(each => [...(each?.byModel ?? [])]))
    byModel.set(model, { ...byModel.get(model), ...one });
  return { all: Object.assign({}, ...stated.map(each => each?.all)), byModel };
}

function entries(
  text: string,
  before: StatedAbilities,
  read: (value: string) => ModelAbilities,
): StatedAbilities {
  const byModel = new Map(before.byModel);
  let { all } = before;
  try {
    for (const { model, value } of perModel(text)) {
      if (model === undefined) all = read(value);
      else byModel.set(model, read(value));
    }
  } catch (error) {
    if (error instanceof TypeError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
  return { all, byModel };
}
