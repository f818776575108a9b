import type { Kysely, Migration } from 'kysely';

/** Apart from the status, which says whether a miner is there: one that drains may fall silent and come back. */
export const draining: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('miner')
      .addColumn('draining', 'integer', column => column.notNull().defaultTo(0))
      .execute();
    const miners = db as Kysely<{ miner: { status: string; draining: number } }>;
    await miners.updateTable('miner').set({ draining: 1 }).where('status', '=', 'draining').execute();
  },
};
