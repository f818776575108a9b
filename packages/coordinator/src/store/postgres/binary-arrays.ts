import { types } from 'pg';
import { clampNumber } from '../numbers.ts';
import { encodeText } from './text.ts';

/** How an element of an array is encoded. */
interface ElementType {
  oid: number;
  /** Writes a value at an offset, and returns the offset after it. */
  write(value: unknown, to: Buffer, offset: number): number;
  /** Size of a value in bytes. */
  size(value: unknown): number;
}

const TEXT: ElementType = {
  oid: types.builtins.TEXT,
  size: value => Buffer.byteLength(value as string),
  write: (value, to, offset) => offset + to.write(value as string, offset),
};

const BIGINT: ElementType = {
  oid: types.builtins.INT8,
  size: () => 8,
  write(value, to, offset) {
    if (!Number.isInteger(value)) throw new RangeError(`Not an integer: ${value}`);
    const number = clampNumber(value as number);
    to.writeInt32BE(Math.floor(number / 2 ** 32), offset);
    return to.writeUInt32BE(number >>> 0, offset + 4);
  },
};

const DOUBLE: ElementType = {
  oid: types.builtins.FLOAT8,
  size: () => 8,
  write: (value, to, offset) => to.writeDoubleBE(value as number, offset),
};

/** The types of the schema's columns, by their names in PostgreSQL. */
const ELEMENT_TYPES: Record<string, ElementType> = {
  text: TEXT,
  bigint: BIGINT,
  'double precision': DOUBLE,
};

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/**
 * Encodes an array in PostgreSQL's binary format, which the server reads without parsing text (`array_recv` in its
 * `arrayfuncs.c`): the number of dimensions, whether there are nulls, the elements' type, their number, the first index,
 * then each element preceded by its length.
 *
 * @param type the elements' type, by its name in PostgreSQL
 */
export function binaryArray(type: string, values: readonly unknown[]): Buffer {
  const element = ELEMENT_TYPES[type];
  if (!element) throw new Error(`No column has the type ${type}`);
  const elements = element === TEXT ? values.map(textOf) : values;
  // Iterators would create an object for each element, of which there are up to a million a second.
  let size = HEADER_BYTES + LENGTH_BYTES * elements.length;
  for (let at = 0; at < elements.length; at++) size += elements[at] == null ? 0 : element.size(elements[at]);
  const bytes = Buffer.allocUnsafe(size);
  let offset = bytes.writeInt32BE(1, 0);
  offset = bytes.writeInt32BE(1, offset);
  offset = bytes.writeInt32BE(element.oid, offset);
  offset = bytes.writeInt32BE(elements.length, offset);
  offset = bytes.writeInt32BE(1, offset);
  for (let at = 0; at < elements.length; at++) {
    const value = elements[at];
    const start = offset + LENGTH_BYTES;
    const end = value == null ? start : element.write(value, bytes, start);
    bytes.writeInt32BE(value == null ? NULL_LENGTH : end - start, offset);
    offset = end;
  }
  return bytes;
}

const textOf = (value: unknown) => (value == null ? null : encodeText(String(value)));
