import { reasonOf } from './store/unavailable.ts';

/** Part of a coordinator that can be unfit to serve while the process runs. */
export interface ReadinessCheck {
  /** As administrators read it: `store`. */
  component: string;
  /** Resolves with what is wrong, in words for the operator; undefined where all is well. To be cheap: it is asked for often. */
  check(): Promise<string | undefined> | string | undefined;
  /** What administrators should know though all is well. */
  warning?(): string | undefined;
}

/** What each component says, in the order in which they were added. */
export type ReadinessReport = readonly Found[];

interface Found {
  component: string;
  fault?: string | undefined;
  warning?: string | undefined;
}

/** Whether a coordinator can serve: a list of checks that modules add to. */
export interface Readiness {
  add(check: ReadinessCheck): void;
  /** Asks all of them at once. What throws is at fault, by its message. */
  report(): Promise<ReadinessReport>;
}

export function createReadiness(): Readiness {
  const checks: ReadinessCheck[] = [];
  return {
    add(check) {
      checks.push(check);
    },
    report: () =>
      Promise.all(
        checks.map(async ({ component, check, warning }) => {
          try {
            return { component, fault: await check(), warning: warning?.() };
          } catch (error) {
            return { component, fault: reasonOf(error as Error) };
          }
        }),
      ),
  };
}
