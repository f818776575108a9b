/*
 * The rules of the job as a small pure model, told from the design and not from the coordinator's code. Where the
 * rules leave a choice open (which of several jobs a miner is given), the model takes the coordinator's answer and
 * says whether it was one that the rules allow.
 */

/** Options of the coordinator under test that the model reckons with, in seconds. */
export const TERMS = {
  // The model of the rules takes the highest priority first, each time.
  lowPriorityShare: 0,
  preferMinerSeconds: 5,
  fallbackSeconds: 10,
  leaseSeconds: 25,
  // No longer than the shortest run that is reckoned with: what is set aside for a job is then always the same.
  jobTimeoutSeconds: 60,
  offerSeconds: 5,
  retryBackoffSeconds: 2,
  ttlSeconds: 300,
  idempotencySeconds: 60,
  maxAttempts: 2,
  sweepSeconds: 60,
  // By the clock of the test alone: the model can't know of sweeps in between.
  background: false,
  minerTimeoutSeconds: 86_400,
  billing: 'prepaid',
  /** Credits a second. */
  rate: 0.025,
} as const;

/** Micro-credits for a millisecond. */
const RATE = TERMS.rate * 1000;
/** What is set aside for each job. */
const WORST_CASE = RATE * TERMS.jobTimeoutSeconds * 1000;

/** A pause between sweeps longer than this counts against no lease: five times the interval. */
const ABSENCE_MS = 5 * TERMS.sweepSeconds * 1000;

/** The miners that a client chooses by their ids, or by the number of their owner. */
export interface Chosen {
  only?: string[];
  not?: string[];
  first?: string[];
  owner?: number;
}

export interface ModelJob {
  id: string;
  client: number;
  model: string;
  /** All models that it names, best first. */
  models: string[];
  /** When it is looked at whether it goes on to the next of its models. */
  dueAt: number;
  chosen: Chosen;
  /** It may be kept for one of these miners. Whether it is depends on fair shares, which the model does not know. */
  keptFor: { miners: string[]; until: number } | null;
  /** Where it must run; null: anywhere. */
  region: string | null;
  priority: number;
  status: string;
  attempts: number;
  maxAttempts: number;
  /** How many attempts each model gets. */
  attemptsEach: number;
  expiresAt: number;
  held: { until: number; by: string | null } | null;
  miner: string | null;
  lease: number;
  deadline: number;
  startedAt: number;
  /** Of its run, the time in which no coordinator ran: nobody pays for it. In ms. */
  awayMs: number;
  receipt: unknown;
  error: string | null;
  /** Until when an owner (`owner N`) or a miner does not get it while others could, in ms since the epoch. */
  excluded: Record<string, number>;
  /** An owner has said that no miner can do it. */
  refused: boolean;
}

export interface ModelMiner {
  id: string;
  owner: number;
  models: string[];
  region: string | null;
  concurrency: number | null;
  status: 'online' | 'draining' | 'removed';
  completed: number;
  failed: number;
}

export interface Model {
  /** Milliseconds since the epoch. */
  now: number;
  /** Whether the coordinator that is asked knows all live miners at once. One of several hears of some later. */
  knowsMiners: boolean;
  sweptAt: number;
  /** In the order of their submission. */
  jobs: ModelJob[];
  miners: ModelMiner[];
  keys: { client: number; key: string; body: string; jobId: string; until: number }[];
  /** Micro-credits of each of those who act. */
  balances: number[];
}

const hasEnded = ({ status }: ModelJob) => status !== 'pending' && status !== 'running';

/** What is set aside of a balance. */
export const reservedOf = (model: Model, client: number) =>
  WORST_CASE * model.jobs.filter(job => job.client === client && !hasEnded(job)).length;

/** Whether a client could pay for one more job. */
export const canPay = (model: Model, client: number) =>
  balanceOf(model, client) - reservedOf(model, client) >= WORST_CASE;

const balanceOf = (model: Model, party: number) => model.balances[party] ?? 0;

