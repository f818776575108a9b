import { hash } from 'node:crypto';
import { MAX_ENTRY_BYTES } from '@aitbc/tlog';
import { type CreditTransfer, moveCredits } from '../accounts/move-credits.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { WriteTransaction } from '../store/transaction.ts';

/** The only row of the table `tree`, before the first entry. */
export const EMPTY_TREE: Row<'tree'> = { id: 1, entries: 0, size: 0, root: hash('sha256', ''), bytes: 0 };

/** A signed statement, with the credits that it moves. */
export interface LedgerStatement extends CreditTransfer {
  id: string;
  type: Row<'entry'>['type'];
  jobId: string | null;
  /** The statement as canonical JSON. */
  body: string;
}

/**
 * Appends statements to the log and moves their credits, in the transaction of the change that they state. Write
 * transactions run one after the other on both engines, so indexes have no gaps and follow the order of commits.
 * `integrate.ts` adds the entries to the tree later.
 */
export async function appendEntries(
  statements: readonly LedgerStatement[],
  { tx, now, emit }: Pick<WriteContext, 'tx' | 'now' | 'emit'>,
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
  await tx.upsert('tree', [{ ...tree, entries: tree.entries + rows.length }]);
  await moveCredits(statements, { tx });
  for (const [entryType, entries] of Map.groupBy(statements, ({ type }) => type)) {
    const amount = entries.reduce((sum, entry) => sum + entry.amount, 0);
    emit({ type: 'entries.appended', entryType, entries: entries.length, amount });
  }
}

export async function loadTree(tx: WriteTransaction): Promise<Row<'tree'>> {
  const [tree] = await tx.load('tree', 'id', [EMPTY_TREE.id]);
  return tree ?? EMPTY_TREE;
}

/**
 * The leaf hash of an entry, SHA-256 over a zero byte and the entry (RFC 6962 section 2.1), in hex, and the entry's size.
 * It uses the platform's hash because every completed job needs it.
 */
export function leafOf(body: string): { hash: string; bytes: number } {
  const leaf = Buffer.from(`\0${body}`);
  const bytes = leaf.length - 1;
  if (bytes > MAX_ENTRY_BYTES) throw new Error(`An entry has at most ${MAX_ENTRY_BYTES} bytes, not ${bytes}`);
  return { hash: hash('sha256', leaf), bytes };
}
