import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the reputation of miners, and jobs that several miners run. */
export async function addTrust(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await reputation(db, types);
  await runs(db, types);
  await jobQueues(db, types);
}

async function reputation(db: Kysely<unknown>, { integer, real }: ColumnTypes): Promise<void> {
  for (const name of ['successes', 'failures', 'timeouts', 'agreements', 'disagreements'])
    await db.schema
      .alterTable('miner')
      .addColumn(name, real, column => column.notNull().defaultTo(0))
      .execute();
  for (const name of ['weighed_at', 'operator_id'])
    await db.schema
      .alterTable('miner')
      .addColumn(name, integer, column => column.notNull().defaultTo(0))
      .execute();
  await db.schema.alterTable('miner').addColumn('suspended_at', integer).execute();
  // Whether a miner's owner has a key becomes known when the miner registers again.
  await sql`UPDATE miner SET weighed_at = last_seen_at, operator_id = payee_id`.execute(db);
}

async function runs({ schema }: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await schema
    .alterTable('job')
    .addColumn('role', text, column => column.notNull().defaultTo('ordinary'))
    .execute();
  await schema.alterTable('job').addColumn('run_of', text).execute();
  await schema.alterTable('job').addColumn('owners', text).execute();
  await schema
    .createIndex('job_runs')
    .on('job')
    .columns(['run_of'])
    .where(sql<boolean>`run_of IS NOT NULL`)
    .execute();
}

const KEY = ['model', 'priority', 'region', 'min_vram_gb', 'lane'] as const;

/** Gives runs queues of their own. The table is made anew, since SQLite can't change a table's constraints. */
async function jobQueues(db: Kysely<unknown>, { id, integer, text, schema: named }: ColumnTypes) {
  const { schema } = db;
  if (named) {
    await schema
      .alterTable('queue')
      .addColumn('lane', integer, column => column.notNull().defaultTo(0))
      .execute();
    await schema.alterTable('queue').dropConstraint('queue_key').execute();
    await schema
      .alterTable('queue')
      .addUniqueConstraint('queue_key', [...KEY])
      .execute();
    return;
  }
  await schema.alterTable('queue').renameTo('queue_before').execute();
  await schema.dropIndex('queue_waiting').execute();
  await schema
    .createTable('queue')
    .addColumn('id', id.type, id.build)
    .addColumn('clock_id', integer, column => column.notNull())
    .addColumn('model', text, column => column.notNull())
    .addColumn('priority', integer, column => column.notNull())
    .addColumn('region', text, column => column.notNull())
    .addColumn('min_vram_gb', integer, column => column.notNull())
    .addColumn('virtual_time', integer, column => column.notNull())
    .addColumn('pending', integer, column => column.notNull())
    .addColumn('running', integer, column => column.notNull())
    .addColumn('lane', integer, column => column.notNull().defaultTo(0))
    .addUniqueConstraint('queue_key', [...KEY])
    .execute();
  await sql`INSERT INTO queue SELECT *, 0 FROM queue_before`.execute(db);
  await schema.dropTable('queue_before').execute();
  await schema
    .createIndex('queue_waiting')
    .on('queue')
    .columns(['model', 'id'])
    .where(sql.ref('pending'), '>', 0)
    .execute();
}
