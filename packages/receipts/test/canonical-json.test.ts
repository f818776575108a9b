import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { canonicalBytes, canonicalJson, parseCanonicalJson, parseStrictJson } from '../src/index.ts';

const cycle: unknown[] = [];
cycle.push(cycle);

test.each([
  ['undefined', undefined, 'undefined is not JSON'],
  ['a member that is undefined', { a: { b: undefined } }, 'a.b: undefined is not JSON'],
  ['a hole in a list', new Array(2), '0: undefined is not JSON'],
  ['NaN', [Number.NaN], '0: NaN is not JSON'],
  ['infinity', { a: Infinity }, 'a: Infinity is not JSON'],
  ['a bigint', 1n, 'a bigint is not JSON'],
  ['a function', { toJSON: () => 1 }, 'toJSON: a function is not JSON'],
  ['a symbol', Symbol('a'), 'a symbol is not JSON'],
  ['a date', { at: new Date(0) }, 'at: an object that is not plain is not JSON'],
  ['a map', new Map(), 'an object that is not plain is not JSON'],
  ['bytes', new Uint8Array(1), 'an object that is not plain is not JSON'],
  ['a lone surrogate', 'a\ud800', 'a lone surrogate is not JSON'],
  ['a name with a lone surrogate', [{ '\udc00': 1 }], '0: a name with a lone surrogate is not JSON'],
])('%s has no canonical JSON', (_, value, message) => {
  expect(() => canonicalJson(value)).toThrow(new TypeError(message));
});

test('a cycle has no canonical JSON', () => {
  expect(() => canonicalJson(cycle)).toThrow(/nesting beyond 500 levels is not JSON$/);
});

test('an object without a prototype is plain', () => {
  expect(canonicalJson(Object.assign(Object.create(null), { b: 1, a: 2 }))).toBe('{"a":2,"b":1}');
});

test('an object from another realm is plain', () => {
  expect(canonicalJson(runInNewContext('({ b: [1], a: 2 })'))).toBe('{"a":2,"b":[1]}');
});

test('a value that occurs twice is written twice', () => {
  const shared = { a: 1 };
  expect(canonicalJson([shared, shared])).toBe('[{"a":1},{"a":1}]');
});

test('the bytes are UTF-8', () => {
  expect(Array.from(canonicalBytes('é'))).toEqual([0x22, 0xc3, 0xa9, 0x22]);
});

test('canonical JSON is read from bytes', () => {
  expect(parseCanonicalJson(canonicalBytes({ é: '😀' }))).toEqual({ é: '😀' });
});

test.each([
  ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
  ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)],
])('%s are no canonical JSON', (_, bytes) => {
  expect(() => parseCanonicalJson(bytes)).toThrow(SyntaxError);
});

test('what is not canonical is refused with its place', () => {
  expect(() => parseCanonicalJson('{"a":1,"b":1.0}')).toThrow(/from position 12 on/);
});

test('a repeated name is named', () => {
  expect(() => parseStrictJson('{"price":1,"price":100}')).toThrow('The name "price" occurs twice');
});

test('the same name in different objects, and as a value, is no repetition', () => {
  const json = '{"a":{"a":["a","a",{"a":"a"}]},"b":"a","\\"a":"\\\\","c":"{\\"c\\":1"}';
  expect(parseStrictJson(json)).toEqual(JSON.parse(json));
});
