import { characterOf, either, type Grammar, joined, literal, repeated } from './gbnf.ts';
import { anyCharacter } from './pattern-grammar.ts';
import { unsupported } from './schema-error.ts';
import { isSchemaObject, type Schema, type SchemaObject } from './schema-merge.ts';
import { intoPart, type SchemaPlace, SPACE } from './schema-place.ts';

interface Property {
  /** The key, the colon and the value. */
  pair: string;
  isRequired: boolean;
}

const COMMA = `"," ${SPACE}`;

/**
 * Returns properties in the schema's order, then others when the schema mentions them. Null when no object is
 * valid.
 */
export function objectGrammar(said: SchemaObject, place: SchemaPlace): string | null {
  const { grammar, path } = place;
  const required = (said.required ?? []) as string[];
  const known = propertiesOf(said, required);
  const properties: Property[] = [];
  for (const [name, schema] of known) {
    const step = `/properties/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const value = place.visit(schema, intoPart(place, step));
    const isRequired = required.includes(name);
    if (value === null && isRequired) return null;
    if (value !== null) properties.push({ pair: pairOf(literal(JSON.stringify(name)), value), isRequired });
  }
  const extra = extraOf(
    said,
    known.map(([name]) => name),
    place,
  );
  const { minProperties = 0, maxProperties = Infinity } = said;
  const [min, max] = [Number(minProperties), Number(maxProperties)];
  if (properties.length === 0) {
    if (extra === null) return min > 0 ? null : '"{" "}"';
    return grammar.rule(`"{" ${listOf(grammar, extra, min, max)} "}"`);
  }
  const least = properties.filter(({ isRequired }) => isRequired).length;
  if (min > least) unsupported('minProperties', path, 'it can not be combined with "properties"');
  if (max < (extra === null ? properties.length : Infinity))
    unsupported('maxProperties', path, 'it can not be combined with "properties"');
  return grammar.rule(`"{" ${inOrder(grammar, properties, extra)} "}"`);
}

/** Returns the named properties, then those that are only required. */
function propertiesOf(said: SchemaObject, required: readonly string[]): [string, Schema][] {
  const { properties = {}, additionalProperties = true } = said;
  const named = Object.entries(properties as Record<string, Schema>);
  const others = [...new Set(required)].filter(name => !Object.hasOwn(properties as object, name));
  return [...named, ...others.map((name): [string, Schema] => [name, additionalProperties as Schema])];
}

const pairOf = (key: string, value: string) => joined(key, '":"', SPACE, value);

function inOrder(grammar: Grammar, properties: readonly Property[], extra: string | null): string {
  /** What may follow after another property, and at the start of the object. */
  let afterSome = extra === null ? '' : grammar.rule(`(${COMMA} ${extra})*`);
  let afterNone = extra === null ? '' : grammar.rule(`(${joined(extra, afterSome)})?`);
  for (const { pair, isRequired } of properties.toReversed()) {
    const property = grammar.rule(pair);
    const first = joined(property, afterSome);
    const next = joined(COMMA, property);
    afterNone = isRequired ? first : grammar.rule(`${afterNone === '' ? '""' : afterNone} | ${first}`);
    afterSome = grammar.rule(joined(isRequired ? next : `(${next})?`, afterSome));
  }
  return afterNone;
}

function listOf(grammar: Grammar, part: string, min: number, max: number): string {
  if (max === 0) return '';
  const rest = repeated(grammar, grammar.rule(`${COMMA} ${part}`), Math.max(0, min - 1), max - 1);
  return min > 0 ? joined(part, rest) : `(${joined(part, rest)})?`;
}

/** Returns a pair for which the schema has no property. Null when none is allowed. */
function extraOf(said: SchemaObject, names: readonly string[], place: SchemaPlace): string | null {
  const { grammar, path } = place;
  const { patternProperties, propertyNames, additionalProperties } = said;
  const patterns = Object.entries((patternProperties ?? {}) as Record<string, Schema>);
  const isMap = names.length === 0;
  if (patterns.length > 1 || (patterns.length === 1 && !isMap))
    unsupported('patternProperties', path, 'only one pattern without "properties" can be enforced');
  const [pattern] = patterns;
  if (pattern) return patternPair(said, pattern, place);
  if (propertyNames !== undefined && !isMap && !isPlainText(propertyNames))
    unsupported('propertyNames', path, 'it can not be combined with "properties"');
  const schema = additionalProperties ?? isMap;
  const value = place.visit(schema, intoPart(place, '/additionalProperties'));
  if (value === null) return null;
  const key =
    isMap && propertyNames !== undefined
      ? place.visit(keySchema(propertyNames), intoPart(place, '/propertyNames'))
      : otherThan(grammar, names);
  return key === null ? null : grammar.rule(pairOf(key, value));
}

function patternPair(
  said: SchemaObject,
  [pattern, schema]: [string, Schema],
  place: SchemaPlace,
): string | null {
  const { additionalProperties = true, propertyNames } = said;
  if (propertyNames !== undefined)
    unsupported('propertyNames', place.path, 'it can not be combined with "patternProperties"');
  if (additionalProperties !== true && additionalProperties !== false)
    unsupported('additionalProperties', place.path, 'it can not be combined with "patternProperties"');
  const key = place.visit({ type: 'string', pattern }, intoPart(place, '/patternProperties'));
  const value = place.visit(schema, intoPart(place, '/patternProperties'));
  return key === null || value === null ? null : place.grammar.rule(pairOf(key, value));
}

const isPlainText = (schema: unknown) =>
  schema === true ||
  (isSchemaObject(schema) &&
    Object.entries(schema).every(([name, value]) => name === 'type' && value === 'string'));

const keySchema = (schema: unknown): Schema =>
  isSchemaObject(schema) && schema.type === undefined && schema.$ref === undefined
    ? { ...schema, type: 'string' }
    : (schema as Schema);

interface Branches {
  isName: boolean;
  next: Map<string, Branches>;
}

/** Returns a JSON string other than these names. */
function otherThan(grammar: Grammar, names: readonly string[]): string {
  const character = anyCharacter(grammar);
  if (names.length === 0) return `"\\"" ${character}* "\\""`;
  const root: Branches = { isName: false, next: new Map() };
  for (const name of names) add(root, [...name]);
  return grammar.rule(`"\\"" (${restOf(root, character)}) "\\""`);
}

/** Keys made up here contain no character that JSON escapes, so that no name is written in a second way. */
function add(branches: Branches, [first, ...rest]: readonly string[]): void {
  if (first === undefined) branches.isName = true;
  else if (JSON.stringify(first) === `"${first}"` && first !== '\x7f') {
    const branch = branches.next.get(first) ?? { isName: false, next: new Map() };
    branches.next.set(first, branch);
    add(branch, rest);
  }
}

function restOf({ isName, next }: Branches, character: string): string {
  const taken = [...next.keys()].map(each => each.codePointAt(0) ?? 0).sort((a, b) => a - b);
  const alternatives = [
    ...(isName ? [] : ['""']),
    joined(otherCharacter(taken), `${character}*`),
    ...[...next].map(([each, branch]) => joined(literal(each), `(${restOf(branch, character)})`)),
  ];
  return either(alternatives);
}

/** Returns an unescaped character other than these. */
function otherCharacter(taken: readonly number[]): string {
  const ranges: [number, number][] = [];
  let from = 0x20;
  for (const code of [...taken, 0x22, 0x5c, 0x7f].sort((a, b) => a - b)) {
    if (code > from) ranges.push([from, code - 1]);
    from = Math.max(from, code + 1);
  }
  return characterOf([...ranges, [from, 0x10ffff]]);
}
