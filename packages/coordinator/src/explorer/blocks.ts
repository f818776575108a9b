import type { Block, BlockDetail } from '@aitbc/protocol';
import { fail } from '../errors.ts';
import { isoTime } from '../store/numbers.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { findHeight, listCheckpoints } from './queries.ts';

type Checkpoint = Row<'checkpoint'>;

export interface BlockQuery {
  limit: number;
  /** Only blocks below this height. */
  before: number | undefined;
}

/** Returns blocks, newest first, and the height below which the next page starts. */
export async function listBlocks(
  { read }: Store,
  { limit, before }: BlockQuery,
): Promise<{ blocks: Block[]; next: number | undefined }> {
  // One row more is read, because a block is the difference between two checkpoints.
  const rows = await listCheckpoints(read, { before, limit: limit + 1 });
  const blocks = rows.slice(0, limit).map((row, index) => toBlock(row, rows[index + 1]));
  return { blocks, next: rows.length > limit ? blocks.at(-1)?.height : undefined };
}

export interface FoundBlock extends BlockDetail {
  /** The index of the block's first transaction. The last one is before `tree_size`. */
  first: number;
  /** Whether the block's data can no longer change. Witnesses may still sign the newest block. */
  isFinal: boolean;
}

/**
 * @param id a height, or a hash in hex
 * @throws RequestError if there is no such block
 */
export async function readBlock({ read }: Store, id: string): Promise<FoundBlock> {
  const height = isHeight(id) ? Number(id) : await findHeight(read, id.toLowerCase());
  if (height === undefined) return blockNotFound();
  const around = await listCheckpoints(read, { before: height + 2, limit: 3 });
  const place = around.findIndex(row => row.height === height);
  const [row, parent] = [around[place], around[place + 1]];
  if (!row) return blockNotFound();
  return {
    ...toBlock(row, parent),
    checkpoint: row.note,
    first: parent?.size ?? 0,
    isFinal: place > 0,
  };
}

/** Whether the id is a height, or an index. Hashes have 64 digits. */
export const isHeight = (id: string) => /^\d{1,15}$/.test(id);

const blockNotFound = () => fail('BLOCK_NOT_FOUND', 'The ledger has no such block');

function toBlock(row: Checkpoint, parent: Checkpoint | undefined): Block {
  return {
    height: row.height,
    hash: row.hash,
    parent_hash: row.parent_hash,
    tree_size: row.size,
    root_hash: row.root,
    timestamp: isoTime(row.signed_at),
    transactions: row.size - (parent?.size ?? 0),
    size: row.bytes - (parent?.bytes ?? 0),
  };
}
