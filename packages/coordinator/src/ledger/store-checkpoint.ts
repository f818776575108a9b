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
import type { WriteTransaction } from '../store/transaction.ts';
import { loadTree } from './entries.ts';
import type { LogKeys } from './log-key.ts';
import { LEDGER_VKEY } from './queries.ts';
import { tilesOf } from './tiles.ts';

type Tree = Pick<Row<'tree'>, 'size' | 'root' | 'bytes'>;

/** A signed checkpoint that is not published yet. */
export interface SignedCheckpoint extends Tree {
  note: string;
  /** In ms since the epoch, rounded down to full seconds. */
  signedAt: number;
}

/** Signs a tree, which must be committed: a crash could undo any other. */
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

/** The hash that identifies a block: SHA-256 of the checkpoint without its signatures, in hex. */
export const blockHash = (note: string) => hash('sha256', parseNote(note).text);

/** Whether a checkpoint was published within the interval. A time in the future, from a wrong clock, does not count. */
export const isPublishedRecently = (
  { published_at }: Pick<Row<'checkpoint'>, 'published_at'>,
  intervalMs: number,
  now: number,
) => published_at <= now && published_at + intervalMs > now;

/**
 * Publishes a checkpoint, unless the last one is as large or younger than `intervalMs`, since another process was faster.
 * Returns whether it did. Throws where the log never had the checkpoint's tree.
 */
export const publishCheckpoint: Operation<SignedCheckpoint & { vkey: string; intervalMs: number }, boolean> =
  {
    name: 'ledger.publish',
    async apply(inputs, { tx, now }) {
      const outcomes = [];
      for (const { size, root, bytes, note, signedAt, vkey, intervalMs } of inputs) {
        const [[log], tree, [last]] = await Promise.all([
          tx.load('setting', 'name', [LEDGER_VKEY]),
          loadTree(tx),
          tx.query<Row<'checkpoint'>>(
            ['checkpoint'],
            'SELECT * FROM checkpoint ORDER BY height DESC LIMIT 1',
            [],
          ),
        ]);
        if (log?.value !== vkey)
          throw new Error('The store has begun a new ledger since the tree was signed');
        // After a failover, the tree may have been read from another database than this one.
        if (tree.size < size || (await rootIn(tx, size)) !== root)
          throw new Error(`The store has another tree than was signed for ${size} entries`);
        const isDue = !last || (last.size < size && !isPublishedRecently(last, intervalMs, now));
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

/** The root over the first `size` entries as the transaction sees them, in hex. */
async function rootIn(tx: WriteTransaction, size: number): Promise<string> {
  const read = tilesOf(keys => tx.load('tile', 'id', keys));
  return Buffer.from(await rootAt(size, nodesOfTiles(read))).toString('hex');
}
