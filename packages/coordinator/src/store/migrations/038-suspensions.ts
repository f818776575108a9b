import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the verification that an operator is suspended for, and the reasons of appeals. */
export async function addSuspensionReasons(
  { schema }: Kysely<unknown>,
  { text }: ColumnTypes,
): Promise<void> {
  await schema.alterTable('standing').addColumn('suspended_by', text).execute();
  await schema.alterTable('miner').addColumn('suspended_by', text).execute();
  await schema.alterTable('verification').addColumn('appeal_reason', text).execute();
}
