import { isDeepStrictEqual } from 'node:util';
import { unsupported } from './schema-error.ts';

export type SchemaObject = Record<string, unknown>;
export type Schema = SchemaObject | boolean;

/* Merges two JSON schemas into one that requires both, as "allOf" and "$ref" with siblings do. */

export const isSchemaObject = (value: unknown): value is SchemaObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Merge = (a: unknown, b: unknown, merge: Merged) => unknown;
type Merged = (a: Schema, b: Schema) => Schema;

const union: Merge = (a, b) => [...new Set([...listOf(a), ...listOf(b)])];
const larger: Merge = (a, b) => Math.max(Number(a), Number(b));
const smaller: Merge = (a, b) => Math.min(Number(a), Number(b));
const both: Merge = (a, b, merge) => merge(a as Schema, b as Schema);
const either: Merge = (a, b) => a === true || b === true;
const KEYWORDS: Record<string, Merge> = {
  type: (a, b) => commonTypes(listOf(a), listOf(b)),
  enum: (a, b) => listOf(a).filter(value => listOf(b).some(other => isDeepStrictEqual(value, other))),
  required: union,
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  uniqueItems: either,
  nullable: (a, b) => a === true && b === true,
  items: both,
  additionalProperties: both,
  propertyNames: both,
  allOf: (a, b) => [...listOf(a), ...listOf(b)],
};

/** Two of these can not be merged, so both are required. */
const APART = ['$ref', 'anyOf', 'oneOf'];

/** These say nothing about valid values, so the first one stays. */
export const ANNOTATIONS = new Set([
  ...['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$comment', '$schema', '$id', '$anchor', '$defs', 'definitions', '$vocabulary', 'discriminator'],
  ...['contentEncoding', 'contentMediaType', 'externalDocs', 'xml'],
]);

/**
 * @param path the place in the schema, for errors
 * @throws {SchemaError} for keywords that can not be merged
 */
export function merged(a: Schema, b: Schema, path: string): Schema {
  if (a === false || b === false) return false;
  if (a === true) return b;
  if (b === true) return a;
  const [first, second] = [withEnum(a), withEnum(b)];
  const result: SchemaObject = { ...first };
  const merge: Merged = (one, other) => merged(one, other, path);
  for (const [keyword, value] of Object.entries(second)) {
    if (keyword === 'properties') continue;
    if (!(keyword in first)) result[keyword] = value;
    else if (isDeepStrictEqual(first[keyword], value) || ANNOTATIONS.has(keyword)) continue;
    else if (APART.includes(keyword)) result.allOf = [...listOf(result.allOf ?? []), { [keyword]: value }];
    else if (Object.hasOwn(KEYWORDS, keyword))
      result[keyword] = KEYWORDS[keyword]?.(first[keyword], value, merge);
    else unsupported(keyword, path, 'it can not be combined with another one of its kind');
  }
  if (first.properties || second.properties) result.properties = mergedProperties(first, second, merge);
  return result;
}

/**
 * Merges the properties of both, in order. A property that only one schema names is an additional one in the
 * other.
 */
function mergedProperties(a: SchemaObject, b: SchemaObject, merge: Merged): SchemaObject {
  const [ofA, ofB] = [Object(a.properties), Object(b.properties)];
  const names = [...new Set([...Object.keys(ofA), ...Object.keys(ofB)])];
  const schemaIn = (properties: SchemaObject, name: string, { additionalProperties = true }: SchemaObject) =>
    (Object.hasOwn(properties, name) ? properties[name] : additionalProperties) as Schema;
  return Object.fromEntries(names.map(name => [name, merge(schemaIn(ofA, name, a), schemaIn(ofB, name, b))]));
}

/** Converts a constant to a list of one value. */
function withEnum(schema: SchemaObject): SchemaObject {
  if (!('const' in schema)) return schema;
  const { const: value, ...rest } = schema;
  const isIn = !Array.isArray(rest.enum) || rest.enum.some(other => isDeepStrictEqual(other, value));
  return { ...rest, enum: isIn ? [value] : [] };
}

/** Integers are numbers. */
function commonTypes(a: readonly unknown[], b: readonly unknown[]): unknown[] {
  const isIn = (type: unknown, types: readonly unknown[]) =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  return [...new Set([...a.filter(type => isIn(type, b)), ...b.filter(type => isIn(type, a))])];
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);
