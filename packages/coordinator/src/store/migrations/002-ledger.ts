import { hash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Makes the receipts entries of the ledger's log, in the order in which they were issued. */
export async function addLedger(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await entries(db, types);
  await tree(db, types);
  await credits(db, types);
  await moveReceipts(db as Kysely<Old & New>);
  await db.schema.dropTable('receipt').execute();
}

async function entries({ schema }: Kysely<unknown>, { integer, primaryInteger, text }: ColumnTypes) {
  await schema
    .createTable('entry')
    .addColumn('leaf_index', primaryInteger, column => column.primaryKey())
    .addColumn('id', text, column => column.notNull().unique())
    .addColumn('type', text, column => column.notNull())
    .addColumn('job_id', text)
    .addColumn('payer_id', integer)
    .addColumn('payee_id', integer, column => column.notNull())
    .addColumn('amount', integer, column => column.notNull())
    .addColumn('hash', text, column => column.notNull())
    .addColumn('bytes', integer, column => column.notNull())
    .addColumn('body', text, column => column.notNull())
    .addColumn('created_at', integer, column => column.notNull())
    .execute();
  await schema.createIndex('entry_by_payer').on('entry').columns(['payer_id', 'leaf_index']).execute();
  // The index includes the payer, so that filtering by payee and payer reads no other entries.
  await schema
    .createIndex('entry_by_payee')
    .on('entry')
    .columns(['payee_id', 'leaf_index', 'payer_id'])
    .execute();
}

async function tree({ schema }: Kysely<unknown>, { integer, text, primaryInteger, clustered }: ColumnTypes) {
  await schema
    .createTable('tree')
    .addColumn('id', primaryInteger, column => column.primaryKey())
    .addColumn('entries', integer, column => column.notNull())
    .addColumn('size', integer, column => column.notNull())
    .addColumn('root', text, column => column.notNull())
    .addColumn('bytes', integer, column => column.notNull())
    .execute();
  await schema
    .createTable('tile')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('hashes', text, column => column.notNull())
    .execute();
  await schema
    .createTable('entry_hash')
    .addColumn('hash', text, column => column.primaryKey())
    .addColumn('leaf_index', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema
    .createTable('checkpoint')
    .addColumn('height', primaryInteger, column => column.primaryKey())
    .addColumn('size', integer, column => column.notNull().unique())
    .addColumn('root', text, column => column.notNull())
    .addColumn('hash', text, column => column.notNull().unique())
    .addColumn('parent_hash', text)
    .addColumn('note', text, column => column.notNull())
    .addColumn('signed_at', integer, column => column.notNull())
    .addColumn('published_at', integer, column => column.notNull())
    .addColumn('bytes', integer, column => column.notNull())
    .execute();
  await schema
    .createTable('activity')
    .addColumn('hour', primaryInteger, column => column.primaryKey())
    .addColumn('receipts', integer, column => column.notNull())
    .addColumn('amount', integer, column => column.notNull())
    .execute();
}

async function credits({ schema }: Kysely<unknown>, { integer }: ColumnTypes) {
  await schema
    .alterTable('account')
    .addColumn('balance', integer, column => column.notNull().defaultTo(0))
    .execute();
  await schema
    .alterTable('account')
    .addColumn('reserved', integer, column => column.notNull().defaultTo(0))
    .execute();
  await schema
    .alterTable('job')
    .addColumn('reserved', integer, column => column.notNull().defaultTo(0))
    .execute();
}

interface Old {
  receipt: {
    id: string;
    job_id: string;
    client_id: number;
    provider_id: number;
    body: string;
    created_at: number;
  };
}

interface New {
  account: { id: number; balance: number };
  entry: {
    leaf_index: number;
    id: string;
    type: string;
    job_id: string;
    payer_id: number;
    payee_id: number;
    amount: number;
    hash: string;
    bytes: number;
    body: string;
    created_at: number;
  };
  tree: { id: number; entries: number; size: number; root: string; bytes: number };
}

const AT_ONCE = 500;

async function moveReceipts(db: Kysely<Old & New>): Promise<void> {
  const balances = new Map<number, number>();
  const move = (account: number, by: number) => balances.set(account, (balances.get(account) ?? 0) + by);
  let size = 0;
  for (let after = ''; ; ) {
    const receipts = await db
      .selectFrom('receipt')
      .selectAll()
      .where('id', '>', after)
      .orderBy('id')
      .limit(AT_ONCE)
      .execute();
    const last = receipts.at(-1);
    if (!last) break;
    after = last.id;
    const rows = receipts.map(({ id, job_id, client_id, provider_id, body, created_at }) => {
      const amount = Math.round(Number(JSON.parse(body).price) * 1e6);
      move(client_id, -amount);
      move(provider_id, amount);
      return {
        leaf_index: size++,
        id,
        type: 'receipt',
        job_id,
        payer_id: client_id,
        payee_id: provider_id,
        amount,
        hash: hash('sha256', Buffer.concat([Buffer.of(0), Buffer.from(body)])),
        bytes: Buffer.byteLength(body),
        body,
        created_at,
      };
    });
    await db.insertInto('entry').values(rows).execute();
  }
  if (size === 0) return;
  // The coordinator computes the tiles later, as for all entries.
  const tree = { id: 1, entries: size, size: 0, root: hash('sha256', ''), bytes: 0 };
  await db.insertInto('tree').values(tree).execute();
  for (const [id, balance] of balances)
    await db.updateTable('account').set({ balance }).where('id', '=', id).execute();
}
