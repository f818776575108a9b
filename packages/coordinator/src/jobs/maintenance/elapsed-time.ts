import { parseJsonObject } from '../../store/json.ts';
import { done, type Operation, type WriteContext } from '../../store/operation.ts';
import { extendByGrace, type JobRow } from '../job.ts';
import type { LeasePolicy } from '../lease.ts';

/*
 * Leases, absences and durations are differences between times of the system clock, which may be set: by hand, by a
 * time server that corrects a large error, or when a virtual machine was asleep. So each sweep compares how far the
 * clock has moved since the last sweep with how much time has really passed. If this process made the last sweep, its
 * monotonic clock knows that. Otherwise only a clock that was set back can be recognised, and time by which it is too
 * far ahead counts as an absence of the coordinator. When the clock was set, the times of unfinished jobs are moved by
 * the same amount.
 */

export interface TimePolicy extends LeasePolicy {
  /** A pause between sweeps that is longer than this means that no coordinator ran. */
  absenceMs: number;
}

/** What happened since the last sweep. */
export interface Elapsed {
  /** How long no coordinator ran, in ms, or 0. */
  awayMs: number;
  /** By how much the clock was set, in ms: positive if ahead, negative if back, 0 if not at all. */
  setByMs: number;
  /** How much time really passed, in ms, as far as it is known. */
  passedMs: number;
  /** Whether all running jobs have been given their grace. If not, another sweep must follow at once. */
  isGranted: boolean;
}

type Step = Pick<Elapsed, 'setByMs' | 'passedMs'>;

/** Smaller differences come from clocks that are being adjusted, and from coordinators that take turns. */
const TOLERANCE_MS = 2_000;

const LAST_SWEEP = 'swept_at';

/** By how much the clock was set ahead and not yet back, in ms. Times to live were moved by this much. */
const SET_AHEAD = 'clock_set_ahead';

/** The number of rows of each kind that are changed at once. */
const AT_ONCE = 500;

export type TimeKeeper = (context: WriteContext) => Promise<Elapsed>;

