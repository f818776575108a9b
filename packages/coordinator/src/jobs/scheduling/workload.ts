import type { Store } from '../../store/store.ts';
import { listWorkload, type WorkloadRow } from '../queries.ts';

/** Pending jobs by what they need of a miner. */
export async function readWorkload(store: Store): Promise<WorkloadRow[]> {
  return await listWorkload(store.read);
}
