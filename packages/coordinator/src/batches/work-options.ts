import type { FileConfig } from '../files/options.ts';
import type { Ids } from '../ids.ts';
import type { JobRow } from '../jobs/job.ts';
import type { CancelInput } from '../jobs/leases/fail.ts';
import type { Elapsed } from '../jobs/maintenance/elapsed-time.ts';
import type { ClientJobs } from '../jobs/submitting/client-jobs.ts';
import type { SubmissionConfig } from '../jobs/submitting/options.ts';
import type { Limits } from '../limits/limits.ts';
import type { ServerConfig } from '../server-options.ts';
import type { Operation } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import type { SubmitPageInput } from './submit.ts';
import type { WritePageInput } from './write.ts';

/** What steps of batches are made with. */
export interface WorkOptions {
  config: ServerConfig & SubmissionConfig & FileConfig;
  store: Store;
  ids: Ids;
  now: () => number;
  jobs: Pick<ClientJobs, 'prepare'>;
  limits: Pick<Limits, 'mayProceed' | 'quotaOf'>;
  operations: {
    keepTime: Operation<undefined, Elapsed>;
    cancelJobs: Operation<CancelInput, JobRow>;
    submitPages: Operation<SubmitPageInput, undefined>;
    writePages: Operation<WritePageInput, undefined>;
  };
}