/** The price of a completed run goes from the client to the owner of its miner. */
export function pay(model: Model, job: ModelJob, owner: number): void {
  const ranMs = Math.max(model.now - job.startedAt - job.awayMs, 0);
  const price = Math.min(RATE * ranMs, WORST_CASE);
  model.balances[job.client] = balanceOf(model, job.client) - price;
  model.balances[owner] = balanceOf(model, owner) + price;
}

export const isRunningOn = (job: ModelJob, minerId: string) =>
  job.status === 'running' && job.miner === minerId;

export const canRun = (miner: ModelMiner, job: ModelJob) =>
  miner.models.includes(job.model) &&
  (job.region === null || job.region === miner.region) &&
  isChosen(miner, job.chosen);

function isChosen({ id, owner }: ModelMiner, { only, not, owner: wanted }: Chosen): boolean {
  if (only && !only.includes(id)) return false;
  return !not?.includes(id) && (wanted === undefined || wanted === owner);
}

/** The first of these models that a live miner can run. */
export const firstLive = (model: Model, job: ModelJob, models: readonly string[]) =>
  models.find(name =>
    model.miners.some(miner => miner.status === 'online' && canRun(miner, { ...job, model: name })),
  );

/** The model that a job goes on to after waiting, or undefined if it stays. */
export function laterModel(model: Model, job: ModelJob): string | undefined {
  const at = job.models.indexOf(job.model);
  const later = firstLive(model, job, job.models.slice(at + 1));
  if (later !== undefined || firstLive(model, job, [job.model]) !== undefined) return later;
  return firstLive(model, job, job.models.slice(0, at));
}

/** A waiting job goes on to another of its models, where it is the last in line. */
export function moveTo(model: Model, job: ModelJob, name: string): void {
  Object.assign(job, { model: name, excluded: {}, refused: false });
  model.jobs = [...model.jobs.filter(other => other !== job), job];
}

export const runningOn = (model: Model, minerId: string) =>
  model.jobs.filter(job => isRunningOn(job, minerId));

export function start(model: Model, job: ModelJob, minerId: string): void {
  const deadline = model.now + TERMS.jobTimeoutSeconds * 1000;
  Object.assign(job, {
    status: 'running',
    miner: minerId,
    attempts: job.attempts + 1,
    held: null,
    keptFor: null,
    deadline,
    startedAt: model.now,
    awayMs: 0,
    lease: Math.min(model.now + TERMS.leaseSeconds * 1000, deadline),
  });
}

export function extend(model: Model, job: ModelJob): void {
  job.lease = Math.max(job.lease, Math.min(model.now + TERMS.leaseSeconds * 1000, job.deadline));
}

export function end(job: ModelJob, status: string, error: string | null = null): void {
  Object.assign(job, { status, error, held: null, keptFor: null });
}

/** A job fails where it has no further model. */
function failOrGoOn(model: Model, job: ModelJob, error: string): void {
  const next = job.models[job.models.indexOf(job.model) + 1];
  if (next === undefined) {
    end(job, 'failed', error);
    return;
  }
  handBack(job);
  job.maxAttempts = job.attempts + job.attemptsEach;
  moveTo(model, job, next);
}

export function handBack(job: ModelJob): void {
  Object.assign(job, { status: 'pending', miner: null, held: null });
}

/** An attempt ends without a result. */
export function loseAttempt(
  model: Model,
  job: ModelJob,
  error: string,
  retry: boolean,
  pauseMs: number,
): void {
  const miner = model.miners.find(({ id }) => id === job.miner);
  if (!miner) return;
  miner.failed++;
  if (!retry) {
    takeRefusal(model, job, miner, error);
    return;
  }
  if (job.attempts >= job.maxAttempts) {
    failOrGoOn(model, job, error);
    return;
  }
  handBack(job);
  exclude(job, `owner ${miner.owner}`, model.now + EXCLUDED_MS);
  if (pauseMs > 0) job.held = { until: model.now + pauseMs, by: null };
}

