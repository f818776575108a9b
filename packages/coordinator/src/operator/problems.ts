import { statfs } from 'node:fs/promises';
import type { ModelQueue, OperatorProblem } from '@aitbc/protocol';
import type { PublicLedger } from '../ledger/ledger.ts';
import type { Readiness } from '../readiness.ts';
import { isoTime } from '../store/numbers.ts';
import type { Store } from '../store/store.ts';
import { messageWithCauses } from '../store/unavailable.ts';
import {
  listDisabledWebhooks,
  listSuspended,
  listUnread,
  listVerifiers,
  MAX_NAMED,
  type Unread,
} from './queries.ts';
import { FAILURE_MINUTES, type RecentFailures } from './recent-failures.ts';

/** What is wrong now. */
export interface ProblemFinder {
  /** Returns alarms first. What can't be looked at is a problem of its own. */
  find(): Promise<OperatorProblem[]>;
}

export interface ProblemSources {
  store: Pick<Store, 'read'>;
  /** The data folder. */
  data: string;
  ledger: Pick<PublicLedger, 'lag' | 'conflict'>;
  readiness: Readiness;
  queues: () => Promise<ModelQueue[]>;
  failures: Pick<RecentFailures, 'list'>;
  now: () => number;
}

/** From then on, waiting jobs and unpublished entries are a problem. */
const OLD_JOB_MS = 10 * 60_000;
const LEDGER_BEHIND_MS = 60_000;
/** From then on, answers that no verifier can read are a problem, and so long ago a verifier may have asked for some. */
const UNREAD_MS = 10 * 60_000;
const VERIFIER_SEEN_MS = 10 * 60_000;
/** A miner fails often from this many failures in ten minutes on. */
const MANY_FAILURES = 3;
/** The least share of the disk that should be free, and the share from which on it is an alarm. */
const DISK_SHARES = { warning: 0.1, alarm: 0.03 };

type Problems = OperatorProblem[];

export function createProblemFinder(sources: ProblemSources): ProblemFinder {
  const looks: Record<string, (sources: ProblemSources) => Promise<Problems>> = {
    queues: findInQueues,
    miners: findMiners,
    verifications: findUnread,
    ledger: findInLedger,
    disk: findOnDisk,
    webhooks: findWebhooks,
    readiness: findInComponents,
  };
  return {
    async find() {
      const found = await Promise.all(
        Object.entries(looks).map(async ([name, look]): Promise<Problems> => {
          try {
            return await look(sources);
          } catch (error) {
            return [componentProblem(name, messageWithCauses(error as Error))];
          }
        }),
      );
      const problems = found.flat();
      return [...problems.filter(isAlarm), ...problems.filter(problem => !isAlarm(problem))];
    },
  };
}

const isAlarm = ({ severity }: OperatorProblem) => severity === 'alarm';

async function findInQueues({ queues, now }: ProblemSources): Promise<Problems> {
  return (await queues()).flatMap(({ model, pending, miners, waiting_since: since }): Problems => {
    if (miners === 0)
      return [
        {
          ...{ kind: 'NO_MINER', severity: 'alarm', subject: model, since },
          detail: `${jobs(pending)} for ${model}, which no live miner offers.`,
          advice: 'Start a miner with this model, or tell those who submitted the jobs to cancel them.',
        },
      ];
    if (since === null || now() - Date.parse(since) < OLD_JOB_MS) return [];
    return [
      {
        ...{ kind: 'OLD_JOBS', severity: 'warning', subject: model, since },
        detail: `${jobs(pending)} for ${model}; the next one has been waiting for ${minutes(now() - Date.parse(since))}.`,
        advice: `${miners === 1 ? 'One miner offers' : `${miners} miners offer`} this model: look at what they run, and whether the jobs ask for a region, memory or ability that they lack. Add miners where all are busy.`,
      },
    ];
  });
}

const jobs = (pending: number) => (pending === 1 ? '1 job waits' : `${pending} jobs wait`);
const minutes = (ms: number) => `${Math.floor(ms / 60_000)} minutes`;

async function findMiners({ store, failures }: ProblemSources): Promise<Problems> {
  const suspended = (await listSuspended(store.read)).map(
    ({ id, suspended_at }): OperatorProblem => ({
      ...{ kind: 'MINER_SUSPENDED', severity: 'warning', subject: id },
      since: suspended_at === null ? null : isoTime(suspended_at),
      detail: `${id} is suspended, so it gets no jobs.`,
      advice:
        'See why its reputation fell. Reinstate it once the cause is mended; otherwise it comes back on probation.',
    }),
  );
  const failing = failures
    .list(MANY_FAILURES)
    .slice(0, MAX_NAMED)
    .map(
      ({ minerId, failures, since }): OperatorProblem => ({
        ...{ kind: 'MINER_FAILING', severity: 'warning', subject: minerId, since: isoTime(since) },
        detail: `${minerId} failed, or was not heard of, ${failures} times in the last ${FAILURE_MINUTES} minutes.`,
        advice: 'Ask its owner for the log of the miner and its engine, or drain it until it is mended.',
      }),
    );
  return [...failing, ...suspended];
}

