import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

const KEY = [
  ...([
    'model',
    'priority',
    'region',
    'min_vram_gb',
    'restriction',
    'needs',
    'min_context',
    'miners',
  ] as const),
];

/**
 * Separates queues by the miners and owners that clients choose, too, and stores with each miner the address by which
 * clients name its owner. SQLite can't change a table's constraints.
 */
export async function addChosenMiners(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { schema } = db;
  await schema.alterTable('miner').addColumn('owner_address', types.text).execute();
  await sql`UPDATE miner SET owner_address = (SELECT address FROM account WHERE id = miner.operator_id)`.execute(
    db,
  );
  if (types.schema) {
    await schema
      .alterTable('queue')
      .addColumn('miners', types.text, column => column.notNull().defaultTo(''))
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
