import fc from 'fast-check';
import { type Action, chooseJob, type JobChoice, perform, type Real } from './actions.ts';
import { compareJob, explain } from './explain.ts';
import { handBack, type Model, runningOn, sweep } from './model.ts';

/** A history's coordinator: names begin with `prefix`, so that histories on one coordinator don't meet. */
export interface Stage extends Real {
  prefix: string;
}

export type Command = fc.AsyncCommand<Model, Stage>;

/** An action before its turn has come. */
interface Plan {
  resolve(model: Model, prefix: string): Action;
  toString(): string;
}

/** Miner 0 runs one model, one job at once; miner 1 both, two at once; miner 2 both, any number. Two owners. */
const MINERS = [
  { models: ['a'], concurrency: 1, owner: 0 },
  { models: ['a', 'b'], concurrency: 2, owner: 0 },
  { models: ['a', 'b'], concurrency: null, owner: 1 },
] as const;
const minerName = (prefix: string, miner: number) => `${prefix}-miner${miner}`;
const ownerOf = (miner: number) => MINERS[miner]?.owner ?? 0;

/** Rarely, somebody acts whose job or miner it is not. */
const impostor = fc.integer({ min: 0, max: 19 }).map(number => number === 19);
const client = fc.integer({ min: 0, max: 1 });
const miner = fc.integer({ min: 0, max: MINERS.length - 1 });

function jobAmong(...among: JobChoice['among'][]): fc.Arbitrary<JobChoice> {
  return fc.record({ among: fc.constantFrom(...among), pick: fc.nat({ max: 30 }) });
}

const submission = fc.record(
  {
    by: client,
    model: fc.constantFrom('a', 'b'),
    priority: fc.constantFrom(0, 0, 5),
    ttl: fc.constantFrom(5, 60),
    attempts: fc.constantFrom(1, 3),
    key: fc.constantFrom('key0', 'key1'),
  },
  { requiredKeys: ['by', 'model', 'priority'] },
);

const submit: fc.Arbitrary<Plan> = submission.map(fields =>
  plan('submit', fields, (_, prefix) => {
    const key = fields.key === undefined ? {} : { key: `${prefix}-${fields.key}` };
    return { kind: 'submit', ...fields, ...key, model: `${prefix}-${fields.model}` };
  }),
);

function ofClient(kind: 'read' | 'cancel'): fc.Arbitrary<Plan> {
  return fc.record({ stranger: impostor, choice: jobAmong('any', 'any', 'running') }).map(fields =>
    plan(kind, fields, model => {
      const job = chooseJob(model, fields.choice);
      const owner = model.jobs.find(({ id }) => id === job)?.client ?? 0;
      return { kind, job, by: fields.stranger ? 1 - owner : owner };
    }),
  );
}

function ofMiner<Fields extends object>(
  kind: Action['kind'],
  more: { [K in keyof Fields]: fc.Arbitrary<Fields[K]> },
  act: (id: string, fields: Fields & { miner: number }, model: Model, prefix: string) => object,
): fc.Arbitrary<Plan> {
  return fc.tuple(fc.record({ miner, stranger: impostor }), fc.record(more)).map(([common, own]) => {
    const fields = { ...common, ...(own as Fields) };
    return plan(kind, fields, (model, prefix) => {
      const id = minerName(prefix, fields.miner);
      const owner = ownerOf(fields.miner);
      const by = fields.stranger ? 1 - owner : owner;
      return { kind, by, miner: id, ...act(id, fields, model, prefix) } as Action;
    });
  });
}

const register = ofMiner('register', { less: fc.boolean() }, (_, { miner, less }, __, prefix) => {
  const { models = ['a'], concurrency = null } = MINERS[miner] ?? {};
  return { models: (less ? models.slice(-1) : models).map(model => `${prefix}-${model}`), concurrency };
});
const drain = ofMiner('drain', {}, () => ({}));
const available = ofMiner('available', {}, () => ({}));
const claims = ofMiner('claims', { max: fc.constantFrom(1, 1, 2, 5) }, (_, { max }) => ({ max }));
const claim = ofMiner('claim', { choice: jobAmong('pending', 'any') }, (_, { choice }, model) => ({
  job: chooseJob(model, choice),
}));
const heartbeat = ofMiner(
  'heartbeat',
  { choices: fc.array(jobAmong('held', 'any'), { maxLength: 2 }) },
  (id, { choices }, model) => ({ jobs: [...new Set(choices.map(choice => chooseJob(model, choice, id)))] }),
);

function ofHolder(kind: 'complete' | 'release' | 'fail'): fc.Arbitrary<Plan> {
  const more = { choice: jobAmong('held', 'held', 'any'), retryable: fc.constantFrom(true, true, false) };
  return ofMiner(kind, more, (id, { choice, retryable }, model) => ({
    job: chooseJob(model, choice, id),
    ...(kind === 'fail' && { retryable }),
  }));
}

const weighted = (weight: number, arbitrary: fc.Arbitrary<Plan>) => ({ weight, arbitrary });
const anyPlan = fc.oneof(
  weighted(8, submit),
  weighted(2, ofClient('read')),
  weighted(3, ofClient('cancel')),
  weighted(1, register),
  weighted(1, drain),
  weighted(5, available),
  weighted(6, claims),
  weighted(4, claim),
  weighted(8, ofHolder('complete')),
  weighted(3, ofHolder('fail')),
  weighted(2, ofHolder('release')),
  weighted(3, heartbeat),
);

