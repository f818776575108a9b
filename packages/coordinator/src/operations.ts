import { insertKey, openAccount, revokeKey } from './accounts/keys.ts';
import { createBatches } from './batches/create.ts';
import { beginBatches, cancelBatches, expireBatches, finalizeBatches } from './batches/stages.ts';
import { submitPages } from './batches/submit.ts';
import { writePages } from './batches/write.ts';
import type { Config } from './config.ts';
import { clearFiles } from './files/clear.ts';
import { addPart, removeFile, wholeFile } from './files/upload.ts';
import { grantCredits } from './grants/grant-credits.ts';
import { keepIdentity } from './identity.ts';
import { createStopwatch } from './jobs/leases/billed-time.ts';
import { claimJob, takeJobs } from './jobs/leases/claim.ts';
import { completeJobs } from './jobs/leases/complete.ts';
import { cancelJobs, giveUpJobs } from './jobs/leases/fail.ts';
import { beatMiners, releaseAll } from './jobs/leases/heartbeat.ts';
import { createTimeKeeper, keepTime } from './jobs/maintenance/elapsed-time.ts';
import { sweepJobs } from './jobs/maintenance/expiry.ts';
import { eraseTexts } from './jobs/maintenance/retention.ts';
import { createYielding } from './jobs/scheduling/priority-share.ts';
import { postChunks } from './jobs/streaming/post-chunks.ts';
import { submitJobs } from './jobs/submitting/submit-jobs.ts';
import { addCosignatures } from './ledger/cosign.ts';
import { admitLog } from './ledger/identity.ts';
import { integrate } from './ledger/integrate.ts';
import { publish } from './ledger/store-checkpoint.ts';
import { registerMiners, reinstateMiners, withdrawMiners } from './miners/lifecycle.ts';
import { reputationPolicy } from './miners/reputation.ts';
import type { ReceiptOptions } from './receipts/issue-receipts.ts';
import { pricingOf } from './receipts/pricing.ts';
import { admitKey } from './receipts/receipts.ts';
import type { Operation } from './store/operation.ts';
import { probeStore } from './store/write-health.ts';

const DAY_MS = 24 * 3600 * 1000;

export type Operations = ReturnType<typeof createOperations>;

/** Every kind of write, on the terms of a configuration. A store that writes in another thread makes its own. */
export function createOperations(config: Config, issuer: Omit<ReceiptOptions, 'pricingOf'>) {
  const priced = (model: string) => pricingOf(model, config);
  const rateOf = (model: string) => {
    const pricing = priced(model);
    return pricing.unit === 'gpu_second' ? pricing.rate : 0;
  };
  const lease = {
    leaseMs: config.leaseSeconds * 1000,
    timeoutMs: config.jobTimeoutSeconds * 1000,
    backoffMs: config.retryBackoffSeconds * 1000,
  };
  const reputation = reputationPolicy(config);
  const mining = { ...lease, reputation };
  const stopwatch = createStopwatch();
  const claim = {
    ...mining,
    offerMs: config.offerSeconds * 1000,
    requestBytes: config.promptLimit + config.mediaLimit,
    loadedPreferenceMs: config.preferLoadedSeconds * 1000,
    yieldsTurn: createYielding(config.lowPriorityShare),
    rateOf,
    stopwatch,
    slowStart: config.mode === 'keyed',
    established: new Set<number>(),
  };
  const time = {
    ...lease,
    reputation,
    minerTimeoutMs: config.minerTimeoutSeconds * 1000,
  };
  const absenceMs = Math.max(5_000, 5 * config.sweepSeconds * 1000);
  const keeper = createTimeKeeper({ ...lease, absenceMs });
  const settling = { ...issuer, ...lease, pricingOf: priced, rateOf, stopwatch };
  const submit = submitJobs({
    prepaid: config.billing === 'prepaid',
    pricingOf: priced,
    timeoutMs: lease.timeoutMs,
  });
  return {
    keepIdentity,
    probeStore,
    admitKey,
    admitLog,
    openAccount,
    insertKey,
    revokeKey,
    registerMiners: registerMiners({ maxPerOwner: config.maxMinersPerOwner }),
    withdrawMiners,
    reinstateMiners,
    grantCredits: grantCredits(issuer),
    submitJobs: submit,
    takeJobs: takeJobs(claim),
    claimJob: claimJob(claim),
    completeJobs: completeJobs({ ...settling, reputation }),
    giveUpJobs: giveUpJobs(mining),
    cancelJobs: cancelJobs(settling),
    beatMiners: beatMiners(mining),
    releaseAll,
    postChunks: postChunks({ ...mining, maxBytes: config.streamLimit, maxChunks: config.streamChunks }),
    keepTime: keepTime(keeper),
    sweepJobs: sweepJobs({ ...time, keeper }),
    addPart,
    wholeFile,
    removeFile,
    clearFiles,
    createBatches,
    beginBatches,
    cancelBatches,
    expireBatches,
    finalizeBatches,
    submitPages: submitPages(submit),
    writePages: writePages({ keepMs: config.fileDays * DAY_MS }),
    publish,
    addCosignatures,
    integrate,
    eraseTexts: eraseTexts({
      retentionMs: config.retentionDays * DAY_MS,
      streamKeepMs: config.streamKeepSeconds * 1000,
    }),
  };
}

export function allOperations(operations: Operations): readonly Operation<never, unknown>[] {
  return Object.values(operations);
}
