import { setTimeout } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { Modules } from './create-modules.ts';
import type { AnyModule, Task } from './define-module.ts';
import { MODULES } from './modules.ts';
import { type StoreFault, StoreUnavailable } from './store/unavailable.ts';

export interface Background {
  stop(): Promise<void>;
}

/**
 * Runs the modules' background tasks at intervals until stopped, or not at all where `isTimed` is false. Failed steps are
 * logged and repeated. Logs once when the database is away and once when it is back, however many requests fail meanwhile.
 */
export function startBackground(
  modules: Modules,
  log: FastifyBaseLogger,
  { isTimed }: { isTimed: boolean },
): Background {
  const stopped = new AbortController();
  const outcomes = watchOutcomes(log);
  modules.store.onFault(outcomes.noteFault);
  const tasks = isTimed ? tasksOf(modules, log) : [];
  const running = tasks.map(task => repeatTask(task, stopped.signal, outcomes));
  return {
    async stop() {
      stopped.abort();
      await Promise.all(running);
    },
  };
}

function tasksOf(modules: Modules, log: FastifyBaseLogger): Task[] {
  const { config, store, operations } = modules;
  const shared = { config, store, operations, log, services: modules };
  return (MODULES as readonly AnyModule[]).flatMap(module =>
    module.tasks({ ...shared, service: modules[module.name as keyof Modules] }),
  );
}

async function repeatTask(
  { name, everyMs, rest, writes, step }: Task,
  signal: AbortSignal,
  outcomes: Outcomes,
): Promise<void> {
  while (!signal.aborted) {
    const began = performance.now();
    let more = false;
    try {
      more = await step(signal);
      outcomes.noteSuccess(name);
      if (writes) outcomes.noteWrite();
    } catch (error) {
      outcomes.noteFailure(name, error);
    }
    const pauseMs = more ? rest * (performance.now() - began) : everyMs;
    if (pauseMs > 0) await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
  }
}

interface Outcomes {
  /** Call this after a successful step that writes. */
  noteWrite(): void;
  noteSuccess(step: string): void;
  noteFailure(step: string, error: unknown): void;
  /** Call this with each fault of the database. */
  noteFault(fault: StoreUnavailable): void;
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

/** On an almost full disk, some writes succeed and others fail. A fault is over when no write has failed for this time. */
const QUIET_MS = 5_000;

/** Logs once that a step fails and once that it succeeds again, however often it is repeated meanwhile. */
function watchOutcomes(log: FastifyBaseLogger): Outcomes {
  const failing = new Map<string, string>();
  let loggedFault: StoreFault | undefined;
  let faultedAt = 0;

  function noteFault(fault: StoreUnavailable) {
    faultedAt = performance.now();
    if (loggedFault !== fault.fault) log.error({ err: fault }, FAULT_LOG[fault.fault]);
    loggedFault = fault.fault;
  }

  return {
    noteFault,
    noteWrite() {
      if (loggedFault === undefined || loggedFault === 'damaged' || loggedFault === 'newer') return;
      if (loggedFault !== 'away' && performance.now() - faultedAt < QUIET_MS) return;
      log.info(loggedFault === 'away' ? 'the database answers again' : 'the database takes writes again');
      loggedFault = undefined;
    },
    noteSuccess(step) {
      if (failing.delete(step)) log.info(`${step} succeeds again`);
    },
    noteFailure(step, error) {
      if (error instanceof StoreUnavailable) return noteFault(error);
      const { message } = error as Error;
      if (failing.get(step) !== message) log.error({ err: error }, `${step} failed`);
      failing.set(step, message);
    },
  };
}
