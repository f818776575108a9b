import { either, type Grammar, joined, literal, repeated } from './gbnf.ts';
import { MOST, numberGrammar, placesOf } from './number-grammar.ts';
import { objectGrammar } from './object-grammar.ts';
import { checkerOf } from './schema-check.ts';
import { SchemaError, unsupported } from './schema-error.ts';
import { ANNOTATIONS, isSchemaObject, merged, type Schema, type SchemaObject } from './schema-merge.ts';
import { deeper, intoPart, type SchemaPlace, SPACE } from './schema-place.ts';
import { stringGrammar } from './string-grammar.ts';

/*
 * Translates JSON schemas to GBNF. A keyword that a grammar can not enforce is an error that names it, and is
 * never ignored. Some valid values are not generated, such as additional properties that the schema does not
 * mention.
 */

/** How deep schemas may be nested. */
const MAX_DEPTH = 64;
/** How many schemas one may consist of after references and combinations are expanded. */
const MAX_PLACES = 10_000;

const TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'] as const;
type JsonType = (typeof TYPES)[number];

/** The types that keywords imply when there is no `type`. */
const TYPES_OF_KEYWORDS: Record<string, JsonType> = {
  ...{ properties: 'object', required: 'object', additionalProperties: 'object', propertyNames: 'object' },
  ...{ patternProperties: 'object', minProperties: 'object', maxProperties: 'object' },
  ...{ items: 'array', prefixItems: 'array', additionalItems: 'array', minItems: 'array', maxItems: 'array' },
  ...{ uniqueItems: 'array', minLength: 'string', maxLength: 'string', pattern: 'string', format: 'string' },
  ...{ minimum: 'number', maximum: 'number', exclusiveMinimum: 'number', exclusiveMaximum: 'number' },
  multipleOf: 'number',
};

/** Matches no character. */
const NOTHING = '[^\\x00-\\U0010ffff]';

/** Keywords that listed values are checked against. */
const SCALAR_KEYWORDS = [
  ...['type', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'pattern', 'nullable'],
];

const COMBINED = ['$ref', 'allOf', 'anyOf', 'oneOf', 'enum', 'const', 'type', 'nullable', 'not'];

const UNSUPPORTED = [
  ...['if', 'dependentRequired', 'dependentSchemas', 'dependencies', 'contains', 'contentSchema'],
  ...['unevaluatedProperties', 'unevaluatedItems', '$dynamicRef', '$recursiveRef'],
];

/**
 * Returns what a JSON schema allows, as a part of a grammar.
 *
 * @throws {SchemaError} with the keyword and its place, when the schema can not be enforced
 */
export function schemaGrammar(grammar: Grammar, schema: Schema): string {
  const place: SchemaPlace = {
    ...{ grammar, root: schema, path: '#', depth: 0, following: new Set<string>() },
    ...{ references: new Map(), budget: { places: MAX_PLACES }, visit },
  };
  const allowed = visit(schema, place);
  if (allowed === null) throw new SchemaError('invalid', 'The schema at # allows no value');
  return allowed;
}

function visit(schema: unknown, place: SchemaPlace): string | null {
  const { path, depth, budget } = place;
  if (depth > MAX_DEPTH)
    throw new SchemaError('unsupported', `The schema is nested deeper than ${MAX_DEPTH} at ${path}`);
  if (--budget.places < 0)
    throw new SchemaError(
      'unsupported',
      `The schema has more than ${MAX_PLACES} schemas when it is expanded`,
    );
  if (schema === false) return null;
  if (schema === true) return reference('any', place, inside => typed({ type: [...TYPES] }, inside));
  if (!isSchemaObject(schema)) throw new SchemaError('invalid', `The schema at ${path} is not a JSON schema`);
  const said = Object.fromEntries(Object.entries(schema).filter(([keyword]) => speaks(keyword)));
  checkSupport(said, path);
  if (said.not !== undefined) return negated(said, place);
  if (said.$ref !== undefined) return referred(said, place);
  // This comes before "allOf", whose parts may have alternatives too.
  if (said.anyOf !== undefined) return oneOf(said, 'anyOf', place);
  if (said.oneOf !== undefined) return oneOf(said, 'oneOf', place);
  if (said.allOf !== undefined) return visit(allMerged(said, path), deeper(place));
  if (said.enum !== undefined || 'const' in said) return listed(said, place);
  return Object.keys(said).length === 0 ? visit(true, place) : typed(said, place);
}