/** Others are waited for so long. */
export const EXCLUDED_MS = 300_000;

export function exclude(job: ModelJob, who: string, until: number): void {
  job.excluded[who] = until;
}

export const isExcluded = (model: Model, job: ModelJob, miner: ModelMiner): boolean =>
  [`owner ${miner.owner}`, miner.id].some(who => (job.excluded[who] ?? 0) > model.now);

/** Live miners that could run a job and are not excluded from it, whether they have room or not. */
const othersFor = (model: Model, job: ModelJob): ModelMiner[] =>
  model.miners.filter(
    miner => miner.status === 'online' && canRun(miner, job) && !isExcluded(model, job, miner),
  );

/** Whether a job waits for others than this miner. */
export const waitsForOthers = (model: Model, job: ModelJob, miner: ModelMiner): boolean =>
  isExcluded(model, job, miner) && othersFor(model, job).length > 0;

/** The job itself can't be done, says one owner: another must say so too, where there is one. */
export function takeRefusal(model: Model, job: ModelJob, miner: ModelMiner, error: string): void {
  const before = job.excluded;
  job.excluded = { ...before, [`owner ${miner.owner}`]: model.now + EXCLUDED_MS };
  const isConfirmable = othersFor(model, job).some(({ owner }) => owner !== miner.owner);
  if (job.refused || !isConfirmable) {
    failOrGoOn(model, job, error);
    return;
  }
  job.refused = true;
  handBack(job);
  job.attempts--;
}

/** This miner's engine lacks what the job takes. */
export function takeUnsupported(model: Model, job: ModelJob, miner: ModelMiner): void {
  exclude(job, miner.id, job.expiresAt);
  if (othersFor(model, job).length === 0) {
    failOrGoOn(model, job, 'JOB_UNSUPPORTED');
    return;
  }
  handBack(job);
  job.attempts--;
}

export function takeBusy(model: Model, job: ModelJob, miner: ModelMiner): void {
  if (job.attempts >= job.maxAttempts) {
    failOrGoOn(model, job, 'MINERS_BUSY');
    return;
  }
  const until = model.now + TERMS.retryBackoffSeconds * 1000;
  handBack(job);
  const before = { ...job.excluded };
  exclude(job, miner.id, until);
  if (othersFor(model, job).length > 0) return;
  job.excluded = before;
  job.held = { until, by: null };
}

/** A miner leaves, and hands back what it holds. Answers the HTTP status. */
export function remove(model: Model, minerId: string, owner: number): 204 | 404 {
  const miner = model.miners.find(({ id, status }) => id === minerId && status !== 'removed');
  if (miner?.owner !== owner) return 404;
  for (const job of runningOn(model, minerId)) {
    handBack(job);
    job.attempts--;
    exclude(job, `owner ${owner}`, model.now + EXCLUDED_MS);
  }
  miner.status = 'removed';
  return 204;
}

/** Enforces time until nothing more changes. */
export function sweep(model: Model): void {
  const { now } = model;
  if (now - model.sweptAt > ABSENCE_MS) {
    for (const job of model.jobs.filter(({ status }) => status === 'running')) {
      job.lease = Math.max(job.lease, now + TERMS.leaseSeconds * 1000);
      job.deadline = Math.max(job.deadline, job.lease);
      if (job.startedAt <= model.sweptAt) job.awayMs += now - model.sweptAt;
    }
  }
  model.sweptAt = now;
  for (const job of [...model.jobs]) {
    if (job.status === 'running' && job.lease <= now) loseAttempt(model, job, 'LEASE_EXPIRED', true, 0);
    if (job.status === 'pending' && job.expiresAt <= now) end(job, 'failed', 'JOB_EXPIRED');
    if (job.held && job.held.until <= now) job.held = null;
    if (job.keptFor && job.keptFor.until <= now) job.keptFor = null;
  }
}
