import { TILE_WIDTH } from '@aitbc/tlog';
import { LedgerError } from '../errors.ts';

/** The bundles that have the entries from one up to another, by their index. */
export function* bundlesOf(from: number, to: number): Generator<number> {
  if (from === to) return;
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) yield index;
}

export function otherEntries(path: string, size: number): LedgerError {
  const message = `${path} has other entries than the tree of ${size} entries that was signed`;
  return new LedgerError('ENTRIES_INVALID', message, { path });
}
