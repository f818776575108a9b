import { setTimeout } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { describe } from './clock-watch.ts';
import type { Modules } from './create-modules.ts';
import type { AnyModule, Task } from './module.ts';
import { MODULES } from './modules.ts';
import { type StoreFault, StoreUnavailable } from './store/unavailable.ts';

export interface Background {
  stop(): Promise<void>;
}

/**
 * Enforces time and publishes the ledger, at intervals until stopped, or not at all where `isTimed` is false. What fails is
 * logged and tried again. Since they ask at all times, they are who says that the database is away, and when it is back:
 * once each, however many requests fail meanwhile.
 */
export function startBackground(
  modules: Modules,
  log: FastifyBaseLogger,
  { isTimed }: { isTimed: boolean },
): Background {
  const stopped = new AbortController();
  const outcomes = watchOutcomes(log);
  modules.store.onFault(outcomes.faulted);
  const tasks = isTimed ? tasksOf(modules, log) : [];
  const running = tasks.map(task => repeat(task, stopped.signal, outcomes));
  return {
    async stop() {
      stopped.abort();
      await Promise.all(running);
    },
  };
}

/** Logs what operators are to know of commits. */
export function logCommits({ store }: Pick<Modules, 'store'>, log: FastifyBaseLogger): void {
  store.onCommit(events => {
    for (const event of events) {
      if (event.type === 'job.unreadable') {
        const { jobId: job_id, columns } = event;
        log.error({ job_id, columns }, 'the record of a job was damaged: it has failed');
      }
      if (event.type === 'clock.set') {
        const { setByMs } = event;
        log.warn(
          { setByMs },
          `the clock was set ${describe(setByMs)}: the times of jobs and miners were moved along`,
        );
      }
    }
  });
}

function tasksOf(modules: Modules, log: FastifyBaseLogger): Task[] {
  const { config, store, operations } = modules;
  const shared = { config, store, operations, log, services: modules };
  return (MODULES as readonly AnyModule[]).flatMap(module =>
    module.tasks({ ...shared, service: modules[module.name as keyof Modules] }),
  );
}

async function repeat(
  { name, everyMs, rest, writes, step }: Task,
  signal: AbortSignal,
  outcomes: Outcomes,
): Promise<void> {
  while (!signal.aborted) {
    const began = performance.now();
    let more = false;
    try {
      more = await step(signal);
      outcomes.succeeded(name);
      if (writes) outcomes.wrote();
    } catch (error) {
      outcomes.failed(name, error);
    }
    const pauseMs = more ? rest * (performance.now() - began) : everyMs;
    if (pauseMs > 0) await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
  }
}

interface Outcomes {
  /** A step was made that writes. */
  wrote(): void;
  succeeded(step: string): void;
  failed(step: string, error: unknown): void;
  /** The database can't be used. */
  faulted(fault: StoreUnavailable): void;
}

const FAULT_LOG: Record<StoreFault, string> = {
  away: 'the database does not answer',
  busy: 'the database is held by another program: nothing is stored until it lets go',
  full: 'the database has no space left: nothing is stored until there is some',
  'read-only': 'the database is read-only: nothing is stored until it takes writes',
  failing: 'the database can not be read or written',
  damaged: 'the database is damaged: stop the coordinator, and bring back a sound one',
  newer:
    'a newer version has changed the schema of the database: this coordinator serves no more requests. Start it again in that version',
};

/** On a disk that is all but full, some writes succeed and others don't: that is said to be over when none has failed for so long. */
const QUIET_MS = 5_000;

/** Says once that something does not work, and once that it does again, however often it is tried meanwhile. */
function watchOutcomes(log: FastifyBaseLogger): Outcomes {
  const failing = new Map<string, string>();
  let told: StoreFault | undefined;
  let faultedAt = 0;

  function faulted(fault: StoreUnavailable) {
    faultedAt = performance.now();
    if (told !== fault.fault) log.error({ err: fault }, FAULT_LOG[fault.fault]);
    told = fault.fault;
  }

  return {
    faulted,
    wrote() {
      if (told === undefined || told === 'damaged' || told === 'newer') return;
      if (told !== 'away' && performance.now() - faultedAt < QUIET_MS) return;
      log.info(told === 'away' ? 'the database answers again' : 'the database takes writes again');
      told = undefined;
    },
    succeeded(step) {
      if (failing.delete(step)) log.info(`${step} succeeds again`);
    },
    failed(step, error) {
      if (error instanceof StoreUnavailable) return faulted(error);
      const { message } = error as Error;
      if (failing.get(step) !== message) log.error({ err: error }, `${step} failed`);
      failing.set(step, message);
    },
  };
}
