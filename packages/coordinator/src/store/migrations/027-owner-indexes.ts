import type { Kysely } from 'kysely';

/**
 * Takes the status out of the indexes of an account's jobs. Each job was moved within both of them whenever its status
 * changed, which were ten writes for a job that runs once.
 */
export async function simplifyOwnerIndexes({ schema }: Kysely<unknown>): Promise<void> {
  const indexes = {
    job_by_owner: ['account_id', 'id'],
    job_by_owner_and_model: ['account_id', 'model', 'id'],
  };
  for (const [name, columns] of Object.entries(indexes)) {
    await schema.dropIndex(name).execute();
    await schema.createIndex(name).on('job').columns(columns).execute();
  }
}
