import { objectIn } from '../../store/json.ts';
import type { Row } from '../../store/schema.ts';
import type { Transaction } from '../../store/transaction.ts';
import type { JobRow } from '../job.ts';

/*
 * Who may have which run of a job: an operator has one of them at most, and none again that failed with it. A row says
 * for each operator which run that is; what was offered and not claimed may go to another.
 */

/** By operator the run that it may have, or nothing where it failed. */
export type Owners = Record<string, string>;

const BARRED = '';

/** Undefined where the row is damaged. */
export function ownersOf({ owners }: Pick<JobRow, 'owners'>): Owners | undefined {
  if (owners === null) return {};
  const found = objectIn(owners);
  return found && Object.values(found).every(run => typeof run === 'string') ? (found as Owners) : undefined;
}

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
  /** False where it can't be told. */
  isEligible(miner: Row<'miner'>, job: JobRow): boolean;
  /** Jobs that were met of which it can't be told who has their runs. */
  readonly damaged: readonly JobRow[];
  assign(miner: Row<'miner'>, job: JobRow): void;
  save(): Promise<void>;
}

export function createAssignments(tx: Transaction): Assignments {
  const known = new Map<string, Owners>();
  const changed = new Set<string>();
  const damaged = new Map<string, JobRow>();
  return {
    get damaged() {
      return [...damaged.values()];
    },
    async load(jobs) {
      const ids = new Set(jobs.flatMap(job => (job.run_of === null ? [] : [job.run_of])));
      const rows = await tx.load(
        'job',
        'id',
        [...ids].filter(id => !known.has(id) && !damaged.has(id)),
      );
      for (const row of rows) {
        const owners = ownersOf(row);
        if (owners) known.set(row.id, owners);
        else damaged.set(row.id, row);
      }
    },
    isEligible(miner, { id, run_of }) {
      if (run_of === null) return true;
      if (damaged.has(run_of)) return false;
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
