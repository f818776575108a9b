import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

export async function createTables(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await accounts(db, types);
  await queues(db, types);
  await jobs(db, types);
  await miners(db, types);
  await receipts(db, types);
  await housekeeping(db, types);
}

async function accounts({ schema }: Kysely<unknown>, { id, integer, text, clustered }: ColumnTypes) {
  await schema
    .createTable('account')
    .addColumn('id', id.type, id.build)
    .addColumn('address', text, column => column.notNull().unique())
    .addColumn('name', text)
    .addColumn('created_at', integer, column => column.notNull())
    .execute();
  await schema
    .createTable('api_key')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('hash', text, column => column.notNull().unique())
    .addColumn('account_id', integer, column => column.notNull())
    .addColumn('name', text)
    .addColumn('scopes', text, column => column.notNull())
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('expires_at', integer)
    .addColumn('revoked_at', integer)
    .$call(clustered)
    .execute();
}

async function queues({ schema }: Kysely<unknown>, { id, integer, real, text, clustered }: ColumnTypes) {
  await schema
    .createTable('fair_clock')
    .addColumn('id', id.type, id.build)
    .addColumn('model', text, column => column.notNull())
    .addColumn('priority', integer, column => column.notNull())
    .addColumn('virtual_time', integer, column => column.notNull())
    .addColumn('tail_rank', integer, column => column.notNull())
    .addColumn('dispatched_at', integer, column => column.notNull())
    .addColumn('average_run_ms', real, column => column.notNull())
    .addColumn('pending', integer, column => column.notNull())
    .addColumn('running', integer, column => column.notNull())
    .addUniqueConstraint('fair_clock_key', ['model', 'priority'])
    .execute();
  await schema
    .createTable('fair_share')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('clock_id', integer, column => column.notNull())
    .addColumn('account_id', integer, column => column.notNull())
    .addColumn('next_rank', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema.createIndex('fair_share_rank').on('fair_share').columns(['clock_id', 'next_rank']).execute();
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
    .addUniqueConstraint('queue_key', ['model', 'priority', 'region', 'min_vram_gb'])
    .execute();
  await schema
    .createIndex('queue_waiting')
    .on('queue')
    .columns(['model', 'id'])
    .where(sql.ref('pending'), '>', 0)
    .execute();
}

async function jobs({ schema }: Kysely<unknown>, { integer, real, text, clustered }: ColumnTypes) {
  await schema
    .createTable('job')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('account_id', integer, column => column.notNull())
    .addColumn('queue_id', integer, column => column.notNull())
    .addColumn('model', text, column => column.notNull())
    .addColumn('priority', integer, column => column.notNull())
    .addColumn('max_price', real)
    .addColumn('max_attempts', integer, column => column.notNull())
    .addColumn('salt', text, column => column.notNull())
    .addColumn('prompt_hash', text, column => column.notNull())
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('expires_at', integer, column => column.notNull())
    .addColumn('rank', integer, column => column.notNull())
    .addColumn('status', text, column => column.notNull())
    .addColumn('attempts', integer, column => column.notNull().defaultTo(0))
    .addColumn('held_until', integer)
    .addColumn('held_for', text)
    .addColumn('miner_id', text)
    .addColumn('started_at', integer)
    .addColumn('lease_expires_at', integer)
    .addColumn('deadline', integer)
    .addColumn('completed_at', integer)
    .addColumn('receipt_id', text)
    .addColumn('error_code', text)
    .addColumn('error_detail', text)
    .addColumn('erased_at', integer)
    .$call(clustered)
    .execute();

  const index = (name: string, columns: string[]) => schema.createIndex(name).on('job').columns(columns);
  const pending = sql<boolean>`status = 'pending'`;
  const running = sql<boolean>`status = 'running'`;
  await index('job_by_owner', ['account_id', 'status', 'id']).execute();
  await index('job_by_owner_and_model', ['account_id', 'model', 'status', 'id']).execute();
  await index('job_ready', ['queue_id', 'rank', 'id'])
    .where(sql<boolean>`${pending} AND held_until IS NULL`)
    .execute();
  await index('job_held', ['held_until']).where(sql<boolean>`held_until IS NOT NULL`).execute();
  await index('job_held_for', ['held_for']).where(sql<boolean>`held_for IS NOT NULL`).execute();
  await index('job_expiry', ['expires_at']).where(pending).execute();
  await index('job_lease', ['lease_expires_at']).where(running).execute();
  await index('job_by_miner', ['miner_id']).where(running).execute();
  await index('job_with_old_texts', ['completed_at'])
    .where(sql<boolean>`completed_at IS NOT NULL AND erased_at IS NULL`)
    .execute();

  await schema
    .createTable('job_input')
    .addColumn('job_id', text, column => column.primaryKey())
    .addColumn('prompt', text, column => column.notNull())
    .addColumn('params', text, column => column.notNull())
    .addColumn('metadata', text)
    .execute();
  await schema
    .createTable('job_output')
    .addColumn('job_id', text, column => column.primaryKey())
    .addColumn('result', text, column => column.notNull())
    .addColumn('usage', text)
    .execute();
}

async function miners({ schema }: Kysely<unknown>, { integer, real, text, clustered }: ColumnTypes) {
  await schema
    .createTable('miner')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('owner_id', integer, column => column.notNull())
    .addColumn('payee_id', integer, column => column.notNull())
    .addColumn('capabilities', text, column => column.notNull())
    .addColumn('gpu_info', text)
    .addColumn('vram_gb', real)
    .addColumn('region', text)
    .addColumn('concurrency', integer)
    .addColumn('public_key', text)
    .addColumn('status', text, column => column.notNull())
    .addColumn('draining', integer, column => column.notNull().defaultTo(0))
    .addColumn('running', integer, column => column.notNull())
    .addColumn('completed', integer, column => column.notNull())
    .addColumn('failed', integer, column => column.notNull())
    .addColumn('registered_at', integer, column => column.notNull())
    .addColumn('last_seen_at', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema.createIndex('miner_by_status').on('miner').columns(['status', 'id']).execute();
  await schema
    .createIndex('miner_seen')
    .on('miner')
    .columns(['last_seen_at'])
    .where(sql<boolean>`status IN ('online', 'draining')`)
    .execute();
}

async function receipts({ schema }: Kysely<unknown>, { integer, text }: ColumnTypes) {
  await schema
    .createTable('receipt')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('job_id', text, column => column.notNull())
    .addColumn('client_id', integer, column => column.notNull())
    .addColumn('provider_id', integer, column => column.notNull())
    .addColumn('body', text, column => column.notNull())
    .addColumn('created_at', integer, column => column.notNull())
    .execute();
  await schema.createIndex('receipt_by_client').on('receipt').columns(['client_id', 'id']).execute();
  // The index includes the client, so that filtering by miner and client reads no other receipts.
  await schema
    .createIndex('receipt_by_provider')
    .on('receipt')
    .columns(['provider_id', 'id', 'client_id'])
    .execute();
}

async function housekeeping(db: Kysely<unknown>, { integer, text, clustered }: ColumnTypes) {
  const { schema } = db;
  await schema
    .createTable('counter')
    .addColumn('name', text, column => column.primaryKey())
    .addColumn('value', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  const statuses = ['pending', 'running', 'completed', 'failed', 'cancelled'];
  const names = [
    ...statuses.map(status => `jobs.${status}`),
    'miners.total',
    'miners.active',
    'receipts.total',
  ];
  for (const name of names) await sql`INSERT INTO counter (name, value) VALUES (${name}, 0)`.execute(db);
  await schema
    .createTable('idempotency')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('request_hash', text, column => column.notNull())
    .addColumn('job_ids', text, column => column.notNull())
    .addColumn('expires_at', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema.createIndex('idempotency_expiry').on('idempotency').columns(['expires_at']).execute();
  await schema
    .createTable('signing_key')
    .addColumn('key_id', text, column => column.primaryKey())
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('retired_at', integer)
    .execute();
  await schema
    .createTable('setting')
    .addColumn('name', text, column => column.primaryKey())
    .addColumn('value', text, column => column.notNull())
    .execute();
}
