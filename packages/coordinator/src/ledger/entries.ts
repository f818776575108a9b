import { hash } from 'node:crypto';
import { MAX_ENTRY_BYTES } from '@aitbc/tlog';
import { moveCredits, type Transfer } from '../accounts/move-credits.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Transaction } from '../store/transaction.ts';

/** The one row of the table `tree`, before there is any entry. */
export const EMPTY_TREE: Row<'tree'> = { id: 1, entries: 0, size: 0, root: hash('sha256', ''), bytes: 0 };

/** A signed statement, with what it moves. */
export interface Statement extends Transfer {
  id: string;
  type: Row<'entry'>['type'];
  jobId: string | null;
  /** Its canonical JSON. */
  body: string;
}

/**
 * Gives statements their places in the log, in the transaction of what they state. Transactions that write come one
 * after the other on every engine, so that places are without gap and in the order of commits. The tree follows:
 * see `integrate.ts`.
 */
export async function appendEntries(
  statements: readonly Statement[],
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<void> {
  if (statements.length === 0) return;
  const tree = await loadTree(tx);
  const rows = statements.map(
    ({ id, type, jobId, payerId, payeeId, amount, body }, position): Row<'entry'> => ({
      leaf_index: tree.entries + position,
      id,
      type,
      job_id: jobId,
      payer_id: payerId,
      payee_id: payeeId,
      amount,
      ...leafOf(body),
      body,
      created_at: now,
    }),
  );
  await tx.insert('entry', rows);
  await tx.upsert('tree', ['id'], [{ ...tree, entries: tree.entries + rows.length }]);
  await moveCredits(statements, { tx });
}

export async function loadTree(tx: Transaction): Promise<Row<'tree'>> {
  const [tree] = await tx.load('tree', 'id', [EMPTY_TREE.id]);
  return tree ?? EMPTY_TREE;
}

/** SHA-256 of a zero byte and the entry (RFC 6962 section 2.1), by the platform: every completed job passes here. */
export function leafOf(body: string): { hash: string; bytes: number } {
  const leaf = Buffer.from(`\0${body}`);
  const bytes = leaf.length - 1;
  if (bytes > MAX_ENTRY_BYTES) throw new Error(`An entry has at most ${MAX_ENTRY_BYTES} bytes, not ${bytes}`);
  return { hash: hash('sha256', leaf), bytes };
}