/** Whether a keyword, which may be unknown, limits the valid values. */
const speaks = (keyword: string) =>
  !ANNOTATIONS.has(keyword) &&
  (keyword in TYPES_OF_KEYWORDS || COMBINED.includes(keyword) || UNSUPPORTED.includes(keyword));

function checkSupport(said: SchemaObject, path: string): void {
  const keyword = UNSUPPORTED.find(name => name in said);
  if (keyword !== undefined) unsupported(keyword, path);
}

/** A grammar can only negate everything. */
function negated({ not, ...said }: SchemaObject, place: SchemaPlace): string | null {
  const isAnything = not === true || (isSchemaObject(not) && !Object.keys(not).some(speaks));
  if (isAnything) return null;
  return not === false ? visit(said, place) : unsupported('not', place.path);
}

function referred({ $ref, ...said }: SchemaObject, place: SchemaPlace): string | null {
  const pointer = String($ref);
  const target = resolve(pointer, place);
  if (place.following.has(pointer))
    throw new SchemaError('invalid', `"$ref" at ${place.path} leads to itself: ${pointer}`);
  const next = { ...deeper(place), following: new Set([...place.following, pointer]) };
  if (Object.keys(said).length > 0) return visit(merged(target, said, place.path), next);
  return reference(pointer, { ...next, path: pointer }, inside => visit(target, inside));
}

/** Returns the rule of a reference, which may be recursive. */
function reference(
  pointer: string,
  place: SchemaPlace,
  make: (place: SchemaPlace) => string | null,
): string | null {
  const { references, grammar } = place;
  const known = references.get(pointer);
  if (known !== undefined) return known;
  const name = grammar.reserve();
  references.set(pointer, name);
  const body = make(place);
  if (body === null) references.set(pointer, null);
  grammar.define(name, body ?? NOTHING);
  return body === null ? null : name;
}

function resolve(pointer: string, { root, path }: SchemaPlace): Schema {
  let target: unknown = root;
  if (!/^#($|\/)/.test(pointer))
    throw new SchemaError('unsupported', `"$ref" at ${path} leads out of the schema: ${pointer}`);
  for (const step of pointer.split('/').slice(1)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    target =
      typeof target === 'object' && target !== null && Object.hasOwn(target, name)
        ? (target as SchemaObject)[name]
        : undefined;
  }
  if (typeof target === 'boolean' || isSchemaObject(target)) return target;
  throw new SchemaError('invalid', `"$ref" at ${path} leads nowhere: ${pointer}`);
}

const schemasIn = (value: unknown, keyword: string, path: string): Schema[] => {
  if (Array.isArray(value) && value.length > 0) return value as Schema[];
  throw new SchemaError('invalid', `"${keyword}" at ${path} is not a list of schemas`);
};

const pick = (schema: SchemaObject, keywords: readonly string[]): SchemaObject =>
  Object.fromEntries(Object.entries(schema).filter(([keyword]) => keywords.includes(keyword)));

/** Merges all of them with the keywords beside them. */
function allMerged({ allOf, ...said }: SchemaObject, path: string): Schema {
  return schemasIn(allOf, 'allOf', path).reduce<Schema>((all, each) => merged(all, each, path), said);
}

/**
 * Merges each alternative with the keywords beside it. That only one alternative of `oneOf` matches is
 * checked in the answer.
 */
function oneOf(schema: SchemaObject, keyword: 'anyOf' | 'oneOf', place: SchemaPlace): string | null {
  const { [keyword]: alternatives, ...said } = schema;
  const allowed = schemasIn(alternatives, keyword, place.path).flatMap((alternative, index) => {
    const inside = deeper(place, `/${keyword}/${index}`);
    return visit(merged(said, alternative, inside.path), inside) ?? [];
  });
  return allowed.length === 0 ? null : either([...new Set(allowed)]);
}

/** Returns listed values as JSON. */
function listed({ enum: values, ...said }: SchemaObject, { grammar, path }: SchemaPlace): string | null {
  const allowed = 'const' in said ? [said.const] : values;
  if (!Array.isArray(allowed)) throw new SchemaError('invalid', `"enum" at ${path} is not a list`);
  const scalar = pick(said, SCALAR_KEYWORDS);
  const isValid = Object.keys(scalar).length === 0 ? () => true : checkerOf(scalar).isValid;
  const texts = allowed.filter(isValid).map(value => literal(JSON.stringify(value)));
  return texts.length === 0 ? null : grammar.rule(texts.join(' | '));
}

function typed(said: SchemaObject, place: SchemaPlace): string | null {
  const allowed = typesOf(said, place.path).flatMap(type => ofType(type, said, place) ?? []);
  return allowed.length === 0 ? null : either([...new Set(allowed)]);
}

/** Returns the types that `type` or the keywords name. Numbers include integers. */
function typesOf({ type, nullable, ...said }: SchemaObject, path: string): JsonType[] {
  const types = new Set<unknown>([type ?? []].flat());
  if (type === undefined) for (const keyword of Object.keys(said)) types.add(TYPES_OF_KEYWORDS[keyword]);
  if (nullable === true) types.add('null');
  const unknown = [...types].find(name => !TYPES.includes(name as JsonType));
  if (unknown !== undefined)
    throw new SchemaError(
      'invalid',
      `"type" at ${path} is ${JSON.stringify(unknown)}, which is not a JSON type`,
    );
  return TYPES.filter(name => types.has(name) && !(name === 'integer' && types.has('number')));
}

function ofType(type: JsonType, said: SchemaObject, place: SchemaPlace): string | null {
  switch (type) {
    case 'null':
      return '"null"';
    case 'boolean':
      return '("true" | "false")';
    case 'string':
      return stringGrammar(said, place);
    case 'array':
      return arrayGrammar(said, place);
    case 'object':
      return objectGrammar(said, place);
    default:
      return numbersOf(type, said, place);
  }
}

function numbersOf(
  type: 'integer' | 'number',
  said: SchemaObject,
  { grammar, path }: SchemaPlace,
): string | null {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum, exclusiveMaximum, multipleOf } = said;
  const [low, high] = [Number(exclusiveMinimum ?? -Infinity), Number(exclusiveMaximum ?? Infinity)];
  const step = multipleOf === undefined ? undefined : Number(multipleOf);
  if (step !== undefined && step !== Number(`1e-${placesOf(step)}`))
    unsupported('multipleOf', path, 'only 1, 0.1, 0.01 and so on can be enforced');
  if (Math.max(Number(minimum), low) >= MOST || Math.min(Number(maximum), high) <= -MOST)
    unsupported('minimum or maximum', path, `numbers are written up to ${MOST}`);
  const numbers = numberGrammar({
    minimum: Math.max(Number(minimum), low),
    maximum: Math.min(Number(maximum), high),
    excludesMinimum: low >= Number(minimum) && exclusiveMinimum !== undefined,
    excludesMaximum: high <= Number(maximum) && exclusiveMaximum !== undefined,
    decimals: type === 'integer' ? 0 : step === undefined ? Infinity : placesOf(step),
  });
  return numbers === undefined ? null : grammar.rule(numbers);
}

