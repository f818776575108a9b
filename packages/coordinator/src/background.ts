import { setTimeout } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { describe } from './clock-watch.ts';
import type { Config } from './config.ts';
import type { WitnessReport } from './ledger/witnesses.ts';
import type { Modules } from './modules.ts';
import type { Operation } from './store/operation.ts';
import type { Store } from './store/store.ts';
import { type StoreFault, StoreUnavailable } from './store/unavailable.ts';

export interface Background {
  stop(): Promise<void>;
}

/** Work that nobody asks for. Any number of processes may do it at once. */
interface Task {
  name: string;
  everyMs: number;
  /** Pause between steps that follow each other, as a multiple of what a step took. */
  rest: number;
  /** Each step writes: reads may be answered again before writes are. */
  writes?: true;
  /** Answers whether another step has something to do at once. */
  step(stopped: AbortSignal): Promise<boolean>;
}

/**
 * Enforces time and publishes the ledger, at intervals until stopped. What fails is logged and tried again. Since they
 * ask at all times, they are who says that the database is away, and when it is back: once each, however many
 * requests fail meanwhile.
 */
export function startBackground(modules: Modules, config: Config, log: FastifyBaseLogger): Background {
  const stopped = new AbortController();
  const outcomes = watchOutcomes(log);
  modules.store.onFault(outcomes.faulted);
  modules.ledger.onWitness(report => logWitness(log, report));
  const running = tasksOf(modules, config, log).map(task => repeat(task, stopped.signal, outcomes));
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

function tasksOf(modules: Modules, config: Config, log: FastifyBaseLogger): Task[] {
  const { store, sweep, erase, clear, batchWork, ledger } = modules;
  const everyMs = config.sweepSeconds * 1000;
  const intervalMs = config.ledgerInterval * 1000;
  const told = watchConflicts(log);
  return [
    { ...writing(store, sweep), step: () => sweepInTime(modules), everyMs, rest: 0 },
    // Nobody waits for it, so that the most of the time is left to other writes.
    { ...writing(store, erase), everyMs, rest: 4 },
    { ...writing(store, clear), everyMs, rest: 4 },
    { name: 'batches', step: batchWork.step, everyMs, rest: 1 },
    {
      name: 'ledger',
      everyMs: intervalMs,
      rest: 1,
      async step() {
        const more = await ledger.integrate();
        await ledger.publish(intervalMs);
        told.tell(ledger.conflict());
        return more;
      },
    },
  ];
}

const writing = (store: Store, operation: Step) => ({
  name: operation.name,
  writes: true as const,
  step: () => stepOf(store, operation),
});

/** In one batch, which begins with what has come to pass: completions that are in it are charged by that. */
async function sweepInTime({ store, keepTime, sweep, clockWatch }: Modules): Promise<boolean> {
  const [, more] = await Promise.all([store.write(keepTime, undefined), stepOf(store, sweep)]);
  clockWatch.settled(0);
  return more;
}

type Step = Operation<undefined, { more: boolean }>;

/** Answers whether another step has something to do at once. */
export async function stepOf(store: Store, operation: Step): Promise<boolean> {
  const outcome = await store.write(operation, undefined);
  return outcome.ok && outcome.value.more;
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

const WITNESS_LOG = {
  cosigned: ['info', 'the witness cosigns the ledger'],
  failed: ['warn', 'the witness can not be asked, and is left alone for a while'],
  ahead: [
    'warn',
    'the witness has cosigned more of the ledger: another coordinator was faster, or this one was set back',
  ],
  refused: ['error', 'the witness REFUSES to cosign the ledger'],
} as const;

function logWitness(log: FastifyBaseLogger, { outcome, ...report }: WitnessReport): void {
  const [level, text] = WITNESS_LOG[outcome];
  log[level](report, text);
}

/** Says once that publication has stopped, and why, and once that it goes on. */
function watchConflicts(log: FastifyBaseLogger) {
  let told: string | undefined;
  return {
    tell(conflict: Error | undefined) {
      if (conflict && conflict.message !== told)
        log.error(`The ledger is not published: ${conflict.message}`);
      if (!conflict && told !== undefined) log.info('the ledger is published again');
      told = conflict?.message;
    },
  };
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
      if (told === undefined || told === 'damaged') return;
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
