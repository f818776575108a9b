/**
 * The order in which a batch applies its operations. What frees capacity comes before what takes it, so that a miner that
 * completes a job and asks for another in the same batch gets one.
 */
export const BATCH_ORDER: readonly string[] = [
  'store.probe',
  'identity.keep',
  'receipts.admit-key',
  'ledger.admit',
  'accounts.open',
  'accounts.insert-key',
  'accounts.revoke-key',
  // Completions are charged by the time that has passed.
  'jobs.keep-time',
  'miners.register',
  // What a miner posts together with its result is read before the result ends the job.
  'jobs.post-chunks',
  'jobs.complete',
  'jobs.give-up',
  'jobs.cancel',
  'jobs.heartbeat',
  'jobs.release-all',
  'miners.withdraw',
  'miners.reinstate',
  // Submissions may need the credits.
  'grants.grant',
  'jobs.submit',
  'jobs.claim',
  'files.add-part',
  'files.whole',
  'files.remove',
  'batches.create',
  'batches.begin',
  'batches.cancel',
  'batches.expire',
  'batches.finalize',
  'batches.submit',
  'batches.write',
  // After submissions: a waiting miner that was woken for a job asks within the batch that stores the job.
  'jobs.take',
  'jobs.sweep',
  'jobs.erase',
  'files.clear',
  // Only what an earlier transaction has committed is published, so this comes before the tree grows.
  'ledger.publish',
  'ledger.cosign',
  'ledger.integrate',
];
