import { type Kysely, sql } from 'kysely';

/** Adds an index of the webhooks that get no deliveries any more, for operators. */
export async function indexDisabledWebhooks(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE INDEX webhook_disabled ON webhook (id) WHERE state = 'disabled'`.execute(db);
}
