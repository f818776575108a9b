import { malformed } from './errors.ts';
import { checkWidth } from './tiles.ts';

const LENGTH_BYTES = 2;

/** The longest entry, as a bundle writes its length in 16 bits. */
export const MAX_ENTRY_BYTES = 65_535;

/**
 * Returns the bytes of an entry bundle (C2SP tlog-tiles, Log entries): each entry after its length in 2
 * bytes, most significant first.
 *
 * @param entries 1 to 256, of at most 65,535 bytes
 * @throws TlogError MALFORMED
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  checkWidth(entries.length);
  const total = entries.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) throw malformed(`An entry has at most ${MAX_ENTRY_BYTES} bytes`);
    view.setUint16(offset, entry.length);
    bytes.set(entry, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + entry.length;
  }
  return bytes;
}

/**
 * Returns the entries of a bundle.
 *
 * @param width how many entries it must have
 * @throws TlogError MALFORMED
 */
export function decodeEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  checkWidth(width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const start = offset + LENGTH_BYTES;
    const end = start <= bytes.length ? start + view.getUint16(offset) : Infinity;
    if (end > bytes.length) throw malformed(`The bundle ends within entry ${entries.length}`);
    entries.push(bytes.slice(start, end));
    offset = end;
  }
  if (entries.length !== width) throw malformed(`The bundle has ${entries.length} entries, not ${width}`);
  return entries;
}
