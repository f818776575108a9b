import { hash } from 'node:crypto';
import {
  cosignCheckpoint,
  formatCheckpoint,
  formatNote,
  nodesOfTiles,
  parseNote,
  rootAt,
  signNote,
} from '@aitbc/tlog';
import { done, type Operation } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Transaction } from '../store/transaction.ts';
import { loadTree } from './entries.ts';
import type { LogKeys } from './log-key.ts';
import { LEDGER_VKEY } from './queries.ts';
import { tilesOf } from './tiles.ts';

type Tree = Pick<Row<'tree'>, 'size' | 'root' | 'bytes'>;

/** A signed checkpoint that nobody has seen yet. */
export interface SignedCheckpoint extends Tree {
  note: string;
  /** Full seconds, in ms since the epoch. */
  signedAt: number;
}

/** Signs a tree that is committed: another one might never come to be. */
export async function signCheckpoint(
  { size, root, bytes }: Tree,
  keys: LogKeys,
  now: number,
): Promise<SignedCheckpoint> {
  const { origin, log, cosigner } = keys;
  const seconds = Math.floor(now / 1000);
  const text = formatCheckpoint({ origin, size, root: Buffer.from(root, 'hex') });
  const signatures = [
    await signNote(text, origin, log.signer),
    await cosignCheckpoint(text, origin, cosigner.signer, seconds),
  ];
  return { size, root, bytes, note: formatNote({ text, signatures }), signedAt: seconds * 1000 };
}

/** What a block is known by: hex SHA-256 of the checkpoint without its signatures, which anyone can work out. */
export const blockHash = (note: string) => hash('sha256', parseNote(note).text);

/** Whether a checkpoint was published within the interval. One of a clock that was ahead holds nothing up. */
export const isRecent = (
  { published_at }: Pick<Row<'checkpoint'>, 'published_at'>,
  intervalMs: number,
  now: number,
) => published_at <= now && published_at + intervalMs > now;

/**
 * Publishes a checkpoint, unless another process was there first, within `intervalMs` or with as large a tree. It must
 * be of the tree that the log had once, or nothing that it says could be believed any more.
 */
export const publish: Operation<SignedCheckpoint & { vkey: string; intervalMs: number }, boolean> = {
  name: 'ledger.publish',
  async apply(inputs, { tx, now }) {
    const outcomes = [];
    for (const { size, root, bytes, note, signedAt, vkey, intervalMs } of inputs) {
      const [[log], tree, [last]] = await Promise.all([
        tx.load('setting', 'name', [LEDGER_VKEY]),
        loadTree(tx),
        tx.query<Row<'checkpoint'>>('SELECT * FROM checkpoint ORDER BY height DESC LIMIT 1', []),
      ]);
      if (log?.value !== vkey) throw new Error('The store has begun a new ledger since the tree was signed');
      // The tree may have been read from a database that is not the one that is written to any more.
      if (tree.size < size || (await rootIn(tx, size)) !== root)
        throw new Error(`The store has another tree than was signed for ${size} entries`);
      const isDue = !last || (last.size < size && !isRecent(last, intervalMs, now));
      outcomes.push(done(isDue));
      if (!isDue) continue;
      const row = {
        height: last ? last.height + 1 : 0,
        size,
        root,
        hash: blockHash(note),
        parent_hash: last?.hash ?? null,
        note,
        signed_at: signedAt,
        published_at: now,
        bytes,
      };
      await tx.insert('checkpoint', [row]);
    }
    return outcomes;
  },
};

/** The root of the first `size` entries as the transaction sees them, in hex. */
async function rootIn(tx: Transaction, size: number): Promise<string> {
  const read = tilesOf(keys => tx.load('tile', 'id', keys));
  return Buffer.from(await rootAt(size, nodesOfTiles(read))).toString('hex');
}
