import type { Restore, UnsignedRestore } from '@aitbc/protocol';
import { RESTORE_VERSION } from '@aitbc/protocol/versions';
import {
  createBalanceTotals,
  microCredits,
  restoreEntry,
  type Signer,
  signOpening,
  signRestore,
} from '@aitbc/receipts';
import { appendLeafHashes, type CompactRange, formatVkey, type VerifierKey } from '@aitbc/tlog';
import type { Ids } from '../ids.ts';
import type { Row } from '../store/schema.ts';
import type { WriteTransaction } from '../store/transaction.ts';
import type { LedgerHead } from './conflict.ts';
import { EMPTY_TREE, leafOf } from './entries.ts';
import type { KeptCheckpoint } from './last-checkpoint.ts';
import { LEDGER_VKEY, PREVIOUS_VKEY } from './queries.ts';

type Tx = Pick<WriteTransaction, 'insert' | 'delete' | 'upsert' | 'execute' | 'query'>;

const ROWS_PER_QUERY = 1_000;

/**
 * Computes roots of trees over the first entries of a store, in hex, from the entries alone.
 *
 * @param sizes the sizes whose roots to return as `roots`; `root` is that of all entries
 */
export async function rootsOfEntries(
  tx: Tx,
  sizes: readonly number[],
): Promise<{ entries: number; root: string; roots: ReadonlyMap<number, string> }> {
  const wanted = new Set(sizes);
  const roots = new Map<number, string>();
  let range: CompactRange = { size: 0, hashes: [] };
  let { root } = appendLeafHashes(range, []);
  const note = () => {
    if (wanted.has(range.size)) roots.set(range.size, Buffer.from(root).toString('hex'));
  };
  note();
  for (;;) {
    const sql = `SELECT hash FROM entry WHERE leaf_index >= ? ORDER BY leaf_index LIMIT ${ROWS_PER_QUERY}`;
    const rows = await tx.query<Pick<Row<'entry'>, 'hash'>>(['entry'], sql, [range.size]);
    for (const group of splitAt(rows, range.size, wanted)) {
      const hashes = group.map(({ hash }) => Buffer.from(hash, 'hex'));
      ({ range, root } = appendLeafHashes(range, hashes));
      note();
    }
    if (rows.length < ROWS_PER_QUERY) break;
  }
  return { entries: range.size, root: Buffer.from(root).toString('hex'), roots };
}

/** Splits rows into groups that end at the wanted tree sizes. */
function splitAt<T>(rows: readonly T[], from: number, wanted: ReadonlySet<number>): T[][] {
  const ends = [...wanted].map(size => size - from).filter(end => end > 0 && end < rows.length);
  const bounds = [0, ...ends.sort((a, b) => a - b), rows.length];
  return bounds.slice(1).map((end, index) => rows.slice(bounds[index], end));
}

/** What the first statement of a new ledger says. */
export interface RestartOptions {
  coordinatorId: string;
  signer: Signer;
  /** Key of the new ledger. */
  vkey: VerifierKey;
  /** Key of the ledger before. */
  previousVkey: VerifierKey;
  /** The tree over all entries in the store. */
  tree: LedgerHead;
  /** The newest checkpoint in the store. */
  checkpoint: string | undefined;
  /** The newest known checkpoint, if the store lacks entries of its tree. */
  newest: (KeptCheckpoint & { origin: string }) | undefined;
  ids: Ids;
  /** In ms since the epoch. */
  now: number;
}

/**
 * Begins a new ledger in a store, within the given transaction. Its first entries state which ledger came before, and the
 * balance of each account. Entries of the former ledger stay at negative indexes, so that their receipts stay readable.
 */
export async function restartLedger(tx: Tx, options: RestartOptions): Promise<Restore> {
  const accounts = await readAccounts(tx);
  const totals = createBalanceTotals();
  for (const { address, balance } of accounts) totals.add({ account: address, balance: balance / 1e6 });
  const restore = await signRestore({ ...statementOf(options), ...totals.totals() }, options.signer);
  await moveOldEntriesAside(tx);
  const body = Buffer.from(restoreEntry(restore)).toString();
  const first = toEntryRow(
    { id: restore.restore_id, type: 'restore', amount: 0, payee_id: 0, body },
    0,
    options,
  );
  await tx.insert('entry', [first]);
  for (let from = 0; from < accounts.length; from += ROWS_PER_QUERY) {
    const group = accounts.slice(from, from + ROWS_PER_QUERY);
    const rows = group.map(async (account, index) => {
      const opening = await openingFor(account, restore, options);
      return toEntryRow(opening, from + index + 1, options);
    });
    await tx.insert('entry', await Promise.all(rows));
  }
  await tx.execute('account', 'UPDATE account SET transactions = transactions + 1', []);
  await tx.upsert('tree', [{ ...EMPTY_TREE, entries: accounts.length + 1 }]);
  await tx.upsert('setting', [
    { name: LEDGER_VKEY, value: formatVkey(options.vkey) },
    { name: PREVIOUS_VKEY, value: formatVkey(options.previousVkey) },
  ]);
  return restore;
}

