import { abilitiesOf, mismatch, nameOf } from '../miners/eligibility.ts';
import type { ReadyQueue } from '../store/events.ts';
import { isObject, objectIn } from '../store/json.ts';
import type { Row } from '../store/schema.ts';
import type { Transaction, Value } from '../store/transaction.ts';
import type { JobRow } from './job.ts';

/*
 * Who does not get a job again while others could run it: the operator of a miner that failed with it, lost it or handed
 * it back, or a single miner whose engine is busy or lacks what it takes. Jobs that exclude nobody pay nothing for this:
 * the others stand in queues of their own, in which miners look past what is not for them.
 */

/** `queue.lane` of queues of jobs that exclude somebody: miners look past those that exclude them. */
export const RETRIES = 2;

/** By `operator/ID` or `miner/ID`, of one question also `owner/ID`. Stored with the job, as JSON. */
export type Exclusions = Record<string, Exclusion>;

export interface Exclusion {
  /** Ms since the epoch. From then on it may have the job again, so that no job waits for ever for others. */
  until: number;
  /** It said that no miner can do what the job asks. */
  refused?: true;
  /** It was blamed for this job before, which is enough. */
  blamed?: true;
  /** How often it handed the job back. */
  releases?: number;
}

/** Others are waited for at most this long. */
export const EXCLUDED_MS = 5 * 60_000;

/** More are not remembered: the first are forgotten. */
const MOST = 32;

type ExcludedMiner = Pick<Row<'miner'>, 'id' | 'operator_id'>;

export const operatorKey = ({ operator_id }: ExcludedMiner) => `operator/${operator_id}`;
export const minerKey = ({ id }: ExcludedMiner) => `miner/${id}`;

/** Of a job that is run itself. What is damaged excludes nobody: such a job is ended. */
export function exclusionsOf({ owners }: Pick<JobRow, 'owners'>): Exclusions {
  if (owners === null) return {};
  const known = Object.entries(objectIn(owners) ?? {});
  return Object.fromEntries(known.filter((entry): entry is [string, Exclusion] => isExclusion(entry[1])));
}

export const isExclusion = (value: unknown): value is Exclusion =>
  isObject(value) && typeof value.until === 'number';

/** The job, as it excludes one more. What is over is forgotten, but for what was refused or blamed. */
export function exclude(job: JobRow, key: string, exclusion: Exclusion, now: number): JobRow {
  const kept = Object.entries(exclusionsOf(job)).filter(
    ([known, { until, refused, blamed, releases }]) =>
      known !== key && (until > now || refused || blamed || releases),
  );
  const own = { ...exclusionsOf(job)[key], ...exclusion };
  const owners = JSON.stringify(Object.fromEntries([...kept.slice(1 - MOST), [key, own]]));
  return { ...job, owners };
}

export const hasBeenRefused = (exclusions: Exclusions): boolean =>
  Object.values(exclusions).some(({ refused }) => refused);

export function isExcluded(exclusions: Exclusions, miner: ExcludedMiner, now: number): boolean {
  return [operatorKey(miner), minerKey(miner)].some(key => (exclusions[key]?.until ?? 0) > now);
}

/** Answers of one transaction about live miners. */
export interface Others {
  /** Whether a live miner could run a queue's jobs that is not excluded, whether it has room now or not. */
  exist(queue: ReadyQueue, exclusions: Exclusions): Promise<boolean>;
}

/** Miners that are looked at for one question: as a rule the first can, and where many can't, no more are asked. */
const LOOKED_AT = [3, 100];

const COLUMNS = { operator: 'operator_id', miner: 'id', owner: 'owner_id' } as const;

/** Costs a query for each queue and set of exclusions that it is asked about, and nothing until then. */
export function createOthers(tx: Transaction, now: number): Others {
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
    for (const limit of LOOKED_AT) {
      const rows = await tx.query<Row<'miner'>>(
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
      const key = `${nameOf(queue)} ${keys.sort()}`;
      const found = known.get(key) ?? look(queue, keys);
      known.set(key, found);
      return found;
    },
  };
}