/** Finds models whose answers wait for weights that no verifier has asked for lately. */
async function findUnread({ store, now }: ProblemSources): Promise<Problems> {
  const unread = (await listUnread(store.read)).filter(({ created_at }) => now() - created_at >= UNREAD_MS);
  if (unread.length === 0) return [];
  const verifiers = await listVerifiers(store.read, now() - VERIFIER_SEEN_MS);
  const read = new Set(verifiers.flatMap(({ weights }) => JSON.parse(weights) as string[]));
  const missing = unread.filter(({ weights }) => weights === null || !read.has(weights));
  // The first of each model waits longest.
  const byModel = new Map(missing.toReversed().map((each): [string, Unread] => [each.model, each]));
  return [...byModel.values()].slice(0, MAX_NAMED).map(({ model, weights, created_at }) => ({
    ...{ kind: 'NO_VERIFIER', severity: 'warning', subject: model, since: isoTime(created_at) },
    detail: `Answers of ${model} wait for a verifier with the weights ${weights}, and none was seen in the last ten minutes.`,
    advice:
      'Start a verifier with these weights: `aitbc miner --verify --gguf FILE`. What nobody reads in time says nothing of its miner.',
  }));
}

async function findInLedger({ ledger, now }: ProblemSources): Promise<Problems> {
  const conflict = ledger.conflict();
  if (conflict)
    return [
      {
        ...{ kind: 'LEDGER_FORK', severity: 'alarm', subject: null, since: null },
        detail: conflict.message,
        advice:
          'The database is older or other than what was published. Bring back the newest one, or run `aitbc restore`.',
      },
    ];
  const { entries, since } = await ledger.lag();
  if (since === undefined || now() - since < LEDGER_BEHIND_MS) return [];
  return [
    {
      ...{ kind: 'LEDGER_BEHIND', severity: 'warning', subject: null, since: isoTime(since) },
      detail: `${entries === 1 ? '1 entry waits' : `${entries} entries wait`} for publication, the oldest for ${minutes(now() - since)}.`,
      advice:
        'The log of the coordinator says why it publishes nothing; witnesses that do not answer are the usual cause.',
    },
  ];
}

async function findOnDisk({ data }: ProblemSources): Promise<Problems> {
  const { bavail, blocks, bsize } = await statfs(data);
  const share = blocks === 0 ? 1 : bavail / blocks;
  if (share >= DISK_SHARES.warning) return [];
  return [
    {
      ...{ kind: 'DISK_LOW', subject: null, since: null },
      severity: share < DISK_SHARES.alarm ? 'alarm' : 'warning',
      detail: `${((bavail * bsize) / 1e9).toFixed(1)} GB of the data folder’s disk are free, ${(share * 100).toFixed(1)} %.`,
      advice: 'Free some space, or erase texts and files sooner: --retention-days and --file-days.',
    },
  ];
}

async function findWebhooks({ store }: ProblemSources): Promise<Problems> {
  return (await listDisabledWebhooks(store.read)).map(({ id, url, updated_at }) => ({
    ...{ kind: 'WEBHOOK_DISABLED', severity: 'warning', subject: id, since: isoTime(updated_at) },
    detail: `${new URL(url).origin} gets no more deliveries, since it failed for too long or is gone.`,
    advice: 'Its owner resumes it once the receiver is back: `aitbc webhooks resume`.',
  }));
}

/** What the ledger and its conflicts are called where readiness tells of them: those are found above. */
const FOUND_ABOVE = 'ledger';

async function findInComponents({ readiness, ledger }: ProblemSources): Promise<Problems> {
  const report = await readiness.report();
  return report.flatMap(({ component, fault, warning }): Problems => {
    if (component === FOUND_ABOVE && ledger.conflict()) return [];
    if (fault !== undefined) return [componentProblem(component, fault)];
    if (warning === undefined) return [];
    return [{ ...componentProblem(component, warning), kind: 'COMPONENT_WARNING', severity: 'warning' }];
  });
}

const ADVICE: Readonly<Record<string, string>> = {
  store:
    'Nothing is stored meanwhile. Look whether the database runs, answers, and has space; the coordinator goes on by itself once it does.',
  ledger: 'Receipts stay valid, but are not published. The log of the coordinator says more.',
};

const componentProblem = (component: string, detail: string): OperatorProblem => ({
  ...{ kind: 'COMPONENT_FAILING', severity: 'alarm', subject: component, since: null, detail },
  advice: ADVICE[component] ?? 'The log of the coordinator says more.',
});
