import { objectIn } from '../../store/json.ts';
import { done, type Operation, type WriteContext } from '../../store/operation.ts';
import { extendByGrace, type JobRow } from '../job.ts';
import type { LeasePolicy } from '../lease.ts';

/*
 * Leases, silences and durations are differences of times of the wall clock, which may be set: by hand, by a time server
 * that corrects what was wrong for long, or with a virtual machine that was put to sleep. So each sweep compares how far
 * the clock has moved since the last one with how much time has passed. Where this process made the last sweep, its
 * monotonic clock knows that; where it did not, a clock can only be seen to have been set back, and what it is too far ahead
 * counts as an absence of the coordinator. What the clock was set by, the times of what is under way are moved by.
 */

export interface TimePolicy extends LeasePolicy {
  /** A pause between sweeps longer than this was nobody's fault but the coordinators'. */
  absenceMs: number;
}

/** What has come to pass since the last sweep. */
export interface Elapsed {
  /** How long no coordinator ran, in ms; 0 where one did. */
  awayMs: number;
  /** What the clock was set ahead, or back (below 0), in ms; 0 where it was not. */
  setByMs: number;
  /** What really passed, in ms, as far as it is known. */
  passedMs: number;
  /** Whether what ran has all had its grace. Where not, another sweep is to follow at once. */
  isGranted: boolean;
}

type Step = Pick<Elapsed, 'setByMs' | 'passedMs'>;

/** Less than that is no more than clocks that are slewed, and coordinators that take turns, make of it. */
const TOLERANCE_MS = 2_000;

const LAST_SWEEP = 'swept_at';

/** By how much the clock was seen to be set ahead and not back since, in ms: the times to live were moved by that. */
const SET_AHEAD = 'clock_set_ahead';

/** Rows of each kind that are changed at once. */
const AT_ONCE = 500;

export type TimeKeeper = (context: WriteContext) => Promise<Elapsed>;

/** Keeps time: to be asked at each sweep, and once before a coordinator serves anybody. */
export function createTimeKeeper(policy: TimePolicy): TimeKeeper {
  let own: { sweptAt: number; uptime: number } | undefined;
  return async context => {
    const { tx, now, uptime } = context;
    const [last] = await tx.load('setting', 'name', [LAST_SWEEP]);
    const sweptAt = last === undefined ? now : Number(last.value);
    const isOwn = own?.sweptAt === sweptAt && uptime >= own.uptime;
    const elapsed = compare(now - sweptAt, isOwn && own ? uptime - own.uptime : undefined, policy);
    await tx.upsert('setting', ['name'], [{ name: LAST_SWEEP, value: String(now) }]);
    own = { sweptAt: now, uptime };
    const { awayMs, setByMs } = elapsed;
    if (setByMs !== 0) {
      await moveTimes(elapsed, context);
      context.emit({ type: 'clock.set', setByMs });
    }
    const grace =
      awayMs > 0
        ? { awayMs, sweptAt: sweptAt + setByMs, since: now, until: now + policy.leaseMs }
        : await pendingGrace(setByMs, context);
    return { ...elapsed, isGranted: grace === undefined || (await grantGrace(grace, context)) };
  };
}

/** @param passedMs by a clock that nobody sets; undefined where there is none */
function compare(
  movedMs: number,
  passedMs: number | undefined,
  { absenceMs }: TimePolicy,
): Omit<Elapsed, 'isGranted'> {
  const realMs = passedMs ?? Math.max(movedMs, 0);
  const setByMs = Math.abs(movedMs - realMs) < TOLERANCE_MS ? 0 : Math.round(movedMs - realMs);
  return { awayMs: realMs > absenceMs ? Math.round(realMs) : 0, setByMs, passedMs: Math.round(realMs) };
}

/**
 * The operation that keeps time and does nothing else: before completions of the same batch, which are charged by it.
 */
export const keepTime = (keeper: TimeKeeper): Operation<undefined, Elapsed> => ({
  name: 'jobs.keep-time',
  async apply(inputs, context) {
    const elapsed = await keeper(context);
    return inputs.map(() => done(elapsed));
  },
});

/** Moves the times of attempts, of their pauses and of live miners along with the clock. */
async function moveTimes({ setByMs, passedMs }: Step, context: WriteContext): Promise<void> {
  const { tx, now } = context;
  // What began after the clock was set has its time by the clock as it is; nothing began later than now.
  const isBefore = setByMs > 0 ? 'started_at <= ? AND 0 <= ?' : '(started_at < ? OR started_at > ?)';
  const before = setByMs > 0 ? [now - setByMs, 0] : [now - passedMs, now];
  const moved = (column: string) =>
    `${column} = CASE WHEN started_at + ? > ? THEN ${column} + (? - started_at) ELSE ${column} + ? END`;
  const by = [setByMs, now, now, setByMs];
  await tx.query(
    `UPDATE job SET ${moved('started_at')}, ${moved('lease_expires_at')}, ${moved('deadline')}
      WHERE status = 'running' AND lease_expires_at IS NOT NULL AND ${isBefore} RETURNING id`,
    [...by, ...by, ...by, ...before],
  );
  await moveTimesToLive({ setByMs, passedMs }, context);
  await tx.query(
    `UPDATE job SET held_until = CASE WHEN held_until + ? > ? THEN held_until + ? ELSE ? END
      WHERE held_until IS NOT NULL AND status = 'pending' AND role <> 'replicated' RETURNING id`,
    [setByMs, now, setByMs, now],
  );
  await tx.query(
    `UPDATE miner SET last_seen_at = CASE WHEN last_seen_at + ? < ? THEN last_seen_at + ? ELSE ? END
      WHERE status IN ('online', 'draining') RETURNING id`,
    [setByMs, now, setByMs, now],
  );
  await tx.query('UPDATE standing SET weighed_at = ? WHERE weighed_at > ? RETURNING id', [now, now]);
  await tx.query('UPDATE fair_clock SET dispatched_at = ? WHERE dispatched_at > ? RETURNING id', [now, now]);
}

