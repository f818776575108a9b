import { isDeepStrictEqual } from 'node:util';
import type { HeartbeatAnswer, Job, JobOutcome, MinerJob, Problem, Receipt } from '@aitbc/protocol';
import type { Answer } from '../harness/coordinator.ts';
import { type Action, bodyOf } from './actions.ts';
import {
  canPay,
  canRun,
  EXCLUDED_MS,
  end,
  exclude,
  extend,
  firstLive,
  handBack,
  isRunningOn,
  loseAttempt,
  type Model,
  type ModelJob,
  type ModelMiner,
  pay,
  runningOn,
  start,
  TERMS,
  takeBusy,
  takeRefusal,
  takeUnsupported,
  waitsForOthers,
} from './model.ts';
import { freeLeases, isObstructed, keep, mayBeKeptFor, mayBeKeptFrom, nextFor } from './turns.ts';

/** What is wrong with an answer, or undefined when the rules allow it. */
type Complaint = string | undefined;

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;
type Ending = Extract<Action, { kind: 'complete' | 'release' | 'claim' | 'fail' }>;

/** Whether the rules allow this answer to this action in this state. The model becomes what the answer made of it. */
export function explain(model: Model, action: Action, answer: Answer): Complaint {
  switch (action.kind) {
    case 'submit':
      return explainSubmit(model, action, answer);
    case 'register':
      return explainRegister(model, action, answer);
    case 'read':
    case 'cancel':
      return explainOfClient(model, action, answer);
    default:
      return explainOfMiner(model, action, answer);
  }
}

function explainSubmit(model: Model, action: Of<'submit'>, answer: Answer): Complaint {
  const { by: client, key } = action;
  const body = JSON.stringify(bodyOf(action));
  const known = model.keys.find(
    entry => entry.client === client && entry.key === key && entry.until > model.now,
  );
  if (known && known.body !== body) return refused(answer, 409, 'IDEMPOTENCY_KEY_REUSED');
  if (!known && !canPay(model, client)) return refused(answer, 402, 'PAYMENT_INSUFFICIENT_BALANCE');
  if (answer.status !== 201) return `submission answered ${told(answer)}`;
  const { job_id: id, status } = answer.body as Job;
  if (known) return known.jobId === id ? undefined : `the key of ${known.jobId} made ${id}`;
  if (status !== 'pending' || model.jobs.some(job => job.id === id)) return `submission made ${told(answer)}`;
  const job = newJob(model, action, id);
  const { model: chosen } = answer.body as Job;
  const expected = firstLive(model, job, job.models) ?? job.model;
  if (model.knowsMiners ? chosen !== expected : !job.models.includes(chosen))
    return `${id} is for ${chosen}, not ${expected}`;
  job.model = chosen;
  keep(model, job);
  model.jobs.push(job);
  if (key !== undefined) {
    const until = model.now + TERMS.idempotencySeconds * 1000;
    model.keys = model.keys.filter(entry => entry.client !== client || entry.key !== key);
    model.keys.push({ client, key, body, jobId: id, until });
  }
  return undefined;
}

function newJob({ now }: Model, action: Of<'submit'>, id: string): ModelJob {
  const {
    by: client,
    model,
    priority,
    models = [],
    region = null,
    chosen = {},
    ttl = TERMS.ttlSeconds,
    attempts = TERMS.maxAttempts,
  } = action;
  return {
    id,
    client,
    model,
    models: [...new Set([model, ...models])],
    dueAt: now + TERMS.fallbackSeconds * 1000,
    chosen,
    keptFor: null,
    region,
    priority,
    status: 'pending',
    attempts: 0,
    maxAttempts: attempts,
    attemptsEach: attempts,
    expiresAt: now + ttl * 1000,
    held: null,
    miner: null,
    lease: 0,
    deadline: 0,
    startedAt: 0,
    awayMs: 0,
    receipt: null,
    error: null,
    excluded: {},
    refused: false,
  };
}

function explainRegister(model: Model, action: Of<'register'>, answer: Answer): Complaint {
  const { by: owner, miner: id, models, region, concurrency } = action;
  const known = model.miners.find(miner => miner.id === id);
  if (known && known.owner !== owner) return refused(answer, 409, 'MINER_ALREADY_REGISTERED');
  if (answer.status !== (known ? 200 : 201)) return `registration answered ${told(answer)}`;
  if (known) Object.assign(known, { models, region, concurrency, status: 'online' });
  else
    model.miners.push({ id, owner, models, region, concurrency, status: 'online', completed: 0, failed: 0 });
  return undefined;
}

function explainOfClient(
  model: Model,
  action: Extract<Action, { kind: 'read' | 'cancel' }>,
  answer: Answer,
): Complaint {
  const job = model.jobs.find(({ id, client }) => id === action.job && client === action.by);
  if (!job) return refused(answer, 404, 'JOB_NOT_FOUND');
  if (action.kind === 'cancel') {
    if (job.status !== 'pending' && job.status !== 'running') return refused(answer, ...whyOver(job));
    end(job, 'cancelled');
  }
  if (answer.status !== 200) return `${action.kind} answered ${told(answer)}`;
  return compareJob(job, answer.body as Job);
}

