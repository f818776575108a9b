import type { ReadinessCheck } from './readiness.ts';

/** Less than that is no more than a time server that corrects a clock bit by bit makes of it. */
const TOLERANCE_MS = 2_000;

/** For so long administrators are told of a step that was dealt with. */
const REMEMBERED_MS = 3600 * 1000;

export interface ClockWatch extends ReadinessCheck {
  /** A sweep has moved along the times that a step of the clock has made wrong. `setByMs` is 0 where it found none. */
  settled(setByMs: number): void;
}

/**
 * Tells of steps of the wall clock. Until the next sweep has dealt with one, leases and silences are measured wrongly.
 *
 * @param now milliseconds since the epoch
 * @param uptime milliseconds by a clock that nobody sets
 */
export function createClockWatch(now: () => number, uptime: () => number): ClockWatch {
  let offset = now() - uptime();
  let last: { setByMs: number; at: number; uptime: number } | undefined;
  return {
    component: 'clock',
    settled(setByMs) {
      offset = now() - uptime();
      if (setByMs !== 0) last = { setByMs, at: now(), uptime: uptime() };
    },
    check() {
      const setByMs = Math.round(now() - uptime() - offset);
      if (Math.abs(setByMs) < TOLERANCE_MS) return undefined;
      return `The clock was set ${describe(setByMs)}, and the times of what runs are not moved along yet`;
    },
    warning() {
      if (!last || uptime() - last.uptime > REMEMBERED_MS) return undefined;
      const at = new Date(last.at).toISOString();
      return `The clock was set ${describe(last.setByMs)} at ${at}, and the times of what runs were moved along`;
    },
  };
}

/** `ahead by 3600 s` */
export const describe = (setByMs: number) =>
  `${setByMs > 0 ? 'ahead' : 'back'} by ${Math.abs(setByMs) / 1000} s`;
