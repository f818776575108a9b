import { closest, distance } from 'fastest-levenshtein';

/** The part of a JSON schema that `nearestName` reads. */
export interface ObjectSchema {
  properties?: Record<string, ObjectSchema>;
}

/** The largest share of a name's letters that may be wrong. */
const MAX_WRONG_SHARE = 1 / 3;

/**
 * Finds the schema's name that is most similar to an unknown one, also in objects one level down (dotted). Returns
 * undefined where none is similar. Case, `-` and `_` do not count: `maxPrice` and `max-price` equal `max_price`.
 */
export function nearestName(unknown: string, { properties = {} }: ObjectSchema): string | undefined {
  const names = new Map<string, string>();
  const know = (path: string, name: string) => {
    if (!names.has(plain(name))) names.set(plain(name), path);
  };
  for (const name of Object.keys(properties)) know(name, name);
  for (const [outer, schema] of Object.entries(properties))
    for (const inner of Object.keys(schema.properties ?? {})) know(`${outer}.${inner}`, inner);
  if (names.size === 0) return undefined;
  const wanted = plain(unknown.slice(0, 64));
  const found = closest(wanted, [...names.keys()]);
  return distance(wanted, found) <= Math.max(1, wanted.length * MAX_WRONG_SHARE)
    ? names.get(found)
    : undefined;
}

/** Finds the name in a list that is most similar to an unknown one. */
export const nearestIn = (unknown: string, known: readonly string[]): string | undefined =>
  nearestName(unknown, { properties: Object.fromEntries(known.map(name => [name, {}])) });

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