/** What the owner reads, beside what the model says. */
function compareJob(job: ModelJob, read: Job): Complaint {
  const { status, model, attempts, miner_id, error, receipt_id } = read;
  const shown = [status, model, attempts, error?.error_code ?? null, receipt_id];
  const receipt = (job.receipt as Receipt | null)?.receipt_id ?? null;
  const expected = [job.status, job.model, job.attempts, job.error, receipt];
  if (job.status === 'running' && miner_id !== job.miner) return `${job.id} runs on ${miner_id}`;
  if (job.status === 'completed' && read.result === null) return `${job.id} has no result`;
  return isDeepStrictEqual(shown, expected) ? undefined : `${job.id} is ${shown}, not ${expected}`;
}

type MinerAction = Exclude<Action, { kind: 'submit' | 'register' | 'read' | 'cancel' }>;

function explainOfMiner(model: Model, action: MinerAction, answer: Answer): Complaint {
  const miner = model.miners.find(
    ({ id, owner, status }) => id === action.miner && owner === action.by && status !== 'removed',
  );
  if (!miner) return refused(answer, 404, 'MINER_NOT_FOUND');
  switch (action.kind) {
    case 'drain':
      miner.status = 'draining';
      return answer.status === 200 ? undefined : `draining answered ${told(answer)}`;
    case 'available':
      return explainOffer(model, miner, answer);
    case 'claims':
      return explainClaims(model, miner, action.max, answer);
    case 'heartbeat':
      return explainHeartbeat(model, miner, action.jobs, answer);
    default: {
      const job = model.jobs.find(({ id }) => id === action.job);
      if (!job) return refused(answer, 404, 'JOB_NOT_FOUND');
      return action.kind === 'claim'
        ? explainClaim(model, miner, job, answer)
        : explainEnd(model, miner, job, action, answer);
    }
  }
}

function explainOffer(model: Model, miner: ModelMiner, answer: Answer): Complaint {
  if (answer.status !== 200) return `asking for a job answered ${told(answer)}`;
  const { possible, must } = nextFor(model, miner);
  const offer = answer.body as MinerJob | null;
  if (offer === null) return !must || isObstructed(model, miner) ? undefined : 'a job was withheld';
  const job = possible.find(({ id }) => id === offer.job_id);
  if (!job) return `${miner.id} was offered ${offer.job_id}, which is not its turn`;
  const until = Date.parse(offer.lease_expires_at);
  const isKept = mayBeKeptFor(model, job, miner.id) && until === job.keptFor?.until;
  job.held ??= { until: isKept ? until : model.now + TERMS.offerSeconds * 1000, by: miner.id };
  job.keptFor = null;
  return until === job.held.until ? undefined : 'the offer ends at another time';
}

function explainClaims(model: Model, miner: ModelMiner, max: number, answer: Answer): Complaint {
  if (answer.status !== 200) return `claims answered ${told(answer)}`;
  const { jobs } = answer.body as { jobs: MinerJob[] };
  const free = Math.min(max, freeLeases(model, miner));
  for (const claimed of jobs) {
    const job = nextFor(model, miner).possible.find(({ id }) => id === claimed.job_id);
    if (!job) return `${miner.id} was given ${claimed.job_id}, which is not its turn`;
    start(model, job, miner.id);
    const complaint = compareLease(job, claimed);
    if (complaint) return complaint;
  }
  if (jobs.length > free) return `${miner.id} was given more than it had free leases for`;
  const withheld = jobs.length < free && nextFor(model, miner).must && !isObstructed(model, miner);
  return withheld ? 'a job was withheld' : undefined;
}

function compareLease(
  job: ModelJob,
  shown: { lease_expires_at: string; deadline: string; attempt?: number },
): Complaint {
  const times = [Date.parse(shown.lease_expires_at), Date.parse(shown.deadline)];
  const expected = [job.lease, job.deadline];
  if (!isDeepStrictEqual(times, expected)) return `${job.id} is leased until ${times}, not ${expected}`;
  const right = shown.attempt === undefined || shown.attempt === job.attempts;
  return right ? undefined : `${job.id} is at attempt ${shown.attempt}, not ${job.attempts}`;
}

function explainClaim(model: Model, miner: ModelMiner, job: ModelJob, answer: Answer): Complaint {
  if (!isRunningOn(job, miner.id)) {
    const isKept = job.status === 'pending' && mayBeKeptFrom(model, job, miner.id);
    if (isKept && refused(answer, 409, 'JOB_ALREADY_CLAIMED') === undefined) return undefined;
    const why = whyNotClaimable(model, miner, job);
    if (why) return refused(answer, ...why);
    start(model, job, miner.id);
  }
  if (answer.status !== 200) return `claim answered ${told(answer)}`;
  return compareLease(job, answer.body as MinerJob);
}

