import { messageWithCauses } from './store/unavailable.ts';

/** Checks a component that can fail while the process runs. */
export interface ReadinessCheck {
  /** Name of the component for administrators: `store`. */
  component: string;
  /** Returns a sentence for the operator that says what is wrong, or undefined. Must be cheap, since it is called often. */
  check(): Promise<string | undefined> | string | undefined;
  /** Returns a sentence for administrators about a component that works, or undefined. */
  warning?(): string | undefined;
}

/** The state of each component, in the order in which the checks were added. */
export type ReadinessReport = readonly ComponentState[];

interface ComponentState {
  component: string;
  fault?: string | undefined;
  warning?: string | undefined;
}

/** The checks that tell whether a coordinator can serve. Modules add them. */
export interface Readiness {
  add(check: ReadinessCheck): void;
  /** Runs all checks at once. A check that throws counts as a fault with the error's message. */
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
            return { component, fault: messageWithCauses(error as Error) };
          }
        }),
      ),
  };
}
