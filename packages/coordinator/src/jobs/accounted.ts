import type { Store } from '../store/store.ts';
import { findReceiptId } from './queries.ts';

/** The id of the receipt of a job, by which everyone may know of the job; undefined while it has none. */
export async function receiptOfJob({ read }: Store, jobId: string): Promise<string | undefined> {
  return await findReceiptId(read, jobId);
}
