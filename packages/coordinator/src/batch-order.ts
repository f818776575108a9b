/**
 * The order in which a batch applies its operations. Operations that free capacity come before those that use it, so that
 * a miner that completes a job and claims another in the same batch gets one.
 */
export const BATCH_ORDER: readonly string[] = [
  'store.probe',
  'identity.keep',
  'receipts.admit-key',
  'ledger.admit',
  'accounts.open',
  'accounts.insert-key',
  'accounts.change-key',
  'accounts.rotate-key',
  'accounts.revoke-key',
  // The price of a completed job depends on the time that this operation keeps.
  'jobs.keep-time',
  'miners.register',
  // Chunks must be stored before the job's result ends it.
  'jobs.post-chunks',
  'jobs.complete',
  'jobs.give-up',
  'jobs.cancel',
  'jobs.heartbeat',
  'jobs.release-all',
  'miners.withdraw',
  'miners.reinstate',
  // Submissions may need the granted credits.
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
  // A waiting miner is woken before its job is committed, so its claim may be in the same batch as the submission.
  'jobs.take',
  'jobs.sweep',
  'jobs.erase',
  'files.clear',
  'webhooks.create',
  'webhooks.change',
  'webhooks.delete',
  'webhooks.rotate-secret',
  'webhooks.account-secret',
  'webhooks.test',
  'webhooks.redeliver',
  // What came of deliveries ends leases, so that the same batch can lease the webhooks again.
  'webhooks.record',
  'webhooks.follow-receipts',
  'webhooks.lease',
  'webhooks.erase',
  // Publishing comes before the tree grows, since only a committed tree may be published.
  'ledger.publish',
  'ledger.cosign',
  'ledger.integrate',
];
