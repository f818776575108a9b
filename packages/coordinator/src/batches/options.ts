import type { Config } from '../config.ts';
import type { Ids } from '../ids.ts';
import type { ClientJobs } from '../jobs/submitting/client-jobs.ts';
import type { Limits } from '../limits/limits.ts';
import type { Operations } from '../operations.ts';
import type { Store } from '../store/store.ts';

/** What steps of batches are made with. */
export interface WorkOptions {
  config: Config;
  store: Store;
  ids: Ids;
  now: () => number;
  jobs: Pick<ClientJobs, 'prepare'>;
  limits: Pick<Limits, 'mayProceed' | 'quotaOf'>;
  operations: Pick<
    Operations,
    | 'keepTime'
    | 'beginBatches'
    | 'expireBatches'
    | 'finalizeBatches'
    | 'submitPages'
    | 'writePages'
    | 'cancelJobs'
  >;
}
