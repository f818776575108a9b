import { isDeepStrictEqual } from 'node:util';
import {
  canRun,
  type Model,
  type ModelJob,
  type ModelMiner,
  runningOn,
  TERMS,
  waitsForOthers,
} from './model.ts';

/* Which job is a miner's next, by the rules of the model. */

/** Notes for whom a new job may be kept: a miner that its client prefers, or one of the client's own. */
export function keep(model: Model, job: ModelJob): void {
  const goesFirst = ({ id, owner }: ModelMiner) =>
    job.chosen.first?.includes(id) === true || owner === job.client;
  const miners = model.miners.filter(goesFirst).map(({ id }) => id);
  if (miners.length > 0) job.keptFor = { miners, until: model.now + TERMS.preferMinerSeconds * 1000 };
}

const isMaybeKept = ({ now }: Model, { keptFor }: ModelJob) => (keptFor?.until ?? 0) > now;

/** Whether a job may be kept for another miner than this one. */
export const mayBeKeptFrom = (model: Model, job: ModelJob, minerId: string) =>
  isMaybeKept(model, job) && job.keptFor?.miners.some(id => id !== minerId) === true;

/** Whether a job may be kept for this miner. */
export const mayBeKeptFor = (model: Model, job: ModelJob, minerId: string) =>
  isMaybeKept(model, job) && job.keptFor?.miners.includes(minerId) === true;

/** Jobs that are kept for this miner, and that it may be given whenever it asks. */
function offersTo(model: Model, miner: ModelMiner): ModelJob[] {
  return model.jobs.filter(
    job =>
      job.status === 'pending' &&
      job.expiresAt > model.now &&
      job.held?.by === miner.id &&
      job.held.until > model.now &&
      canRun(miner, job),
  );
}

function readyFor(model: Model, miner: ModelMiner): ModelJob[] {
  return model.jobs.filter(
    job =>
      job.status === 'pending' &&
      job.expiresAt > model.now &&
      job.held === null &&
      canRun(miner, job) &&
      !waitsForOthers(model, job, miner),
  );
}

/** The jobs of which a miner may be given any one next. It must be given one if `must` says so. */
export function nextFor(model: Model, miner: ModelMiner): { possible: ModelJob[]; must: boolean } {
  if (miner.status !== 'online' || freeLeases(model, miner) <= 0) return { possible: [], must: false };
  const ready = readyFor(model, miner);
  const perhapsOffered = ready.filter(job => mayBeKeptFor(model, job, miner.id));
  const offers = offersTo(model, miner);
  if (offers.length > 0) return { possible: [...offers, ...perhapsOffered], must: true };
  const certain = ready.filter(job => !mayBeKeptFrom(model, job, miner.id));
  const urgent = Math.max(...certain.map(job => job.priority));
  const obstructed = isObstructed(model, miner);
  const best = obstructed ? ready : ready.filter(job => job.priority >= urgent);
  // Of one client's jobs in one line, the oldest goes first; between clients and models the clocks decide.
  const isBefore = (other: ModelJob, job: ModelJob) =>
    other.client === job.client &&
    other.model === job.model &&
    other.priority === job.priority &&
    (!obstructed || (other.region === job.region && isDeepStrictEqual(other.chosen, job.chosen)));
  const first = best.filter(
    (job, index) => !best.slice(0, index).some(other => certain.includes(other) && isBefore(other, job)),
  );
  return { possible: [...new Set([...first, ...perhapsOffered])], must: certain.length > 0 };
}

/** A job whose time is over, but which no sweep has seen yet, may hide those behind it until one has. */
export function isObstructed(model: Model, miner: ModelMiner): boolean {
  return model.jobs.some(
    job => job.status === 'pending' && job.held === null && job.expiresAt <= model.now && canRun(miner, job),
  );
}

export function freeLeases(model: Model, miner: ModelMiner): number {
  return (miner.concurrency ?? Infinity) - runningOn(model, miner.id).length;
}