function plan(kind: string, fields: object, resolve: Plan['resolve']): Plan {
  return { resolve, toString: () => `${kind}${JSON.stringify(fields)}` };
}

function command(name: string, run: Command['run']): Command {
  return { check: () => true, run, toString: () => name };
}

const one = anyPlan.map(planned =>
  command(String(planned), async (model, stage) => {
    const action = planned.resolve(model, stage.prefix);
    complain(explain(model, action, await perform(stage, action)));
  }),
);

/** Requests at once, that meet in batches of the store: some order of them must explain all answers. */
const atOnce = fc.array(anyPlan, { minLength: 2, maxLength: 6 }).map(plans =>
  command(`at once [${plans.join(', ')}]`, async (model, stage) => {
    const actions = plans.map(planned => planned.resolve(model, stage.prefix));
    const answers = await Promise.all(actions.map(action => perform(stage, action)));
    const steps = actions.map((action, index) => ({ action, answer: answers[index] }));
    const after = explainInSomeOrder(model, steps);
    if (!after) throw new Error(`No order of these explains the answers:\n${JSON.stringify(steps, null, 1)}`);
    Object.assign(model, after);
  }),
);

type Step = { action: Action; answer: Parameters<typeof explain>[2] | undefined };

function explainInSomeOrder(model: Model, steps: readonly Step[]): Model | undefined {
  if (steps.length === 0) return model;
  for (const step of steps) {
    const next = structuredClone(model);
    if (!step.answer || explain(next, step.action, step.answer) !== undefined) continue;
    const others = steps.filter(other => other !== step);
    const after = explainInSomeOrder(next, others);
    if (after) return after;
  }
  return undefined;
}

const moment = fc.constantFrom(1, 2, 4, 5, 6, 30, 59, 60, 61, 149, 150, 299, 300, 301, 600);

const timePasses = moment.map(seconds =>
  command(`${seconds} s pass`, async (model, { coordinator }) => {
    model.now += seconds * 1000;
    sweep(model);
    await coordinator.pass({ seconds });
    // What one sweep hands back, only the next one finds expired.
    await coordinator.running.sweep();
  }),
);

const clockMoves = moment.map(seconds =>
  command(`clock moves ${seconds} s, unnoticed`, async (model, { coordinator }) => {
    model.now += seconds * 1000;
    coordinator.moveClock({ seconds });
  }),
);

const restart = fc.constantFrom(0, 10, 60, 1000).map(seconds =>
  command(`restart after ${seconds} s`, async (model, { coordinator }) => {
    model.now += seconds * 1000;
    sweep(model);
    await coordinator.restart({ seconds });
    await coordinator.running.sweep();
    await coordinator.running.sweep();
  }),
);

const leave = miner.map(number =>
  command(`miner ${number} leaves`, async (model, { coordinator, keys, prefix }) => {
    const id = minerName(prefix, number);
    const known = model.miners.find(
      miner => miner.id === id && miner.owner === ownerOf(number) && miner.status !== 'removed',
    );
    const key = keys[ownerOf(number)] ?? '';
    const { status } = await coordinator.call('DELETE', `/v1/miners/${id}`, undefined, { key });
    if (status !== (known ? 204 : 404)) throw new Error(`Leaving answered ${status}`);
    if (!known) return;
    for (const job of runningOn(model, id)) {
      handBack(job);
      job.attempts--;
    }
    known.status = 'removed';
  }),
);

/** Compares every job and miner of the history with the model. */
export async function compareAll(model: Model, { coordinator, keys }: Stage): Promise<void> {
  for (const job of model.jobs) {
    const key = keys[job.client] ?? '';
    const { body } = await coordinator.call('GET', `/v1/jobs/${job.id}`, undefined, { key });
    complain(compareJob(job, body as Parameters<typeof compareJob>[1]));
  }
  for (const { id, status, completed, failed } of model.miners) {
    const { body } = await coordinator.call('GET', `/v1/miners/${id}`);
    const shown = body as { status: string; completed: number; failed: number; running: number };
    if (status === 'removed') continue;
    const expected = [status, completed, failed, runningOn(model, id).length];
    const read = [shown.status, shown.completed, shown.failed, shown.running];
    if (String(read) !== String(expected)) throw new Error(`${id} is ${read}, not ${expected}`);
  }
}

function complain(complaint: string | undefined): void {
  if (complaint !== undefined) throw new Error(complaint);
}

const often = (weight: number, arbitrary: fc.Arbitrary<Command>) => ({ weight, arbitrary });
const anyCommand = fc.oneof(
  often(40, one),
  often(14, atOnce),
  often(8, timePasses),
  often(3, clockMoves),
  often(2, leave),
  often(1, restart),
);

/** Two miners register, then anything. */
export const histories = fc.commands([anyCommand], { maxCommands: 60, size: 'max' });

/** What each history begins with. */
export async function enter(model: Model, stage: Stage): Promise<void> {
  for (const [number, { models, concurrency, owner }] of MINERS.entries()) {
    const names = models.map(name => `${stage.prefix}-${name}`);
    const id = minerName(stage.prefix, number);
    const action: Action = { kind: 'register', by: owner, miner: id, models: names, concurrency };
    if (number > 0) complain(explain(model, action, await perform(stage, action)));
  }
}
