import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

const KEY = [
  ...(['model', 'priority', 'region', 'min_vram_gb', 'restriction'] as const),
  ...(['needs', 'min_context', 'miners', 'passport_demand'] as const),
];

/**
 * Adds the passports of models, the digest of the one with which a job was claimed, what clients demand of passports,
 * and the parameters that applied to answers. SQLite can't change a table's constraints.
 */
export async function addPassports(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { schema } = db;
  const { integer, text, clustered } = types;
  await schema
    .createTable('passport')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('body', text, column => column.notNull())
    .addColumn('owner_id', integer, column => column.notNull())
    .addColumn('registered_at', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema
    .createIndex('passport_by_owner')
    .on('passport')
    .columns(['owner_id', 'registered_at'])
    .execute();
  await schema.alterTable('miner').addColumn('passports', text).execute();
  await schema.alterTable('job').addColumn('passport', text).execute();
  await schema.alterTable('job_output').addColumn('parameters', text).execute();
  if (types.schema) {
    await schema
      .alterTable('queue')
      .addColumn('passport_demand', text, column => column.notNull().defaultTo(''))
      .execute();
    await schema.alterTable('queue').dropConstraint('queue_key').execute();
    await schema.alterTable('queue').addUniqueConstraint('queue_key', KEY).execute();
    return;
  }
  await rebuildQueues(db, types);
}

async function rebuildQueues(db: Kysely<unknown>, { id, integer, text }: ColumnTypes): Promise<void> {
  const { schema } = db;
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
    .addColumn('restriction', integer, column => column.notNull().defaultTo(0))
    .addColumn('needs', text, column => column.notNull().defaultTo(''))
    .addColumn('min_context', integer, column => column.notNull().defaultTo(0))
    .addColumn('miners', text, column => column.notNull().defaultTo(''))
    .addColumn('passport_demand', text, column => column.notNull().defaultTo(''))
    .addUniqueConstraint('queue_key', KEY)
    .execute();
  await sql`INSERT INTO queue SELECT *, '' FROM queue_before`.execute(db);
  await schema.dropTable('queue_before').execute();
  await schema
    .createIndex('queue_waiting')
    .on('queue')
    .columns(['model', 'id'])
    .where(sql.ref('pending'), '>', 0)
    .execute();
}
