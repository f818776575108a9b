import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createGrammar } from '../src/backends/llama/gbnf.ts';
import { checkerOf } from '../src/backends/llama/schema-check.ts';
import { SchemaError } from '../src/backends/llama/schema-error.ts';
import { schemaGrammar } from '../src/backends/llama/schema-grammar.ts';
import type { Schema } from '../src/backends/llama/schema-merge.ts';
import { sample } from './gbnf-sampler.ts';

function gbnfOf(schema: Schema): string {
  const grammar = createGrammar();
  return grammar.text(schemaGrammar(grammar, schema));
}

/** Returns texts that a model following the schema could write, the same ones each time. */
function samplesOf(schema: Schema, count = 60): string[] {
  const gbnf = gbnfOf(schema);
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  return Array.from({ length: count }, () => sample(gbnf, random));
}

const valuesOf = (schema: Schema) => samplesOf(schema).map(text => JSON.parse(text));

function errorOf(schema: Schema): SchemaError | undefined {
  try {
    gbnfOf(schema);
  } catch (error) {
    if (error instanceof SchemaError) return error;
    throw error;
  }
  return undefined;
}

const object = (properties: Record<string, Schema>, more: object = {}): Schema => ({
  ...{ type: 'object', properties, required: Object.keys(properties), additionalProperties: false },
  ...more,
});

test.each<[name: string, schema: Schema]>([
  ['anyOf with null, as pydantic writes Optional', { anyOf: [{ type: 'string' }, { type: 'null' }] }],
  ['anyOf without null', { anyOf: [{ type: 'string', maxLength: 2 }, { type: 'integer' }] }],
  [
    'oneOf',
    { oneOf: [object({ kind: { const: 'a' } }), object({ kind: { const: 'b' }, n: { type: 'integer' } })] },
  ],
  [
    'allOf',
    {
      allOf: [
        object({ a: { type: 'integer' } }, { additionalProperties: true }),
        { properties: { a: { minimum: 5 } } },
      ],
    },
  ],
  [
    'allOf of references',
    {
      $defs: {
        a: { properties: { a: { type: 'boolean' } }, required: ['a'] },
        b: { required: ['b'], properties: { b: { type: 'null' } } },
      },
      type: 'object',
      allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }],
    },
  ],
  [
    'anyOf beside properties',
    object(
      { a: { type: 'integer' } },
      { anyOf: [{ properties: { a: { maximum: 3 } } }, { properties: { a: { minimum: 90 } } }] },
    ),
  ],
  [
    'two of anyOf',
    { allOf: [{ anyOf: [{ minimum: 3 }, { maximum: 1 }] }, { anyOf: [{ type: 'integer' }] }] },
  ],
  ['a list of types', { type: ['string', 'integer', 'null'], maxLength: 3, minimum: 2, maximum: 40 }],
  ['nullable', { type: 'string', nullable: true, minLength: 2 }],
  ['enum', { enum: ['a "quoted" one', 3, null, { b: [1], a: 'ü' }] }],
  ['enum with a type and a bound', { type: 'integer', enum: [1, 2, 3, 'x'], minimum: 2 }],
  ['const', { const: { b: 1, a: [true] } }],
  ['bounds of integers', { type: 'integer', minimum: -17, exclusiveMaximum: 1_204 }],
  ['bounds of numbers', { type: 'number', exclusiveMinimum: -0.25, maximum: 12.5 }],
  ['a narrow bound', { type: 'number', minimum: 0.1231, exclusiveMaximum: 0.12319 }],
  ['multipleOf a cent', { type: 'number', multipleOf: 0.01, minimum: 0 }],
  ['lengths of texts', { type: 'string', minLength: 3, maxLength: 300 }],
  ['lengths of lists', { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 4 }],
  [
    'a tuple',
    {
      type: 'array',
      prefixItems: [{ type: 'integer' }, { type: 'string' }],
      items: { type: 'null' },
      minItems: 1,
    },
  ],
  [
    'a tuple of draft 7',
    { type: 'array', items: [{ type: 'integer' }, { type: 'string' }], additionalItems: false, minItems: 2 },
  ],
  [
    'a map',
    { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 0, maxProperties: 3 },
  ],
  [
    'a map with names of a form',
    { type: 'object', propertyNames: { pattern: '^[a-z]{2,4}$' }, additionalProperties: { type: 'null' } },
  ],
  [
    'a map by a pattern',
    { type: 'object', patternProperties: { '^x-': { type: 'integer' } }, additionalProperties: false },
  ],
  [
    'additional properties',
    object(
      { name: { type: 'integer' }, nam: { type: 'integer' } },
      { additionalProperties: { type: 'string' } },
    ),
  ],
  [
    'optional properties',
    {
      type: 'object',
      properties: { a: { type: 'integer' }, b: { type: 'null' }, c: { type: 'boolean' } },
      required: ['b'],
      additionalProperties: false,
    },
  ],
  [
    'a tree',
    {
      $defs: {
        node: object({
          value: { type: 'integer' },
          next: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/node' }] },
        }),
      },
      $ref: '#/$defs/node',
    },
  ],
  [
    'a reference to the whole',
    { type: 'object', properties: { child: { $ref: '#' } }, additionalProperties: false },
  ],
  [
    'a reference with siblings',
    {
      definitions: { short: { type: 'string', maxLength: 9 } },
      properties: { a: { $ref: '#/definitions/short', minLength: 8, description: 'x' } },
      required: ['a'],
      type: 'object',
    },
  ],
  ['no type', { properties: { a: {} }, required: ['a'] }],
  ['anything', true],
  ['not nothing', { type: 'integer', not: false }],
])('generated values are valid: %s', (_, schema) => {
  const { isValid, error } = checkerOf(schema);
  for (const text of samplesOf(schema)) {
    const value = JSON.parse(text);
    expect({ text, isValid: isValid(value) || error() }).toEqual({ text, isValid: true });
  }
});

