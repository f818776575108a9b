import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds draws of answers, their verifications, and what is known of miners by them. */
export async function addVerifications(
  db: Kysely<unknown>,
  { integer, text, real, clustered }: ColumnTypes,
): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('draw')
    .addColumn('height', integer, column => column.primaryKey())
    .addColumn('from_index', integer, column => column.notNull())
    .addColumn('size', integer, column => column.notNull())
    .addColumn('next_index', integer, column => column.notNull())
    .addColumn('root', text, column => column.notNull())
    .addColumn('share', real, column => column.notNull())
    .addColumn('public_key', text, column => column.notNull())
    .addColumn('proof', text, column => column.notNull())
    .addColumn('open', integer, column => column.notNull())
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('revealed_at', integer)
    .execute();
  await schema
    .createTable('verification')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('cause', text, column => column.notNull())
    .addColumn('about', text)
    .addColumn('job_id', text, column => column.notNull())
    .addColumn('receipt_id', text, column => column.notNull())
    .addColumn('miner_id', text, column => column.notNull())
    .addColumn('operator_id', integer, column => column.notNull())
    .addColumn('model', text, column => column.notNull())
    .addColumn('passport', text, column => column.notNull())
    .addColumn('weights', text)
    .addColumn('answered_at', integer, column => column.notNull())
    .addColumn('draw', integer)
    .addColumn('consent', integer, column => column.notNull())
    .addColumn('erase', integer, column => column.notNull())
    .addColumn('state', text, column => column.notNull())
    .addColumn('excluded', text, column => column.notNull())
    .addColumn('engine_needed', text)
    .addColumn('attempts', integer, column => column.notNull())
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('expires_at', integer, column => column.notNull())
    .addColumn('lease_expires_at', integer)
    .addColumn('verifier_id', text)
    .addColumn('verifier_account', integer)
    .addColumn('own', integer, column => column.notNull())
    .addColumn('engine', text)
    .addColumn('ended_at', integer)
    .addColumn('judgement', text)
    .addColumn('reason', text)
    .addColumn('counts', integer, column => column.notNull())
    .addColumn('appeal_id', text)
    .$call(clustered)
    .execute();
  await sql`CREATE INDEX verification_counted ON verification (receipt_id) WHERE counts = 1`.execute(db);
  await sql`CREATE INDEX verification_waiting ON verification (weights, id) WHERE state = 'waiting'`.execute(
    db,
  );
  await sql`CREATE INDEX verification_shared ON verification (weights, id) WHERE state = 'waiting' AND consent = 1`.execute(
    db,
  );
  await sql`CREATE INDEX verification_leased ON verification (lease_expires_at) WHERE state = 'leased'`.execute(
    db,
  );
  await sql`CREATE INDEX verification_expiry ON verification (expires_at) WHERE state = 'waiting'`.execute(
    db,
  );
  await sql`CREATE INDEX verification_ended ON verification (id) WHERE state = 'ended'`.execute(db);
  await sql`CREATE INDEX verification_by_miner ON verification (miner_id, id) WHERE state = 'ended'`.execute(
    db,
  );
  await sql`CREATE INDEX verification_by_judgement ON verification (judgement, id) WHERE state = 'ended'`.execute(
    db,
  );
  await schema
    .createTable('verification_scores')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('salt', text, column => column.notNull())
    .addColumn('tokens', text, column => column.notNull())
    .addColumn('created_at', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema
    .createIndex('verification_scores_by_age')
    .on('verification_scores')
    .columns(['created_at'])
    .execute();
  await schema
    .createTable('evidence')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('miner_id', text, column => column.notNull())
    .addColumn('operator_id', integer, column => column.notNull())
    .addColumn('passport', text, column => column.notNull())
    .addColumn('model', text, column => column.notNull())
    .addColumn('state', text, column => column.notNull())
    .addColumn('consistent', integer, column => column.notNull())
    .addColumn('accused', integer, column => column.notNull())
    .addColumn('inconclusive', integer, column => column.notNull())
    .addColumn('tokens', integer, column => column.notNull())
    .addColumn('accusations', integer, column => column.notNull())
    .addColumn('accused_at', integer)
    .addColumn('accused_by', text)
    .addColumn('updated_at', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema
    .createTable('verifier')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('own', integer, column => column.notNull())
    .addColumn('weights', text, column => column.notNull())
    .addColumn('engine', text, column => column.notNull())
    .addColumn('last_seen_at', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema.alterTable('job_input').addColumn('consent', integer).execute();
  await sql`INSERT INTO counter (name, value) VALUES ('verifications.open', 0)`.execute(db);
}
