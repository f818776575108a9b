import type { Row } from '../store/schema.ts';
import type { Transaction } from '../store/transaction.ts';
import type { JobRow } from './job.ts';

/*
 * Who may have which run of a job: an operator has one of them at most, and none again that failed with it. A row says
 * for each operator which run that is; what was offered and not claimed may go to another.
 */

/** By operator the run that it may have, or nothing where it failed. */
export type Owners = Record<string, string>;

const BARRED = '';

export const ownersOf = ({ owners }: Pick<JobRow, 'owners'>): Owners =>
  owners === null ? {} : JSON.parse(owners);

/** As they become when a run failed with whoever had it. */
export function barred(owners: Owners, runId: string): Owners {
  return Object.fromEntries(
    Object.entries(owners).map(([operator, run]) => [operator, run === runId ? BARRED : run]),
  );
}

function assigned(owners: Owners, runId: string, operator: number): Owners {
  const others = Object.entries(owners).filter(([, run]) => run !== runId);
  return { ...Object.fromEntries(others), [operator]: runId };
}

/** The assignments of a batch. Of other jobs than runs it knows nothing, and everyone may have them. */
export interface Assignments {
  /** To be called before anything is asked of these jobs. Reads nothing where there is no run among them. */
  load(jobs: readonly JobRow[]): Promise<void>;
  mayHave(miner: Row<'miner'>, job: JobRow): boolean;
  assign(miner: Row<'miner'>, job: JobRow): void;
  save(): Promise<void>;
}

export function createAssignments(tx: Transaction): Assignments {
  const known = new Map<string, Owners>();
  const changed = new Set<string>();
  return {
    async load(jobs) {
      const ids = new Set(jobs.flatMap(job => (job.run_of === null ? [] : [job.run_of])));
      const rows = await tx.load(
        'job',
        'id',
        [...ids].filter(id => !known.has(id)),
      );
      for (const row of rows) known.set(row.id, ownersOf(row));
    },
    mayHave(miner, { id, run_of }) {
      if (run_of === null) return true;
      const run = known.get(run_of)?.[miner.operator_id];
      return run === undefined || run === id;
    },
    assign(miner, { id, run_of }) {
      if (run_of === null) return;
      known.set(run_of, assigned(known.get(run_of) ?? {}, id, miner.operator_id));
      changed.add(run_of);
    },
    async save() {
      const rows = [...changed].map(id => ({ id, owners: JSON.stringify(known.get(id)) }));
      await tx.update('job', 'id', ['owners'], rows);
    },
  };
}
