import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/postgres.ts';
import { binaryArray } from '../src/store/postgres/binary-arrays.ts';
import { decodeText } from '../src/store/postgres/text.ts';

let database: Client;

beforeAll(async () => {
  const { url } = await createTestDatabase();
  database = new Client(url);
  await database.connect();
});
afterAll(() => database.end());

const nullable = <T>(values: fc.Arbitrary<T>) => fc.array(fc.option(values));
// The server spells numbers and texts as JavaScript reads them; -0 has no such spelling.
const ELEMENTS = {
  text: { values: nullable(fc.string({ unit: 'binary' })), read: decodeText },
  bigint: { values: nullable(fc.maxSafeInteger()), read: Number },
  'double precision': {
    values: nullable(fc.double({ noNaN: true }).map(value => value + 0)),
    read: Number,
  },
} as const;

describe('a binary array', () => {
  test.for(Object.entries(ELEMENTS))('of %s arrives as it was sent', async ([type, { values, read }]) => {
    await fc.assert(
      fc.asyncProperty(values as fc.Arbitrary<unknown[]>, async sent => {
        const { rows } = await database.query(`SELECT element::text FROM unnest($1::${type}[]) AS element`, [
          binaryArray(type, sent),
        ]);
        expect(rows.map(({ element }) => (element === null ? null : read(element)))).toEqual(sent);
      }),
    );
  });

  test('of integers has those beyond 2^53 as the largest that can be read back', () => {
    expect(binaryArray('bigint', [2 ** 53, -1e300])).toEqual(
      binaryArray('bigint', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]),
    );
  });

  test.each([0.5, Number.NaN, Infinity])('of integers does not take %d', value => {
    expect(() => binaryArray('bigint', [value])).toThrow(RangeError);
  });
});
