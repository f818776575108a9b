import { readFileSync, writeFileSync } from 'node:fs';

/*
 * Reads a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) and writes a copy with changed weights, so
 * that coarser and damaged models need no other program. Matrices are written as Q8_0 or F16.
 */

interface Tensor {
  name: string;
  shape: number[];
  type: number;
  offset: number;
}

interface Gguf {
  bytes: Buffer;
  version: number;
  pairs: { count: bigint; from: number; to: number };
  /** Where the number of layers stands. */
  blockCountAt: number;
  tensors: Tensor[];
  data: number;
}

const TYPES = { f32: 0, f16: 1, q4_1: 3, q8_0: 8 } as const;
const BLOCK = 32;
const ALIGNMENT = 32;

/** Sizes of metadata values by their type; strings (8) and arrays (9) have none. */
const SIZES: Record<number, number> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

export interface WeightChange {
  /** Changes the values of one matrix, row after row. */
  change?: (name: string, values: Float32Array) => void;
  /** Layers to leave out. */
  without?: readonly number[];
  type?: 'q8_0' | 'f16';
}

export function copyGguf(
  source: string,
  target: string,
  { change, without = [], type = 'q8_0' }: WeightChange,
): void {
  const file = readGguf(source);
  const kept = file.tensors.flatMap(tensor => {
    const layer = /^blk\.(\d+)\./.exec(tensor.name)?.[1];
    if (layer === undefined) return [{ tensor, name: tensor.name }];
    if (without.includes(Number(layer))) return [];
    const place = Number(layer) - without.filter(number => number < Number(layer)).length;
    return [{ tensor, name: tensor.name.replace(/^blk\.\d+/, `blk.${place}`) }];
  });
  const pairs = Buffer.from(file.bytes.subarray(file.pairs.from, file.pairs.to));
  const layers = pairs.readUInt32LE(file.blockCountAt - file.pairs.from);
  pairs.writeUInt32LE(layers - without.length, file.blockCountAt - file.pairs.from);
  const header = Buffer.alloc(24);
  header.write('GGUF');
  header.writeUInt32LE(file.version, 4);
  header.writeBigUInt64LE(BigInt(kept.length), 8);
  header.writeBigUInt64LE(file.pairs.count, 16);
  const infos: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const { tensor, name } of kept) {
    const isMatrix = tensor.shape.length > 1;
    const values = valuesOf(file, tensor);
    if (isMatrix) change?.(name, values);
    const bytes = padded(
      isMatrix ? (type === 'f16' ? toF16(values) : toQ8(values)) : Buffer.from(values.buffer),
    );
    infos.push(infoOf(name, tensor.shape, isMatrix ? TYPES[type] : TYPES.f32, offset));
    data.push(bytes);
    offset += bytes.length;
  }
  const head = Buffer.concat([header, pairs, ...infos]);
  writeFileSync(target, Buffer.concat([padded(head), ...data]));
}

function readGguf(path: string): Gguf {
  const bytes = readFileSync(path);
  let at = 24;
  const count = bytes.readBigUInt64LE(16);
  const string = () => {
    const length = Number(bytes.readBigUInt64LE(at));
    at += 8 + length;
    return bytes.toString('utf8', at - length, at);
  };
  const skip = (type: number): void => {
    if (type === 8) void string();
    else if (type === 9) {
      const [element, length] = [bytes.readUInt32LE(at), Number(bytes.readBigUInt64LE(at + 4))];
      at += 12;
      for (let index = 0; index < length; index++) skip(element);
    } else at += SIZES[type] ?? 0;
  };
  let blockCountAt = 0;
  for (let index = 0n; index < count; index++) {
    const key = string();
    const type = bytes.readUInt32LE(at);
    at += 4;
    if (key.endsWith('.block_count')) blockCountAt = at;
    skip(type);
  }
  const to = at;
  const tensors = Array.from({ length: Number(bytes.readBigUInt64LE(8)) }, () => {
    const name = string();
    const dimensions = bytes.readUInt32LE(at);
    const shape = Array.from({ length: dimensions }, (_, index) =>
      Number(bytes.readBigUInt64LE(at + 4 + 8 * index)),
    );
    at += 4 + 8 * dimensions;
    const tensor = {
      name,
      shape,
      type: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 4)),
    };
    at += 12;
    return tensor;
  });
  const data = Math.ceil(at / ALIGNMENT) * ALIGNMENT;
  return {
    bytes,
    version: bytes.readUInt32LE(4),
    pairs: { count, from: 24, to },
    blockCountAt,
    tensors,
    data,
  };
}

function valuesOf({ bytes, data }: Gguf, { name, shape, type, offset }: Tensor): Float32Array {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const start = data + offset;
  const half = (at: number) => fromHalf(bytes.readUInt16LE(at));
  if (type === TYPES.f32)
    for (let i = 0; i < values.length; i++) values[i] = bytes.readFloatLE(start + 4 * i);
  else if (type === TYPES.f16) for (let i = 0; i < values.length; i++) values[i] = half(start + 2 * i);
  else if (type === TYPES.q8_0)
    for (let i = 0; i < values.length; i++) {
      const block = start + Math.floor(i / BLOCK) * 34;
      values[i] = half(block) * bytes.readInt8(block + 2 + (i % BLOCK));
    }
  else if (type === TYPES.q4_1)
    for (let i = 0; i < values.length; i++) {
      const block = start + Math.floor(i / BLOCK) * 20;
      const byte = bytes[block + 4 + (i % 16)] ?? 0;
      const nibble = i % BLOCK < 16 ? byte & 15 : byte >> 4;
      values[i] = half(block) * nibble + half(block + 2);
    }
  else
    throw new Error(
      `${name} has type ${type}, which the benchmark does not read: use F32, F16, Q8_0 or Q4_1`,
    );
  return values;
}

function infoOf(name: string, shape: readonly number[], type: number, offset: number): Buffer {
  const text = Buffer.from(name);
  const info = Buffer.alloc(8 + text.length + 4 + 8 * shape.length + 12);
  info.writeBigUInt64LE(BigInt(text.length));
  text.copy(info, 8);
  let at = 8 + text.length;
  info.writeUInt32LE(shape.length, at);
  for (const [index, size] of shape.entries()) info.writeBigUInt64LE(BigInt(size), at + 4 + 8 * index);
  at += 4 + 8 * shape.length;
  info.writeUInt32LE(type, at);
  info.writeBigUInt64LE(BigInt(offset), at + 4);
  return info;
}

function toQ8(values: Float32Array): Buffer {
  const bytes = Buffer.alloc((values.length / BLOCK) * 34);
  for (let block = 0; block * BLOCK < values.length; block++) {
    const part = values.subarray(block * BLOCK, (block + 1) * BLOCK);
    let largest = 0;
    for (const value of part) largest = Math.max(largest, Math.abs(value));
    const scale = largest / 127;
    bytes.writeUInt16LE(toHalf(scale), block * 34);
    for (const [index, value] of part.entries())
      bytes.writeInt8(scale > 0 ? Math.round(value / scale) : 0, block * 34 + 2 + index);
  }
  return bytes;
}

function toF16(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(toHalf(value), index * 2);
  return bytes;
}

const padded = (bytes: Buffer) =>
  Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);

function fromHalf(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** To the nearest half of a finite value below 65,504. */
function toHalf(value: number): number {
  const [sign, size] = [value < 0 ? 0x8000 : 0, Math.abs(value)];
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | (((exponent + 15) << 10) + Math.round((size / 2 ** exponent - 1) * 1024));
}
