import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the restrictions of API keys, their budgets, and the audit log. */
export async function addKeyRestrictions(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { id, integer, text, clustered, schema: named } = types;
  const { schema } = db;
  for (const name of ['allowed_models', 'parent_ids', 'old_hash'])
    await schema.alterTable('api_key').addColumn(name, text).execute();
  await schema.alterTable('api_key').addColumn('old_hash_expires_at', integer).execute();
  await schema
    .createIndex('api_key_old_hash')
    .on('api_key')
    .column('old_hash')
    .where(sql.ref('old_hash'), 'is not', null)
    .unique()
    .execute();
  await schema.createIndex('api_key_account').on('api_key').columns(['account_id', 'id']).execute();
  await schema
    .createIndex('api_key_live')
    .on('api_key')
    .column('account_id')
    .where(sql.ref('revoked_at'), 'is', null)
    .execute();

  await schema
    .createTable('key_budget')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('total_limit', integer)
    .addColumn('day_limit', integer)
    .addColumn('month_limit', integer)
    .addColumn('reserved', integer, column => column.notNull())
    .addColumn('spent', integer, column => column.notNull())
    .addColumn('day', integer, column => column.notNull())
    .addColumn('day_spent', integer, column => column.notNull())
    .addColumn('month', integer, column => column.notNull())
    .addColumn('month_spent', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema.alterTable('job').addColumn('key_id', text).execute();
  await schema
    .alterTable('job')
    .addColumn('key_reserved', integer, column => column.notNull().defaultTo(0))
    .execute();
  await schema.alterTable('batch').addColumn('key_id', text).execute();

  await schema
    .createTable('audit_log')
    .addColumn('id', id.type, id.build)
    .addColumn('at', integer, column => column.notNull())
    .addColumn('action', text, column => column.notNull())
    .addColumn('target', text, column => column.notNull())
    .addColumn('source', text, column => column.notNull())
    .addColumn('key_id', text)
    .addColumn('account', text)
    .addColumn('origin', text)
    .addColumn('request_id', text)
    .addColumn('details', text, column => column.notNull())
    .execute();
  await schema.createIndex('audit_log_action').on('audit_log').columns(['action', 'id']).execute();
  await schema.createIndex('audit_log_target').on('audit_log').columns(['target', 'id']).execute();
  for (const statement of named ? POSTGRES_TRIGGER : SQLITE_TRIGGERS) await sql.raw(statement).execute(db);
}

const SQLITE_TRIGGERS = ['UPDATE', 'DELETE'].map(
  change => `CREATE TRIGGER audit_log_no_${change.toLowerCase()} BEFORE ${change} ON audit_log
    BEGIN SELECT RAISE(ABORT, 'entries of the audit log never change'); END`,
);

const POSTGRES_TRIGGER = [
  `CREATE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'entries of the audit log never change'; END $$`,
  `CREATE TRIGGER audit_log_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log()`,
];
