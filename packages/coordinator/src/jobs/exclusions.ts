import { abilitiesOf, mismatch, requirementsKey } from '../miners/eligibility.ts';
import type { ReadyQueue } from '../store/events.ts';
import { isJsonObject, parseJsonObject } from '../store/json.ts';
import type { Row } from '../store/schema.ts';
import type { Value, WriteTransaction } from '../store/transaction.ts';
import type { JobRow } from './job.ts';

/*
 * A job excludes the miners that should not get it again while others can run it: all miners of an operator that
 * failed, lost or returned the job, or a single miner whose engine is busy or does not support the job. Jobs with
 * exclusions stand in queues of their own, where miners search past jobs that exclude them, so ordinary jobs cost
 * nothing extra.
 */

/** Exclusions by `operator/ID` or `miner/ID`; a single query can also use `owner/ID`. Stored with the job as JSON. */
export type Exclusions = Record<string, Exclusion>;

export interface Exclusion {
  /** When the exclusion ends, in Unix milliseconds. It ends so that a job does not wait forever for other miners. */
  until: number;
  /** Whether the miner reported that no miner can run the job. */
  refused?: true;
  /** Whether this job already counted against the operator's reputation. It counts only once. */
  blamed?: true;
  /** How often the operator has returned the job. */
  releases?: number;
}

/** How long an exclusion lasts by default. */
export const EXCLUDED_MS = 5 * 60_000;

/** The most exclusions of a job. The oldest are dropped. */
const MAX_EXCLUSIONS = 32;

type ExcludedMiner = Pick<Row<'miner'>, 'id' | 'operator_id'>;

export const operatorKey = ({ operator_id }: ExcludedMiner) => `operator/${operator_id}`;
export const minerKey = ({ id }: ExcludedMiner) => `miner/${id}`;

/** Returns the exclusions of a job. Damaged ones are ignored. */
export function exclusionsOf({ owners }: Pick<JobRow, 'owners'>): Exclusions {
  if (owners === null) return {};
  const known = Object.entries(parseJsonObject(owners) ?? {});
  return Object.fromEntries(known.filter((entry): entry is [string, Exclusion] => isExclusion(entry[1])));
}

export const isExclusion = (value: unknown): value is Exclusion =>
  isJsonObject(value) && typeof value.until === 'number';

/**
 * Returns the job with one more exclusion. Ended exclusions are dropped unless they record a refusal, blame or
 * releases.
 */
export function exclude(job: JobRow, key: string, exclusion: Exclusion, now: number): JobRow {
  const kept = Object.entries(exclusionsOf(job)).filter(
    ([known, { until, refused, blamed, releases }]) =>
      known !== key && (until > now || refused || blamed || releases),
  );
  const own = { ...exclusionsOf(job)[key], ...exclusion };
  const owners = JSON.stringify(Object.fromEntries([...kept.slice(1 - MAX_EXCLUSIONS), [key, own]]));
  return { ...job, owners };
}

export const hasBeenRefused = (exclusions: Exclusions): boolean =>
  Object.values(exclusions).some(({ refused }) => refused);

export function isExcluded(exclusions: Exclusions, miner: ExcludedMiner, now: number): boolean {
  return [operatorKey(miner), minerKey(miner)].some(key => (exclusions[key]?.until ?? 0) > now);
}

/** Answers questions about the other live miners within one transaction. */
export interface Others {
  /** Whether a live miner that is not excluded could run a queue's jobs, even if it is busy now. */
  exist(queue: ReadyQueue, exclusions: Exclusions): Promise<boolean>;
}

/** How many miners are checked: usually one of the first few can run the job, and the search stops after 100. */
const MINERS_CHECKED = [3, 100];

const COLUMNS = { operator: 'operator_id', miner: 'id', owner: 'owner_id' } as const;

/** Takes one query for each queue and set of exclusions that is asked about. */
export function createOthers(tx: WriteTransaction, now: number): Others {
  const known = new Map<string, Promise<boolean>>();

  async function look(queue: ReadyQueue, excluded: readonly string[]): Promise<boolean> {
    const conditions: string[] = [];
    const values: Value[] = [];
    for (const [kind, column] of Object.entries(COLUMNS)) {
      const ids = excluded.flatMap(key => (key.startsWith(`${kind}/`) ? [key.slice(kind.length + 1)] : []));
      if (ids.length === 0) continue;
      conditions.push(`AND ${column} NOT IN (${ids.map(() => '?').join()})`);
      values.push(...(kind === 'miner' ? ids : ids.map(Number)));
    }
    const model = `%${JSON.stringify(queue.model).replaceAll(/[!%_]/g, '!$&')}%`;
    for (const limit of MINERS_CHECKED) {
      const rows = await tx.query<Row<'miner'>>(
        ['miner'],
        `SELECT * FROM miner WHERE status = 'online' AND suspended_at IS NULL
          AND capabilities LIKE ? ESCAPE '!' ${conditions.join(' ')} LIMIT ${limit}`,
        [model, ...values],
      );
      if (rows.some(miner => mismatch(queue, abilitiesOf(miner)) === null)) return true;
      if (rows.length < limit) return false;
    }
    return false;
  }

  return {
    exist(queue, exclusions) {
      const keys = Object.keys(exclusions).filter(key => (exclusions[key]?.until ?? 0) > now);
      const key = `${requirementsKey(queue)} ${keys.sort()}`;
      const found = known.get(key) ?? look(queue, keys);
      known.set(key, found);
      return found;
    },
  };
}
