import { done, type WriteContext } from '../store/operation.ts';
import type { BackgroundStep } from '../store/store.ts';
import { enqueue } from './enqueue.ts';

/** Name of the setting with the index of the first entry of the ledger that webhooks were not told of. */
const NEXT_ENTRY = 'webhooks_next_entry';

/** How many receipts are told of in one transaction. */
const AT_ONCE = 500;

interface PublishedEntry {
  leaf_index: number;
  id: string;
  payer_id: number | null;
  payee_id: number;
  owner_id: number | null;
}

const RECEIPTS = `SELECT entry.leaf_index, entry.id, entry.payer_id, entry.payee_id, miner.owner_id FROM entry
  LEFT JOIN job ON job.id = entry.job_id LEFT JOIN miner ON miner.id = job.miner_id
  WHERE entry.leaf_index >= ? AND entry.leaf_index < ? AND entry.type = 'receipt'
  ORDER BY entry.leaf_index LIMIT ${AT_ONCE}`;

/**
 * Tells webhooks of receipts that were published since the last step: those of the client, of the account that was paid
 * and of the miner's owner. The transaction moves the place in the ledger on, so none is left out or told of twice.
 */
export const followReceipts: BackgroundStep = {
  name: 'webhooks.follow-receipts',
  async apply(inputs, context) {
    const more = (await isFollowed(context)) && (await follow(context));
    return inputs.map(() => done({ more }));
  },
};

async function follow(context: WriteContext): Promise<boolean> {
  const { tx } = context;
  const size = await publishedSize(context);
  const [kept] = await tx.load('setting', 'name', [NEXT_ENTRY]);
  const from = Number(kept?.value ?? size);
  // After a restore, a new ledger begins at 0.
  if (from > size) await keepPlace(size, context);
  if (from >= size) return false;
  const receipts = await tx.query<PublishedEntry>(['entry', 'job', 'miner'], RECEIPTS, [from, size]);
  await enqueue(
    receipts.map(({ id, payer_id, payee_id, owner_id }) => ({
      type: 'receipt.published' as const,
      subject: id,
      accountIds: [...new Set([payer_id, payee_id, owner_id])].filter(account => account !== null),
    })),
    context,
  );
  const last = receipts.at(-1)?.leaf_index;
  const isAll = receipts.length < AT_ONCE || last === undefined;
  await keepPlace(isAll ? size : last + 1, context);
  return !isAll;
}

/** Begins with the receipts that are published from now on, unless some webhook follows them already. */
export async function startFollowingReceipts(context: WriteContext): Promise<void> {
  if (!(await isFollowed(context))) await keepPlace(await publishedSize(context), context);
}

async function isFollowed({ tx }: WriteContext): Promise<boolean> {
  const sql = `SELECT id FROM webhook WHERE receipts = 1 AND state <> 'disabled' LIMIT 1`;
  return (await tx.query(['webhook'], sql, [])).length > 0;
}

async function publishedSize({ tx }: WriteContext): Promise<number> {
  const sql = 'SELECT size FROM checkpoint ORDER BY height DESC LIMIT 1';
  const [last] = await tx.query<{ size: number }>(['checkpoint'], sql, []);
  return last?.size ?? 0;
}

const keepPlace = (place: number, { tx }: WriteContext) =>
  tx.upsert('setting', [{ name: NEXT_ENTRY, value: String(place) }]);
