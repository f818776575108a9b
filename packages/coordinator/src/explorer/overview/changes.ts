import type { Overview } from '@aitbc/protocol';

/** Returns the members of an overview that differ from the one before. Lists that grow have only their new items. */
export function changesBetween(before: Overview, after: Overview): Partial<Overview> {
  const lists = {
    rates: newItems(before.rates, after.rates, 'time'),
    transactions: newItems(before.transactions, after.transactions, 'hash'),
    blocks: newItems(before.blocks, after.blocks, 'height'),
  };
  const names = Object.keys(after) as (keyof Overview)[];
  const changed = names.filter(name => !(name in lists) && !isEqual(before[name], after[name]));
  return {
    ...Object.fromEntries(changed.map(name => [name, after[name]])),
    ...Object.fromEntries(Object.entries(lists).filter(([, items]) => items.length > 0)),
  };
}

const isEqual = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

function newItems<Item>(before: readonly Item[], after: readonly Item[], key: keyof Item): Item[] {
  const known = new Map(before.map(item => [item[key], item]));
  return after.filter(item => !isEqual(known.get(item[key]), item));
}
