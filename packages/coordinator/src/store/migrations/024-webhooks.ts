import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds webhooks, what they are to be told, the log of it, and the secrets of accounts. */
export async function addWebhooks(
  { schema }: Kysely<unknown>,
  { integer, primaryInteger, text, clustered }: ColumnTypes,
): Promise<void> {
  await schema
    .createTable('webhook')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('account_id', integer, column => column.notNull())
    .addColumn('url', text, column => column.notNull())
    .addColumn('for_jobs', integer, column => column.notNull())
    .addColumn('events', text, column => column.notNull())
    .addColumn('description', text)
    .addColumn('include_result', integer, column => column.notNull())
    .addColumn('all_miners', integer, column => column.notNull())
    .addColumn('receipts', integer, column => column.notNull())
    .addColumn('secret', text)
    .addColumn('previous_secret', text)
    .addColumn('previous_until', integer)
    .addColumn('state', text, column => column.notNull())
    .addColumn('disabled_reason', text)
    .addColumn('failing_since', integer)
    .addColumn('last_success_at', integer)
    .addColumn('due_at', integer)
    .addColumn('leased_until', integer)
    .addColumn('quiet_until', integer)
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('updated_at', integer, column => column.notNull())
    .execute();
  await schema.createIndex('webhook_by_account').on('webhook').columns(['account_id', 'id']).execute();
  for (const flag of ['all_miners', 'receipts'])
    await schema
      .createIndex(`webhook_${flag}`)
      .on('webhook')
      .columns([flag, 'id'])
      .where(sql<boolean>`${sql.ref(flag)} = 1`)
      .execute();
  await schema
    .createIndex('webhook_due')
    .on('webhook')
    .columns(['due_at'])
    .where(sql<boolean>`due_at IS NOT NULL AND state = 'active'`)
    .execute();

  await clustered(
    schema
      .createTable('webhook_delivery')
      .addColumn('id', text, column => column.primaryKey())
      .addColumn('webhook_id', text, column => column.notNull())
      .addColumn('type', text, column => column.notNull())
      .addColumn('subject', text, column => column.notNull())
      .addColumn('occurred_at', integer, column => column.notNull())
      .addColumn('state', text, column => column.notNull())
      .addColumn('tries', integer, column => column.notNull())
      .addColumn('attempts', integer, column => column.notNull())
      .addColumn('next_at', integer),
  ).execute();
  await schema
    .createIndex('webhook_delivery_by_webhook')
    .on('webhook_delivery')
    .columns(['webhook_id', 'id'])
    .execute();
  await schema
    .createIndex('webhook_delivery_due')
    .on('webhook_delivery')
    .columns(['webhook_id', 'next_at'])
    .where(sql<boolean>`next_at IS NOT NULL`)
    .execute();

  await clustered(
    schema
      .createTable('webhook_attempt')
      .addColumn('id', text, column => column.primaryKey())
      .addColumn('url', text, column => column.notNull())
      .addColumn('started_at', integer, column => column.notNull())
      .addColumn('duration_ms', integer, column => column.notNull())
      .addColumn('status_code', integer)
      .addColumn('error', text)
      .addColumn('response', text),
  ).execute();

  await schema
    .createTable('webhook_secret')
    .addColumn('account_id', primaryInteger, column => column.primaryKey())
    .addColumn('secret', text, column => column.notNull())
    .addColumn('previous_secret', text)
    .addColumn('previous_until', integer)
    .execute();

  await schema.alterTable('job').addColumn('webhook', text).execute();
}