/** Creates the time keeper, which must be called at each sweep, and once before a coordinator serves requests. */
export function createTimeKeeper(policy: TimePolicy): TimeKeeper {
  let own: { sweptAt: number; uptime: number } | undefined;
  return async context => {
    const { tx, now, uptime } = context;
    const [last] = await tx.load('setting', 'name', [LAST_SWEEP]);
    const sweptAt = last === undefined ? now : Number(last.value);
    const isOwn = own?.sweptAt === sweptAt && uptime >= own.uptime;
    const elapsed = compare(now - sweptAt, isOwn && own ? uptime - own.uptime : undefined, policy);
    await tx.upsert('setting', [{ name: LAST_SWEEP, value: String(now) }]);
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

/** @param passedMs the time by a clock that nobody sets, or undefined if there is none */
function compare(
  movedMs: number,
  passedMs: number | undefined,
  { absenceMs }: TimePolicy,
): Omit<Elapsed, 'isGranted'> {
  const realMs = passedMs ?? Math.max(movedMs, 0);
  const setByMs = Math.abs(movedMs - realMs) < TOLERANCE_MS ? 0 : Math.round(movedMs - realMs);
  return { awayMs: realMs > absenceMs ? Math.round(realMs) : 0, setByMs, passedMs: Math.round(realMs) };
}

/** The operation that only keeps time. It runs before completions in the same batch, because they are billed by it. */
export const keepTime = (keeper: TimeKeeper): Operation<undefined, Elapsed> => ({
  name: 'jobs.keep-time',
  async apply(inputs, context) {
    const elapsed = await keeper(context);
    return inputs.map(() => done(elapsed));
  },
});

/** Moves the times of attempts, pauses and live miners along with the clock. */
async function moveTimes({ setByMs, passedMs }: Step, context: WriteContext): Promise<void> {
  const { tx, now } = context;
  // Attempts that began after the clock was set have correct times already. Nothing began later than now.
  const isBefore = setByMs > 0 ? 'started_at <= ? AND 0 <= ?' : '(started_at < ? OR started_at > ?)';
  const before = setByMs > 0 ? [now - setByMs, 0] : [now - passedMs, now];
  const moved = (column: string) =>
    `${column} = CASE WHEN started_at + ? > ? THEN ${column} + (? - started_at) ELSE ${column} + ? END`;
  const by = [setByMs, now, now, setByMs];
  await tx.execute(
    'job',
    `UPDATE job SET ${moved('started_at')}, ${moved('lease_expires_at')}, ${moved('deadline')}
      WHERE status = 'running' AND lease_expires_at IS NOT NULL AND ${isBefore}`,
    [...by, ...by, ...by, ...before],
  );
  await moveTimesToLive({ setByMs, passedMs }, context);
  await tx.execute(
    'job',
    `UPDATE job SET held_until = CASE WHEN held_until + ? > ? THEN held_until + ? ELSE ? END
      WHERE held_until IS NOT NULL AND status = 'pending' AND role <> 'replicated'`,
    [setByMs, now, setByMs, now],
  );
  await tx.execute(
    'miner',
    `UPDATE miner SET last_seen_at = CASE WHEN last_seen_at + ? < ? THEN last_seen_at + ? ELSE ? END
      WHERE status IN ('online', 'draining')`,
    [setByMs, now, setByMs, now],
  );
  await tx.execute('standing', 'UPDATE standing SET weighed_at = ? WHERE weighed_at > ?', [now, now]);
  await tx.execute('fair_clock', 'UPDATE fair_clock SET dispatched_at = ? WHERE dispatched_at > ?', [
    now,
    now,
  ]);
}

/**
 * Moves the times to live of unfinished jobs and the windows of batches. A clock that is set back may have been ahead
 * since before this coordinator started. So jobs created in the future are moved by the whole step. Older ones are
 * moved only by what an earlier step moved them ahead, or they would expire too early.
 */
async function moveTimesToLive({ setByMs, passedMs }: Step, { tx, now }: WriteContext): Promise<void> {
  const [known] = await tx.load('setting', 'name', [SET_AHEAD]);
  const aheadMs = Number(known?.value ?? 0);
  const left = String(Math.max(aheadMs + setByMs, 0));
  await tx.upsert('setting', [{ name: SET_AHEAD, value: left }]);
  // Rows created before the clock was set: those with a time in the future, or older than the step.
  const agoMs = setByMs > 0 ? setByMs : passedMs + 1;
  const oldBy = setByMs > 0 ? setByMs : -Math.min(aheadMs, -setByMs);
  const moved = (column: string) =>
    `CASE WHEN created_at > ? THEN ${column} + ? WHEN created_at <= ? THEN ${column} + ? ELSE ${column} END`;
  const by = [now, setByMs, now - agoMs, oldBy];
  // A replicated job is held until it expires.
  const held = `CASE WHEN role = 'replicated' THEN ${moved('held_until')} ELSE held_until END`;
  for (const status of ['pending', 'running'])
    await tx.execute(
      'job',
      `UPDATE job SET expires_at = ${moved('expires_at')}, held_until = ${held} WHERE status = '${status}'`,
      [...by, ...by],
    );
  await tx.execute('batch', `UPDATE batch SET expires_at = ${moved('expires_at')} WHERE stage <> 'done'`, by);
}

/** What running jobs are given after an absence of all coordinators. Times are in Unix milliseconds. */
interface Grace {
  awayMs: number;
  /** When the last sweep before the absence was, by the clock as it is now. */
  sweptAt: number;
  /** When the absence was noticed, and until when leases last. */
  since: number;
  until: number;
}

/** The setting that stores an unfinished grace. */
const GRACE = 'grace';

/**
 * Returns the unfinished grace. A damaged one is ignored: leases end as usual.
 *
 * @param setByMs by how much the clock was set since the last sweep
 */
async function pendingGrace(setByMs: number, { tx }: WriteContext): Promise<Grace | undefined> {
  const [setting] = await tx.load('setting', 'name', [GRACE]);
  const { awayMs, sweptAt, since, until } = ((setting && parseJsonObject(setting.value)) ?? {}) as Record<
    string,
    number
  >;
  if (![awayMs, sweptAt, since, until].every(Number.isFinite)) return undefined;
  const moved = (time = 0) => time + setByMs;
  return { awayMs: awayMs ?? 0, sweptAt: moved(sweptAt), since: moved(since), until: moved(until) };
}

/**
 * Extends leases, because none could be extended while no coordinator ran, and does not bill that time. After a long
 * absence there may be too many rows for one transaction, so each call changes some of them. Returns whether it has
 * finished.
 */
async function grantGrace(grace: Grace, { tx, now }: WriteContext): Promise<boolean> {
  const { awayMs, sweptAt, since, until } = grace;
  const sql = `SELECT * FROM job WHERE status = 'running' AND lease_expires_at < ? ORDER BY lease_expires_at LIMIT ${AT_ONCE}`;
  const jobs = await tx.query<JobRow>(['job'], sql, [until]);
  const graced = jobs.map(before => {
    // An attempt that began after the last sweep is not known to have run without a coordinator.
    const isOlder = (before.started_at ?? now) <= sweptAt;
    const after = { ...extendByGrace(before, until), away_ms: before.away_ms + (isOlder ? awayMs : 0) };
    return { before, after };
  });
  await tx.change('job', graced);
  const heard = await tx.query<{ id: string }>(
    ['miner'],
    `SELECT id FROM miner WHERE status IN ('online', 'draining') AND last_seen_at < ?
      ORDER BY last_seen_at LIMIT ${AT_ONCE}`,
    [since],
  );
  await tx.update(
    'miner',
    heard.map(({ id }) => ({ id, last_seen_at: now })),
  );
  const isAll = jobs.length < AT_ONCE && heard.length < AT_ONCE;
  if (isAll) await tx.delete('setting', [GRACE]);
  else await tx.upsert('setting', [{ name: GRACE, value: JSON.stringify(grace) }]);
  return isAll;
}
