import type { Kysely } from 'kysely';

/** Renames columns whose names did not say what they hold. */
export async function renameColumns({ schema }: Kysely<unknown>): Promise<void> {
  await schema.alterTable('idempotency').renameColumn('job_ids', 'created_ids').execute();
  await schema.alterTable('queue').renameColumn('lane', 'restriction').execute();
  await schema.alterTable('job_stream').renameColumn('run', 'restarts').execute();
}
