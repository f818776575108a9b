import { closest, distance } from 'fastest-levenshtein';

/** What of a JSON schema is looked at. */
export interface ObjectSchema {
  properties?: Record<string, ObjectSchema>;
}

/** Letters that may be wrong, as a share of the name. */
const MISTAKES = 1 / 3;

/**
 * The name that was meant by one that a schema does not know: one of the schema's own, or of an object in it, dotted.
 * Undefined where none is near. `maxPrice` and `max-price` are as near to `max_price` as it is itself.
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
  return distance(wanted, found) <= Math.max(1, wanted.length * MISTAKES) ? names.get(found) : undefined;
}

/** The name that was meant, of a list of known ones. */
export const nearestOf = (unknown: string, known: readonly string[]): string | undefined =>
  nearestName(unknown, { properties: Object.fromEntries(known.map(name => [name, {}])) });

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
