import { TILE_WIDTH } from '@aitbc/tlog';
import { LedgerError } from '../errors.ts';

/** Yields the indexes of the bundles with the entries from `from` up to `to`. */
export function* bundlesOf(from: number, to: number): Generator<number> {
  if (from === to) return;
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) yield index;
}

export function otherEntries(path: string, size: number): LedgerError {
  const message = `${path} has other entries than the signed tree of ${size} entries`;
  return new LedgerError('ENTRIES_INVALID', message, { path });
}
