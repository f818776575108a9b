import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the classes of failures, the abilities of each miner's models, and the parts of an answer other than its text. */
export async function addAnswers(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { schema } = db;
  const { text } = types;
  await schema.alterTable('job').addColumn('error_class', text).execute();
  await schema.alterTable('job').addColumn('engine_code', text).execute();
  await schema.alterTable('job_output').addColumn('details', text).execute();
  await schema
    .alterTable('job_chunk')
    .addColumn('kind', text, column => column.notNull().defaultTo('text'))
    .execute();
  await schema.alterTable('miner').addColumn('abilities', text).execute();
  await queueNeeds(db, types);
}

const KEY = ['model', 'priority', 'region', 'min_vram_gb', 'lane', 'needs', 'min_context'] as const;

/** Separates queues by the abilities that their jobs need, too. SQLite can't change a table's constraints. */
async function queueNeeds(db: Kysely<unknown>, { id, integer, text, schema: named }: ColumnTypes) {
  const { schema } = db;
  if (named) {
    await schema
      .alterTable('queue')
      .addColumn('needs', text, column => column.notNull().defaultTo(''))
      .addColumn('min_context', integer, column => column.notNull().defaultTo(0))
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
    .addColumn('needs', text, column => column.notNull().defaultTo(''))
    .addColumn('min_context', integer, column => column.notNull().defaultTo(0))
    .addUniqueConstraint('queue_key', [...KEY])
    .execute();
  await sql`INSERT INTO queue SELECT *, '', 0 FROM queue_before`.execute(db);
  await schema.dropTable('queue_before').execute();
  await schema
    .createIndex('queue_waiting')
    .on('queue')
    .columns(['model', 'id'])
    .where(sql.ref('pending'), '>', 0)
    .execute();
}
