import { type Kysely, sql } from 'kysely';

/** Counters of tokens, and of times to the first token in buckets. Counters must exist before they are added to. */
const COUNTERS = ['tokens.completion', ...Array.from({ length: 21 }, (_, bucket) => `first_token.${bucket}`)];

/** Adds the counters of the overview. */
export async function addOverview(db: Kysely<unknown>): Promise<void> {
  for (const name of COUNTERS) await sql`INSERT INTO counter (name, value) VALUES (${name}, 0)`.execute(db);
}
