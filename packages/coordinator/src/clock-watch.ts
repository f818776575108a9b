import type { ReadinessCheck } from './readiness.ts';

/** Smaller differences are usual corrections by a time server. */
const TOLERANCE_MS = 2_000;

/** For how long administrators see a warning after the clock was set. */
const REMEMBERED_MS = 3600 * 1000;

export interface ClockWatch extends ReadinessCheck {
  /** Call this after each sweep, which corrects times after the clock was set. `setByMs` is 0 where it was not. */
  noteSettled(setByMs: number): void;
}

/**
 * Notices when the system's clock is set. Until the next sweep, leases and the silence of miners are measured wrongly.
 *
 * @param now returns ms since the epoch
 * @param uptime returns ms by a monotonic clock
 */
export function createClockWatch(now: () => number, uptime: () => number): ClockWatch {
  let offset = now() - uptime();
  let last: { setByMs: number; at: number; uptime: number } | undefined;
  return {
    component: 'clock',
    noteSettled(setByMs) {
      offset = now() - uptime();
      if (setByMs !== 0) last = { setByMs, at: now(), uptime: uptime() };
    },
    check() {
      const setByMs = Math.round(now() - uptime() - offset);
      if (Math.abs(setByMs) < TOLERANCE_MS) return undefined;
      return `The clock was set ${describeClockStep(setByMs)}, and the times of what runs are not moved along yet`;
    },
    warning() {
      if (!last || uptime() - last.uptime > REMEMBERED_MS) return undefined;
      const at = new Date(last.at).toISOString();
      return `The clock was set ${describeClockStep(last.setByMs)} at ${at}, and the times of what runs were moved along`;
    },
  };
}

/** `ahead by 3600 s` */
export const describeClockStep = (setByMs: number) =>
  `${setByMs > 0 ? 'ahead' : 'back'} by ${Math.abs(setByMs) / 1000} s`;
