import { appendLeafHashes, type CompactRange, leafHash, openCheckpoint, parseVkey } from '@aitbc/tlog';
import { appendEntries, type LedgerStatement } from '../../src/ledger/entries.ts';
import { done, type Operation } from '../../src/store/operation.ts';
import type { Store } from '../../src/store/store.ts';

type Db = Store['read'];

const AT_ONCE = 2_000;

/** The roots of the trees of these sizes, worked out from the stored entries alone. */
export async function rootsOf(db: Db, sizes: readonly number[]): Promise<Map<number, string>> {
  const wanted = [...new Set(sizes)].sort((a, b) => a - b);
  const roots = new Map<number, string>();
  let range: CompactRange = { size: 0, hashes: [] };
  for (const size of wanted) {
    let appended = appendLeafHashes(range, []);
    while (range.size < size) {
      const rows = await db
        .selectFrom('entry')
        .select('body')
        .where('leaf_index', '>=', range.size)
        .orderBy('leaf_index')
        .limit(Math.min(AT_ONCE, size - range.size))
        .execute();
      if (rows.length === 0) break;
      const leaves = rows.map(({ body }) => leafHash(Buffer.from(body)));
      appended = appendLeafHashes(range, leaves);
      range = appended.range;
    }
    if (range.size === size) roots.set(size, Buffer.from(appended.root).toString('hex'));
  }
  return roots;
}

/** Checkpoints that the log did not sign, or that are over other entries than the store has. */
export async function falseCheckpoints(db: Db, vkey: string, notes: readonly string[]): Promise<string[]> {
  const policy = { log: parseVkey(vkey) };
  const opened = await Promise.all(notes.map(note => openCheckpoint(note, policy)));
  const sizes = opened.map(({ size }) => size);
  const roots = await rootsOf(db, sizes);
  return opened
    .filter(({ size, root }) => roots.get(size) !== Buffer.from(root).toString('hex'))
    .map(({ text }) => text);
}

/** The notes of all checkpoints that were published, oldest first. */
export async function publishedNotes(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('checkpoint').select('note').orderBy('height').execute();
  return rows.map(({ note }) => note);
}

/** Gives so many entries a place in the log, by the way that all entries go. */
export const appendNumbered: Operation<{ from: number; count: number }, undefined> = {
  name: 'test.append-numbered',
  async apply(inputs, context) {
    for (const { from, count } of inputs)
      await appendEntries(
        Array.from({ length: count }, (_, index) => statement(from + index)),
        context,
      );
    return inputs.map(() => done(undefined));
  },
};

const statement = (number: number): LedgerStatement => ({
  id: `grant-${number}`,
  type: 'grant',
  jobId: null,
  payerId: null,
  payeeId: 1,
  amount: 0,
  body: JSON.stringify({ number }),
});
