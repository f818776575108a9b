import { NO_PASSPORT, registeredDigest } from '../../miners/passports.ts';
import { parseJsonObject } from '../../store/json.ts';
import type { Row } from '../../store/schema.ts';
import type { WriteTransaction } from '../../store/transaction.ts';
import type { JobRow } from '../job.ts';

/*
 * Decides which operator may run which run of a replicated job. An operator gets at most one of the runs, and none
 * after failing with it. The job's row stores the run of each operator. A run that was offered and not claimed may go
 * to another operator.
 *
 * Engines give the same text only in the same set-up, so all runs of a job go to miners with the same passport.
 */

/** The run that each operator may have, by operator. Empty if the operator failed with it. */
export type Owners = Record<string, string>;

const BARRED = '';

/** Returns undefined if the row is damaged. */
export function ownersOf({ owners }: Pick<JobRow, 'owners'>): Owners | undefined {
  if (owners === null) return {};
  const found = parseJsonObject(owners);
  return found && Object.values(found).every(run => typeof run === 'string') ? (found as Owners) : undefined;
}

/** Returns the owners after a run failed: its operator may not have it again. */
export function barred(owners: Owners, runId: string): Owners {
  return Object.fromEntries(
    Object.entries(owners).map(([operator, run]) => [operator, run === runId ? BARRED : run]),
  );
}

function assigned(owners: Owners, runId: string, operator: number): Owners {
  const others = Object.entries(owners).filter(([, run]) => run !== runId);
  return { ...Object.fromEntries(others), [operator]: runId };
}

const passportAt = (miner: Row<'miner'>, model: string) => registeredDigest(miner, model) ?? NO_PASSPORT;

/** Returns the passport of a job's runs, or null if the first claim decides. Runs that check a job have the job's own. */
const passportOfRuns = ({ role, passport }: JobRow) =>
  role === 'replicated' ? passport : (passport ?? NO_PASSPORT);

/** The assignments of a batch of claims. Jobs other than runs are eligible for everybody. */
export interface Assignments {
  /** Must be called with these jobs before other methods. Reads nothing if none of them is a run. */
  load(jobs: readonly JobRow[]): Promise<void>;
  /** False also if the job's row is damaged. */
  isEligible(miner: Row<'miner'>, job: JobRow): boolean;
  /** The replicated jobs whose rows turned out to be damaged. */
  readonly damaged: readonly JobRow[];
  assign(miner: Row<'miner'>, job: JobRow): void;
  save(): Promise<void>;
}

export function createAssignments(tx: WriteTransaction): Assignments {
  const ownersByJob = new Map<string, Owners>();
  /** The passports of the runs, by job. */
  const passports = new Map<string, string>();
  const changed = new Set<string>();
  /** Replicated jobs whose passport the first claim of a run decides. */
  const decided = new Set<string>();
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
        [...ids].filter(id => !ownersByJob.has(id) && !damaged.has(id)),
      );
      for (const row of rows) {
        const owners = ownersOf(row);
        if (owners) {
          ownersByJob.set(row.id, owners);
          const passport = passportOfRuns(row);
          if (passport !== null) passports.set(row.id, passport);
        } else damaged.set(row.id, row);
      }
    },
    isEligible(miner, { id, run_of, model }) {
      if (run_of === null) return true;
      if (damaged.has(run_of)) return false;
      const passport = passports.get(run_of);
      if (passport !== undefined && passport !== passportAt(miner, model)) return false;
      const run = ownersByJob.get(run_of)?.[miner.operator_id];
      return run === undefined || run === id;
    },
    assign(miner, { id, run_of, model }) {
      if (run_of === null) return;
      if (!passports.has(run_of)) {
        passports.set(run_of, passportAt(miner, model));
        decided.add(run_of);
      }
      ownersByJob.set(run_of, assigned(ownersByJob.get(run_of) ?? {}, id, miner.operator_id));
      changed.add(run_of);
    },
    async save() {
      const rows = [...changed].map(id => ({ id, owners: JSON.stringify(ownersByJob.get(id)) }));
      await tx.update('job', rows);
      await tx.update(
        'job',
        [...decided].map(id => ({ id, passport: passports.get(id) ?? null })),
      );
    },
  };
}