test.each([
  ['^[0-9]{5}$', /^[0-9]{5}$/],
  ['^(?:a|bc)+\\.[^\\d"\\\\]x?$', /^(?:a|bc)+\.[^\d"\\]x?$/],
  ['in the middle', /in the middle/],
  ['^a|b$', /^a|b$/],
  ['^[A-Z][a-z]*(-[A-Z][a-z]*){0,2}$', /^[A-Z][a-z]*(-[A-Z][a-z]*){0,2}$/],
  ['^"\\\\\\n\\t/é$', /^"\\\n\t\/é$/],
  ['^\\S+@\\S+\\.\\w{2,}$', /^\S+@\S+\.\w{2,}$/],
  ['^.{3}$', /^.{3}$/],
  ['^[😀-😂]$', /^[😀-😂]$/u],
])('texts match the pattern %s', (pattern, expression) => {
  for (const value of valuesOf({ type: 'string', pattern })) expect(value).toMatch(expression);
});

test('a pattern of one repeated character takes lengths too', () => {
  const lengths = valuesOf({ type: 'string', pattern: '^[a-z]+$', minLength: 3, maxLength: 5 }).map(
    ({ length }) => length,
  );
  expect([Math.min(...lengths), Math.max(...lengths)]).toEqual([3, 5]);
});

test.each([
  ['date', (text: string) => new Date(`${text}T00:00:00Z`).toISOString().startsWith(text)],
  ['date-time', (text: string) => !Number.isNaN(Date.parse(text))],
  ['uuid', (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)],
  ['uri', (text: string) => URL.canParse(text)],
  ['email', (text: string) => /^[^@\s]+@[^@\s]+\.[^@\s.]+$/.test(text)],
  ['ipv4', (text: string) => text.split('.').every(part => Number(part) < 256)],
])('texts have the format %s', (format, isOne) => {
  for (const value of valuesOf({ type: 'string', format }))
    expect([value, isOne(value)]).toEqual([value, true]);
});

test('properties are written in the order of the schema', () => {
  const schema = object({
    steps: { type: 'string' },
    final_answer: { type: 'integer' },
    aside: { type: 'null' },
  });
  for (const text of samplesOf(schema))
    expect(Object.keys(JSON.parse(text))).toEqual(['steps', 'final_answer', 'aside']);
});

test('bounds can be generated in their shortest form', () => {
  const values = new Set(samplesOf({ type: 'number', minimum: 0, maximum: 1 }, 2_000));
  expect([values.has('0'), values.has('1')]).toEqual([true, true]);
});

describe('a keyword that can not be enforced is an error that names it', () => {
  test.each<[keyword: string, path: string, schema: Schema]>([
    ['uniqueItems', '#/properties/tags', object({ tags: { type: 'array', uniqueItems: true } })],
    ['not', '#', { not: { type: 'string' } }],
    ['if', '#/anyOf/0', { anyOf: [{ if: { type: 'string' } }] }],
    ['contains', '#/items', { type: 'array', items: { contains: { const: 1 } } }],
    ['dependentRequired', '#', { dependentRequired: { a: ['b'] } }],
    ['unevaluatedProperties', '#', { unevaluatedProperties: false }],
    ['multipleOf', '#', { type: 'integer', multipleOf: 7 }],
    ['minimum or maximum', '#', { type: 'integer', minimum: 1e30 }],
    ['format', '#', { type: 'string', format: 'telephone' }],
    ['pattern', '#', { type: 'string', pattern: '^(?=a)b' }],
    ['pattern', '#', { type: 'string', pattern: '^(a|b)\\1$' }],
    ['pattern', '#', { type: 'string', pattern: '^\\p{L}+$' }],
    ['pattern', '#', { type: 'string', pattern: '^(ab)+$', maxLength: 5 }],
    ['minProperties', '#', { properties: { a: true }, minProperties: 1 }],
    ['pattern', '#', { allOf: [{ type: 'string', pattern: 'a' }, { pattern: 'b' }] }],
  ])('%s at %s', (keyword, path, schema) => {
    expect(errorOf(schema)).toMatchObject({
      kind: 'unsupported',
      message: expect.stringMatching(`"${keyword}" at ${path} is not supported`),
    });
  });

  test.each<[what: string, schema: Schema]>([
    ['a type that JSON does not have', { type: 'nonsense' } as Schema],
    ['a reference to nothing', { $ref: '#/$defs/none' }],
    ['a reference to itself', { $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }],
    ['what nothing satisfies', object({ a: false })],
    ['bounds without a number between them', { type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 4 }],
    ['types that exclude each other', { allOf: [{ type: 'string' }, { type: 'integer' }] }],
    ['a pattern that is none', { type: 'string', pattern: '(' }],
  ])('%s is no schema', (_, schema) => {
    expect(errorOf(schema)).toMatchObject({ kind: 'invalid' });
  });

  test('a schema that grows without an end when it is written out', () => {
    const levels = Object.fromEntries(
      Array.from({ length: 40 }, (_, level) => [
        `l${level}`,
        {
          type: 'object',
          properties: {
            a: { $ref: `#/$defs/l${level + 1}`, title: 'x', minProperties: 0 },
            b: { $ref: `#/$defs/l${level + 1}`, minProperties: 0 },
          },
        },
      ]),
    );
    expect(errorOf({ $defs: { ...levels, l40: {} }, $ref: '#/$defs/l0' })).toMatchObject({
      kind: 'unsupported',
    });
  });
});

test('unknown keywords and annotations are ignored', () => {
  expect(
    valuesOf({
      type: 'null',
      title: 'Nothing',
      'x-order': 1,
      deprecated: true,
      $schema: 'https://example.org',
    }),
  ).toContain(null);
});

/** Generates schemas that a grammar can enforce, of any depth. */
const schemas = fc.letrec<{ schema: Schema }>(tie => ({
  schema: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Schema>(true, { type: 'null' }, { type: 'boolean' }, { type: 'string' }),
    fc.record({
      type: fc.constantFrom('integer', 'number'),
      minimum: fc.integer({ min: -2_000, max: 50 }),
      maximum: fc.integer({ min: 50, max: 3_000 }),
    }),
    fc
      .tuple(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 0.001, max: 1e5, noNaN: true }),
      )
      .map(
        ([minimum, more]): Schema => ({ type: 'number', exclusiveMinimum: minimum, maximum: minimum + more }),
      ),
    fc.record({
      type: fc.constant('string'),
      minLength: fc.nat(4),
      maxLength: fc.integer({ min: 4, max: 600 }),
    }),
    fc.record({ enum: fc.array(fc.jsonValue({ maxDepth: 2 }), { minLength: 1, maxLength: 4 }) }),
    fc.record({
      type: fc.constant('array'),
      items: tie('schema'),
      minItems: fc.nat(2),
      maxItems: fc.integer({ min: 2, max: 4 }),
    }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc
      .record({
        type: fc.constant('object'),
        properties: fc.dictionary(fc.string({ maxLength: 4 }), tie('schema'), { maxKeys: 4 }),
        additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
      })
      .chain(schema =>
        fc.record({
          ...Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, fc.constant(value)])),
          required: fc.subarray(Object.keys(schema.properties)),
        }),
      ) as fc.Arbitrary<Schema>,
    fc
      .tuple(tie('schema'), fc.nat(3))
      .map(([schema]): Schema => ({ allOf: [{ $ref: '#/$defs/shared' }, schema] })),
  ) as fc.Arbitrary<Schema>,
}));

test('generated values match any schema', () => {
  const shared: Schema = {
    anyOf: [{ type: ['string', 'null'] }, { type: ['number', 'array', 'object', 'boolean'] }],
  };
  fc.assert(
    fc.property(
      schemas.schema,
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (part, numbers) => {
        const schema = { $defs: { shared }, allOf: [part] };
        const error = errorOf(schema);
        if (error) return;
        const text = sample(gbnfOf(schema), () => numbers.next().value ?? 0);
        const { isValid, error: why } = checkerOf(schema);
        expect(isValid(JSON.parse(text)) || `${text}: ${why()}`).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