type Account = Pick<Row<'account'>, 'id' | 'address' | 'balance'>;

/** Returns all accounts sorted by the bytes of their addresses, which databases may sort differently. */
async function readAccounts(tx: Tx): Promise<Account[]> {
  const accounts: Account[] = [];
  for (let after = 0; ; ) {
    const sql = `SELECT id, address, balance FROM account WHERE id > ? ORDER BY id LIMIT ${ROWS_PER_QUERY}`;
    const rows = await tx.query<Account>(['account'], sql, [after]);
    accounts.push(...rows);
    after = rows.at(-1)?.id ?? after;
    if (rows.length < ROWS_PER_QUERY) break;
  }
  return accounts.sort((a, b) => (a.address < b.address ? -1 : 1));
}

function statementOf({
  coordinatorId,
  vkey,
  previousVkey,
  tree,
  checkpoint,
  newest,
  ids,
  now,
}: RestartOptions) {
  return {
    type: 'restore',
    version: RESTORE_VERSION,
    restore_id: ids.next('restore'),
    ledger: vkey.name,
    previous: {
      origin: previousVkey.name,
      ...treeOf(tree),
      ...(checkpoint !== undefined && { checkpoint: base64(checkpoint) }),
    },
    ...(newest && {
      newest: { origin: newest.origin, ...treeOf(newest), checkpoint: base64(newest.note) },
    }),
    coordinator_id: coordinatorId,
    created_at: Math.floor(now / 1000),
    nonce: ids.hex(16),
    metadata: {},
  } satisfies Partial<UnsignedRestore>;
}

const treeOf = ({ size, root }: LedgerHead) => ({
  tree_size: size,
  root_hash: Buffer.from(root, 'hex').toString('base64'),
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function openingFor(
  { id, address, balance }: Account,
  { restore_id }: Restore,
  { coordinatorId, signer, ids, now }: RestartOptions,
): Promise<FirstEntry> {
  const opening = await signOpening(
    {
      type: 'opening',
      version: RESTORE_VERSION,
      opening_id: ids.next('opening'),
      restore_id,
      account: address,
      balance: balance / 1e6,
      coordinator_id: coordinatorId,
      created_at: Math.floor(now / 1000),
      nonce: ids.hex(16),
      metadata: {},
    },
    signer,
  );
  const body = Buffer.from(restoreEntry(opening)).toString();
  return {
    id: opening.opening_id,
    type: 'opening',
    amount: microCredits(opening.balance),
    payee_id: id,
    body,
  };
}

type FirstEntry = Pick<Row<'entry'>, 'id' | 'type' | 'amount' | 'payee_id' | 'body'>;

function toEntryRow(statement: FirstEntry, place: number, { now }: RestartOptions): Row<'entry'> {
  return {
    ...statement,
    leaf_index: place,
    job_id: null,
    payer_id: 0,
    ...leafOf(statement.body),
    created_at: now,
  };
}

/** Moves all entries below the lowest index in use, so that no two have the same index on the way. */
async function moveOldEntriesAside(tx: Tx): Promise<void> {
  const [row] = await tx.query<{ low: number | null; high: number | null }>(
    ['entry'],
    'SELECT min(leaf_index) AS low, max(leaf_index) AS high FROM entry',
    [],
  );
  const shift = (row?.high ?? -1) + 1 - Math.min(row?.low ?? 0, 0);
  for (const table of ['entry', 'entry_hash'] as const)
    await tx.execute(table, `UPDATE ${table} SET leaf_index = leaf_index - ?`, [shift]);
  // The days of accounts begin anew with the openings.
  await tx.execute('account_day', 'DELETE FROM account_day', []);
  await tx.execute('counter', `UPDATE counter SET value = 0 WHERE name = 'ledger.days'`, []);
  await tx.execute('tile', 'DELETE FROM tile', []);
  await tx.execute('checkpoint', 'DELETE FROM checkpoint', []);
}
