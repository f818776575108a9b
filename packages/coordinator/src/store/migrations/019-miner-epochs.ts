import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the process that uses a miner's id, and whether it proved that it has the miner's private key. */
export async function addMinerEpochs(
  { schema }: Kysely<unknown>,
  { integer, text }: ColumnTypes,
): Promise<void> {
  for (const name of ['epoch', 'key_proven'])
    await schema
      .alterTable('miner')
      .addColumn(name, integer, column => column.notNull().defaultTo(0))
      .execute();
  await schema.alterTable('miner').addColumn('session', text).execute();
}
