import { MODEL_LABELS } from './catalogue.ts';

export const OTHER_MODELS = 'other';

/** Returns the label of a model. The first models have labels of their own. All later ones share one, as labels cost memory. */
export function createModelLabels(most = MODEL_LABELS): (model: string) => string {
  const known = new Set<string>();
  return model => {
    if (known.has(model)) return model;
    if (known.size >= most) return OTHER_MODELS;
    known.add(model);
    return model;
  };
}

/** Sums values by model, the largest first, and adds those beyond the first models together. */
export function topModels<T>(
  values: ReadonlyMap<string, T>,
  sizeOf: (value: T) => number,
  add: (a: T, b: T) => T,
  most = MODEL_LABELS,
): Map<string, T> {
  const sorted = [...values].sort(([, a], [, b]) => sizeOf(b) - sizeOf(a));
  const top = new Map(sorted.slice(0, most));
  for (const [, value] of sorted.slice(most)) {
    const others = top.get(OTHER_MODELS);
    top.set(OTHER_MODELS, others === undefined ? value : add(others, value));
  }
  return top;
}
