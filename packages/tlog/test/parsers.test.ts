import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeEntryBundle,
  decodeTile,
  encodeEntryBundle,
  encodeTile,
  formatAddCheckpoint,
  formatCheckpoint,
  formatNote,
  formatSignatureLines,
  formatTilePath,
  formatTlogProof,
  formatVkey,
  parseAddCheckpoint,
  parseCheckpoint,
  parseNote,
  parseSignatureLines,
  parseTilePath,
  parseTlogProof,
  parseVkey,
  TlogError,
} from '../src/index.ts';
import ledger from './vectors/ledger.json' with { type: 'json' };
import tiles from './vectors/tiles.json' with { type: 'json' };

const RUNS = { numRuns: 400 };

interface Format {
  name: string;
  /** Texts in the format. */
  samples: string[];
  /** Parses a text and formats it again. */
  rewrite: (text: string) => string;
}

const [checkpoint = '', signatures = ''] = ledger.checkpoint.split('\n\n');
const FORMATS: Format[] = [
  { name: 'note', samples: [ledger.checkpoint], rewrite: text => formatNote(parseNote(text)) },
  {
    name: 'signature lines',
    samples: [signatures],
    rewrite: text => formatSignatureLines(parseSignatureLines(text)),
  },
  {
    name: 'checkpoint',
    samples: [`${checkpoint}\n`, `${checkpoint}\nextension\n`],
    rewrite: text => formatCheckpoint(parseCheckpoint(text)),
  },
  {
    name: 'verifier key',
    samples: [ledger.log.vkey, ledger.cosigner.vkey],
    rewrite: text => formatVkey(parseVkey(text)),
  },
  {
    name: 'tlog-proof',
    samples: [ledger.tlog_proof, ledger.tlog_proof.replace('index', 'extra AAE=\nindex')],
    rewrite: text => formatTlogProof(parseTlogProof(text)),
  },
  {
    name: 'add-checkpoint',
    samples: [ledger.add_checkpoint],
    rewrite: text => formatAddCheckpoint(parseAddCheckpoint(text)),
  },
  {
    name: 'tile path',
    samples: tiles.paths.map(({ path }) => path),
    rewrite: text => formatTilePath(parseTilePath(text)),
  },
];

const anyUnit = fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom('\n', ' ', '0', '='));

/** Generates samples with a part replaced, removed or doubled. */
function mutations(samples: readonly string[]): fc.Arbitrary<string> {
  return fc
    .record({ sample: fc.constantFrom(...samples), at: fc.nat(1000), length: fc.nat(4), put: anyUnit })
    .map(({ sample, at, length, put }) => {
      const start = at % (sample.length + 1);
      return sample.slice(0, start) + put + sample.slice(start + length);
    });
}

test.each(FORMATS)('a $name that is read is written again to the letter', ({ samples, rewrite }) => {
  expect(samples.map(rewrite)).toEqual(samples);
});

test.each(FORMATS)('a $name has one spelling, and anything else is malformed', ({ samples, rewrite }) => {
  const text = fc.oneof(mutations(samples), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(text, text => {
      const again = attempt(() => rewrite(text));
      if (again !== undefined) expect(again).toBe(text);
    }),
    RUNS,
  );
});

test.each([
  ['note', parseNote],
  ['tlog-proof', parseTlogProof],
  ['add-checkpoint', parseAddCheckpoint],
  ['signature lines', parseSignatureLines],
])('a %s in any bytes is read, or malformed', (_, parse) => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      attempt(() => parse(bytes));
    }),
    RUNS,
  );
});

test('a tile in any bytes is read to the letter, or malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(4), (bytes, width) => {
      const again = attempt(() => encodeTile(decodeTile(bytes, width)));
      if (again !== undefined) expect(again).toEqual(bytes);
    }),
    RUNS,
  );
});

test('an entry bundle in any bytes is read to the letter, or malformed', () => {
  const byte = fc.oneof(fc.constant(0), fc.nat(3), fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 12 }), fc.nat(4), (bytes, width) => {
      const again = attempt(() => encodeEntryBundle(decodeEntryBundle(Uint8Array.from(bytes), width)));
      if (again !== undefined) expect(Array.from(again)).toEqual(bytes);
    }),
    RUNS,
  );
});

test('what keeps a text from being read is said', () => {
  expect(() => parseTlogProof('index 1')).toThrow('There is no blank line');
  expect(() => parseCheckpoint('a\n01\n')).toThrow(
    '"01" is no decimal from 0 to 2^53 - 1 without leading zeros',
  );
});

test('a byte order mark is no part of a text', () => {
  const marked = new TextEncoder().encode(`\ufeff${ledger.add_checkpoint}`);
  expect(() => parseAddCheckpoint(marked)).toThrow(TlogError);
});

const proof = { index: 0, hashes: [], checkpoint: ledger.checkpoint };
const addition = { old: 0, proof: [], checkpoint: ledger.checkpoint };

test.each([
  ['an index that is none', () => formatTlogProof({ ...proof, index: -1 })],
  ['a short hash', () => formatTlogProof({ ...proof, hashes: [new Uint8Array(31)] })],
  ['empty extra data', () => formatTlogProof({ ...proof, extra: new Uint8Array() })],
  ['no checkpoint', () => formatTlogProof({ ...proof, checkpoint: 'Hello!' })],
  ['an old size that is none', () => formatAddCheckpoint({ ...addition, old: 0.5 })],
  ['a short hash for a witness', () => formatAddCheckpoint({ ...addition, proof: [new Uint8Array(31)] })],
  ['no checkpoint for a witness', () => formatAddCheckpoint({ ...addition, checkpoint: '' })],
])('nothing is written with %s', (_, write) => {
  expect(write).toThrow(TlogError);
});

/** Returns undefined for a TlogError MALFORMED. Any other error fails the test. */
function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    expect(error).toBeInstanceOf(TlogError);
    return undefined;
  }
}