function whyNotClaimable(model: Model, miner: ModelMiner, job: ModelJob): [number, string] | undefined {
  const { status, held, expiresAt } = job;
  if (status !== 'pending') return whyOver(job);
  if (expiresAt <= model.now) return [410, 'JOB_EXPIRED'];
  if (held && held.until > model.now && held.by !== miner.id)
    return [409, held.by === null ? 'JOB_INVALID_STATUS' : 'JOB_ALREADY_CLAIMED'];
  if (!canRun(miner, job)) return [409, 'JOB_INVALID_STATUS'];
  if (miner.status === 'draining' || freeLeases(model, miner) <= 0) return [409, 'MINER_CAPACITY_FULL'];
  if (held?.by !== miner.id && waitsForOthers(model, job, miner)) return [409, 'JOB_INVALID_STATUS'];
  return undefined;
}

/** Why nothing can be done any more about a job, or nothing by this miner. */
function whyOver({ status, error }: ModelJob): [number, string] {
  if (error === 'JOB_EXPIRED') return [410, 'JOB_EXPIRED'];
  if (status === 'running') return [409, 'JOB_ALREADY_CLAIMED'];
  if (status === 'completed') return [409, 'JOB_ALREADY_COMPLETED'];
  return [409, status === 'cancelled' ? 'JOB_ALREADY_CANCELLED' : 'JOB_INVALID_STATUS'];
}

function explainEnd(
  model: Model,
  miner: ModelMiner,
  job: ModelJob,
  action: Ending,
  answer: Answer,
): Complaint {
  if (action.kind === 'complete' && job.status === 'completed' && job.miner === miner.id) {
    const same = answer.status === 200 && isDeepStrictEqual(answer.body, job.receipt);
    return same ? undefined : `a repeated completion answered ${told(answer)}`;
  }
  if (!isRunningOn(job, miner.id)) {
    const lost = ['pending', 'running'].includes(job.status) || job.error === 'JOB_EXPIRED';
    return lost ? refused(answer, 409, 'JOB_NOT_LEASED') : refused(answer, ...whyOver(job));
  }
  if (answer.status !== 200) return `${action.kind} answered ${told(answer)}`;
  if (action.kind === 'complete') {
    end(job, 'completed');
    pay(model, job, miner.owner);
    job.receipt = answer.body;
    miner.completed++;
    return (answer.body as Receipt).job_id === job.id ? undefined : `the receipt is of another job`;
  }
  if (action.kind === 'fail') {
    takeFailure(model, job, miner, action);
  } else {
    handBack(job);
    job.attempts--;
    exclude(job, `owner ${miner.owner}`, model.now + EXCLUDED_MS);
  }
  const { status, attempts } = answer.body as JobOutcome;
  const same = status === job.status && attempts === job.attempts;
  return same
    ? undefined
    : `${job.id} is ${status} after ${attempts}, not ${job.status} after ${job.attempts}`;
}

function takeFailure(model: Model, job: ModelJob, miner: ModelMiner, { how }: Of<'fail'>): void {
  const pauseMs = TERMS.retryBackoffSeconds * 1000 * 2 ** (job.attempts - 1);
  if (how === 'busy') takeBusy(model, job, miner);
  else if (how === 'broken' || how === 'final')
    loseAttempt(model, job, 'MINER_FAILED', how === 'broken', pauseMs);
  else {
    miner.failed++;
    if (how === 'refused') takeRefusal(model, job, miner, 'JOB_REFUSED');
    else takeUnsupported(model, job, miner);
  }
}

function explainHeartbeat(
  model: Model,
  miner: ModelMiner,
  believed: readonly string[],
  answer: Answer,
): Complaint {
  if (answer.status !== 200) return `heartbeat answered ${told(answer)}`;
  const { jobs, stop } = answer.body as HeartbeatAnswer;
  const holds = runningOn(model, miner.id);
  for (const job of holds) {
    extend(model, job);
    const shown = jobs.find(({ job_id }) => job_id === job.id);
    const complaint = shown ? compareLease(job, shown) : `${miner.id} holds ${job.id} unknowingly`;
    if (complaint) return complaint;
  }
  if (jobs.length !== holds.length) return `${miner.id} was told that it holds ${jobs.length} jobs`;
  const expected = believed
    .filter(id => !holds.some(job => job.id === id))
    .map(id => {
      const own = model.jobs.find(job => job.id === id && job.miner === miner.id);
      return { job_id: id, status: own?.status ?? null };
    });
  return isDeepStrictEqual(stop, expected)
    ? undefined
    : `${miner.id} was told to stop ${JSON.stringify(stop)}`;
}

function refused(answer: Answer, status: number, code: string): Complaint {
  const right = answer.status === status && (answer.body as Problem).error_code === code;
  return right ? undefined : `expected ${code}, was answered ${told(answer)}`;
}

function told({ status, body }: Answer): string {
  const { error_code, job_id } = (body ?? {}) as Partial<Problem & Job>;
  return `${status} ${error_code ?? job_id ?? JSON.stringify(body)}`;
}
