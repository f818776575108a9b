import { isObject } from './shapes.ts';

const PLAIN_DECIMAL = /^-?\d+(\.\d{1,6})?$/;
const MAX_ASCII = 0x7f;

/** A number or a text within a value. Names of members are texts too. */
interface Leaf {
  /** The path with dots: `metadata.usage.prompt_tokens`. */
  place: string;
  value: unknown;
}

/**
 * Returns the places of numbers with more than 6 decimals or beyond 2^53 - 1, which lose digits as doubles.
 */
export function unsafeNumbers(value: unknown): string[] {
  return placesWhere(value, leaf => typeof leaf === 'number' && !isSafeNumber(leaf));
}

/** Returns the places of texts that are not ASCII, as Unicode has several forms of equal texts. */
export function nonAsciiTexts(value: unknown): string[] {
  return placesWhere(value, leaf => typeof leaf === 'string' && !isAscii(leaf));
}

function isSafeNumber(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER && PLAIN_DECIMAL.test(String(value));
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > MAX_ASCII) return false;
  return true;
}

function placesWhere(value: unknown, isFaulty: (leaf: unknown) => boolean): string[] {
  return Array.from(leaves(value, ''))
    .filter(leaf => isFaulty(leaf.value))
    .map(leaf => leaf.place);
}

function* leaves(value: unknown, place: string): Generator<Leaf> {
  if (!isObject(value) && !Array.isArray(value)) {
    yield { place, value };
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    const inner = place === '' ? name : `${place}.${name}`;
    yield { place: inner, value: name };
    yield* leaves(member, inner);
  }
}