function arrayGrammar(said: SchemaObject, place: SchemaPlace): string | null {
  const { items, prefixItems, additionalItems, minItems = 0, maxItems = Infinity, uniqueItems } = said;
  const { grammar, path } = place;
  const [min, max] = [Number(minItems), Number(maxItems)];
  if (uniqueItems === true && max > 1) unsupported('uniqueItems', path);
  const isTuple = Array.isArray(items);
  const first = (isTuple ? items : prefixItems) as Schema[] | undefined;
  const tuple = (first ?? []).map((each, index) =>
    visit(each, intoPart(place, `/${isTuple ? 'items' : 'prefixItems'}/${index}`)),
  );
  const others = isTuple ? additionalItems : items;
  const isOpen = others !== undefined || tuple.length < min || tuple.length === 0;
  const item = isOpen && max > tuple.length ? visit(others ?? true, intoPart(place, '/items')) : null;
  return listGrammar(grammar, tuple, item, min, max);
}

/** Returns a list whose first values have their own forms, and whose others share one form. */
function listGrammar(
  grammar: Grammar,
  tuple: readonly (string | null)[],
  item: string | null,
  min: number,
  max: number,
): string | null {
  const possible = tuple.includes(null) ? tuple.indexOf(null) : tuple.length;
  const longest = Math.min(max, possible < tuple.length || item === null ? possible : Infinity);
  if (longest < min) return null;
  const comma = `"," ${SPACE}`;
  const after = (index: number): string => {
    const part = index === 0 ? '' : comma;
    if (index >= longest) return '';
    if (index < tuple.length) {
      const more = joined(part, tuple[index] ?? '', after(index + 1));
      return index < min ? more : `(${more})?`;
    }
    const others = grammar.rule(joined(comma, item ?? ''));
    if (index > 0) return repeated(grammar, others, Math.max(0, min - index), longest - index);
    const all = joined(item ?? '', repeated(grammar, others, Math.max(0, min - 1), longest - 1));
    return min > 0 ? all : `(${all})?`;
  };
  return grammar.rule(joined('"["', after(0), '"]"'));
}
