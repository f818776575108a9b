import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the models that each miner has in memory, and each miner's speed with each model. */
export async function addScheduling({ schema }: Kysely<unknown>, { integer, real, text }: ColumnTypes) {
  await schema.alterTable('miner').addColumn('loaded', text).execute();
  await schema.alterTable('job').addColumn('token_limit', integer).execute();
  await schema.alterTable('job_stream').addColumn('first_chunk_at', integer).execute();
  await schema
    .createTable('model_speed')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('miner_id', text, column => column.notNull())
    .addColumn('model', text, column => column.notNull())
    .addColumn('first_token_ms', real)
    .addColumn('tokens_per_second', real)
    .addColumn('measured_at', integer, column => column.notNull())
    .execute();
  await schema.createIndex('model_speed_by_miner').on('model_speed').columns(['miner_id']).execute();
}