/**
 * Moves the times to live of jobs that have not ended, and the windows of batches. A clock that is set back may have been
 * ahead since before this coordinator started: what was asked for at a time that is still to come is moved by all of the
 * step, and what is older only by what it was moved ahead by before, since else it would be over too soon.
 */
async function moveTimesToLive({ setByMs, passedMs }: Step, { tx, now }: WriteContext): Promise<void> {
  const [known] = await tx.load('setting', 'name', [SET_AHEAD]);
  const aheadMs = Number(known?.value ?? 0);
  const left = String(Math.max(aheadMs + setByMs, 0));
  await tx.upsert('setting', ['name'], [{ name: SET_AHEAD, value: left }]);
  // What was created before the clock was set: at a time still to come, or so long ago.
  const agoMs = setByMs > 0 ? setByMs : passedMs + 1;
  const oldBy = setByMs > 0 ? setByMs : -Math.min(aheadMs, -setByMs);
  const moved = (column: string) =>
    `CASE WHEN created_at > ? THEN ${column} + ? WHEN created_at <= ? THEN ${column} + ? ELSE ${column} END`;
  const by = [now, setByMs, now - agoMs, oldBy];
  // A replicated job is held for as long as it lives.
  const held = `CASE WHEN role = 'replicated' THEN ${moved('held_until')} ELSE held_until END`;
  for (const status of ['pending', 'running'])
    await tx.query(
      `UPDATE job SET expires_at = ${moved('expires_at')}, held_until = ${held} WHERE status = '${status}' RETURNING id`,
      [...by, ...by],
    );
  await tx.query(
    `UPDATE batch SET expires_at = ${moved('expires_at')} WHERE stage <> 'done' RETURNING id`,
    by,
  );
}

/** What an absence of all coordinators is made up for with. Times are in ms since the epoch. */
interface Grace {
  awayMs: number;
  /** When was swept last before it, by the clock as it is now. */
  sweptAt: number;
  /** When the absence was noticed, and how long leases last from then on. */
  since: number;
  until: number;
}

/** Setting that holds a grace, until all that ran have had it. */
const GRACE = 'grace';

/**
 * One that is damaged is none: leases end as they would.
 *
 * @param setByMs what the clock was set by since the last sweep
 */
async function pendingGrace(setByMs: number, { tx }: WriteContext): Promise<Grace | undefined> {
  const [setting] = await tx.load('setting', 'name', [GRACE]);
  const { awayMs, sweptAt, since, until } = ((setting && objectIn(setting.value)) ?? {}) as Record<
    string,
    number
  >;
  if (![awayMs, sweptAt, since, until].every(Number.isFinite)) return undefined;
  const moved = (time = 0) => time + setByMs;
  return { awayMs: awayMs ?? 0, sweptAt: moved(sweptAt), since: moved(since), until: moved(until) };
}

/**
 * Nobody could extend a lease while no coordinator ran, and what ran meanwhile is not charged for. After a long absence these
 * are more rows than other writes can wait for, so each call changes some of them. Answers whether that were all.
 */
async function grantGrace(grace: Grace, { tx, now }: WriteContext): Promise<boolean> {
  const { awayMs, sweptAt, since, until } = grace;
  const sql = `SELECT * FROM job WHERE status = 'running' AND lease_expires_at < ? ORDER BY lease_expires_at LIMIT ${AT_ONCE}`;
  const jobs = await tx.query<JobRow>(sql, [until]);
  const graced = jobs.map(job => {
    // Of an attempt that began later nothing is known to have passed without a coordinator.
    const isOlder = (job.started_at ?? now) <= sweptAt;
    return { ...extendByGrace(job, until), away_ms: job.away_ms + (isOlder ? awayMs : 0) };
  });
  await tx.update('job', 'id', ['lease_expires_at', 'deadline', 'away_ms'], graced);
  const heard = await tx.query(
    `UPDATE miner SET last_seen_at = ? WHERE id IN
      (SELECT id FROM miner WHERE status IN ('online', 'draining') AND last_seen_at < ?
       ORDER BY last_seen_at LIMIT ${AT_ONCE}) RETURNING id`,
    [now, since],
  );
  const isAll = jobs.length < AT_ONCE && heard.length < AT_ONCE;
  if (isAll) await tx.delete('setting', 'name', [GRACE]);
  else await tx.upsert('setting', ['name'], [{ name: GRACE, value: JSON.stringify(grace) }]);
  return isAll;
}
