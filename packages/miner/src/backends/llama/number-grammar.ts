import { characterOf, either, joined, literal } from './gbnf.ts';

/* Decimal notations within bounds, as GBNF. Exponents are only written when there are no bounds. */

export interface NumberBounds {
  minimum: number;
  maximum: number;
  /** Whether the bounds themselves are excluded. */
  excludesMinimum: boolean;
  excludesMaximum: boolean;
  /** Digits after the point: 0 for integers. */
  decimals: number;
}

/** Integers with this many digits are exact in all JSON libraries. */
const DIGITS = 15;
/** Larger than all numbers that are written within bounds. */
export const MOST = 10 ** DIGITS;
const DIGIT = '[0-9]';

/** The most decimals that JavaScript writes. */
const MOST_PLACES = 100;

/** How many more decimals than the bounds the numbers between them may have. */
const MORE_DECIMALS = 4;

/** Returns undefined when no number is within the bounds. */
export function numberGrammar(bounds: NumberBounds): string | undefined {
  const { minimum, maximum, decimals } = bounds;
  if (minimum === -Infinity && maximum === Infinity) return freeNumber(decimals);
  const places = Math.min(
    decimals,
    MORE_DECIMALS + Math.max(placesOf(minimum), placesOf(maximum)),
    DIGITS - 1,
  );
  const limit = 10n ** BigInt(DIGITS) - 1n;
  const lowest = largerOf(scaled(minimum, places, 'up', bounds.excludesMinimum), -limit);
  const highest = smallerOf(scaled(maximum, places, 'down', bounds.excludesMaximum), limit);
  if (lowest > highest) return undefined;
  const alternatives = [
    ...(lowest < 0n ? [joined('"-"', digitsBetween(largerOf(-highest, 1n), -lowest, places))] : []),
    ...(highest >= 0n ? [digitsBetween(largerOf(lowest, 0n), highest, places)] : []),
  ];
  return either(alternatives);
}

function freeNumber(decimals: number): string {
  const integer = `"-"? ("0" | [1-9] ${DIGIT}{0,${DIGITS - 1}})`;
  if (decimals === 0) return `(${integer})`;
  if (decimals < DIGITS) return `(${integer} ("." ${DIGIT}{1,${decimals}})?)`;
  return `(${integer} ("." ${DIGIT}{1,${DIGITS}})? ([eE] [-+]? [1-9] ${DIGIT}?)?)`;
}

/** Returns the number of digits after the point. */
export function placesOf(number: number): number {
  if (!Number.isFinite(number)) return 0;
  const [mantissa = '', exponent = '0'] = Math.abs(number).toString().split('e');
  const written = mantissa.split('.')[1]?.length ?? 0;
  return Math.max(0, written - Number(exponent));
}

/** Returns a bound in units of the last decimal, rounded towards the inside. */
function scaled(bound: number, places: number, direction: 'up' | 'down', isExcluded: boolean): bigint {
  const step = direction === 'up' ? 1n : -1n;
  if (!Number.isFinite(bound)) return -step * 10n ** 40n;
  const boundPlaces = Math.min(placesOf(bound), MOST_PLACES);
  const units = unitsOf(bound, boundPlaces);
  if (boundPlaces <= places) {
    const exact = units * 10n ** BigInt(places - boundPlaces);
    return isExcluded ? exact + step : exact;
  }
  const divisor = 10n ** BigInt(boundPlaces - places);
  const cut = units / divisor;
  const isInside = direction === 'up' ? cut * divisor >= units : cut * divisor <= units;
  return isInside ? cut : cut + step;
}

function unitsOf(bound: number, places: number): bigint {
  if (Number.isInteger(bound)) return BigInt(bound);
  const digits = BigInt(Math.abs(bound).toFixed(places).replace('.', '')) || 1n;
  return bound < 0 ? -digits : digits;
}

/** Returns the non-negative numbers from `low` to `high`, both in units of the last decimal. */
function digitsBetween(low: bigint, high: bigint, places: number): string {
  const alternatives: string[] = [];
  const one = 10n ** BigInt(places);
  for (let tens = 1n; tens === 1n || tens * one <= high; tens *= 10n) {
    const from = largerOf(low, tens === 1n ? 0n : tens * one);
    const to = smallerOf(high, tens * 10n * one - 1n);
    if (from <= to) alternatives.push(textsBetween(textOf(from, places), textOf(to, places), false));
  }
  return either(alternatives);
}

/** Writes a zero before the point: 5 with 2 decimals is 0.05. */
function textOf(units: bigint, places: number): string {
  const digits = units.toString().padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/**
 * Returns the texts of equal length between two texts, in the order of their digits. Zeros at the end of
 * decimals may be left out.
 *
 * @param isDecimal whether a decimal precedes them
 */
function textsBetween(from: string, to: string, isDecimal: boolean): string {
  const [first = '', last = ''] = [from[0], to[0]];
  if (first === '') return '';
  const mayEnd = (isDecimal || first === '.') && /^\.?0+$/.test(from);
  const texts = first === '.' ? decimalsBetween(from, to) : digitsFrom(first, from, last, to, isDecimal);
  return mayEnd ? `(${texts})?` : texts;
}

function decimalsBetween(from: string, to: string): string {
  const [first = '', last = ''] = [from[1], to[1]];
  return joined('"."', digitsFrom(first, from.slice(1), last, to.slice(1), true));
}

function digitsFrom(first: string, from: string, last: string, to: string, isDecimal: boolean): string {
  const [afterFirst, afterLast] = [from.slice(1), to.slice(1)];
  if (first === last) return joined(literal(first), textsBetween(afterFirst, afterLast, isDecimal));
  // Whether every text after the first digit is at least the bound's, or after the last digit at most the
  // bound's.
  const isWhole = /^[0.]*$/.test(afterFirst);
  const isFull = /^[9.]*$/.test(afterLast);
  const [low, high] = [Number(first) + (isWhole ? 0 : 1), Number(last) - (isFull ? 0 : 1)];
  const nines = afterFirst.replace(/\d/g, '9');
  const zeros = afterLast.replace(/\d/g, '0');
  return either([
    ...(isWhole ? [] : [joined(literal(first), textsBetween(afterFirst, nines, isDecimal))]),
    ...(low <= high ? [joined(digitRange(low, high), anyDigits(afterFirst, isDecimal))] : []),
    ...(isFull ? [] : [joined(literal(last), textsBetween(zeros, afterLast, isDecimal))]),
  ]);
}

/** Allows any digit in each place. */
function anyDigits(pattern: string, isDecimal: boolean): string {
  if (pattern === '') return '';
  if (isDecimal) return `${DIGIT}{0,${pattern.length}}`;
  const [whole = '', decimals] = pattern.split('.');
  const integers = whole === '' ? '' : `${DIGIT}{${whole.length}}`;
  return joined(integers, decimals === undefined ? '' : `("." ${DIGIT}{1,${decimals.length}})?`);
}

const digitRange = (low: number, high: number) => characterOf([[low + 0x30, high + 0x30]]);
const largerOf = (a: bigint, b: bigint) => (a > b ? a : b);
const smallerOf = (a: bigint, b: bigint) => (a < b ? a : b);
