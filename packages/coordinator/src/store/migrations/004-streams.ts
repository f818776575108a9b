import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the texts of jobs while they are being generated. */
export async function addStreams({ schema }: Kysely<unknown>, { integer, text, clustered }: ColumnTypes) {
  await schema
    .alterTable('job')
    .addColumn('stream', integer, column => column.notNull().defaultTo(0))
    .execute();
  await schema
    .createTable('job_stream')
    .addColumn('job_id', text, column => column.primaryKey())
    .addColumn('run', integer, column => column.notNull())
    .addColumn('chunks', integer, column => column.notNull())
    .addColumn('bytes', integer, column => column.notNull())
    .addColumn('ended_at', integer)
    .$call(clustered)
    .execute();
  await schema
    .createIndex('job_stream_ended')
    .on('job_stream')
    .columns(['ended_at'])
    .where(sql<boolean>`ended_at IS NOT NULL`)
    .execute();
  await schema
    .createTable('job_chunk')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('text', text, column => column.notNull())
    .$call(clustered)
    .execute();
}
