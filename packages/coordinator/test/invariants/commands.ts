import type { Account, Job, MinerDetail } from '@aitbc/protocol';
import fc from 'fast-check';
import type { Answer } from '../harness/coordinator.ts';
import { type Action, chooseJob, type JobChoice, perform, type Real } from './actions.ts';
import { explain } from './explain.ts';
import {
  laterModel,
  type Model,
  type ModelJob,
  moveTo,
  remove,
  reservedOf,
  runningOn,
  sweep,
  TERMS,
} from './model.ts';

/** A history's coordinator: names begin with `prefix`, so that histories on one coordinator don't meet. */
export interface Stage extends Real {
  prefix: string;
}

/** The states that the coordinator may be in, as far as its answers tell: requests made at once leave several. */
export interface Belief {
  states: Model[];
}

export type Command = fc.AsyncCommand<Belief, Stage>;

/** An action before its turn has come. */
interface Plan {
  resolve(model: Model, prefix: string): Action;
  toString(): string;
}

/** Two miners of one owner, of which one runs less than the other, and one of another owner. */
const MINERS = [
  { models: ['a'], region: null, concurrency: 1, owner: 0 },
  { models: ['a', 'b'], region: 'eu', concurrency: 2, owner: 0 },
  { models: ['a', 'b'], region: null, concurrency: null, owner: 1 },
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
    other: fc.constantFrom('a', 'b'),
    chosen: fc.constantFrom('only', 'not', 'first', 'owner', 'owner'),
    whom: fc.integer({ min: 0, max: 2 }),
    priority: fc.constantFrom(0, 0, 5),
    region: fc.constantFrom('eu', 'eu', 'us'),
    ttl: fc.constantFrom(5, 60),
    attempts: fc.constantFrom(1, 3),
    key: fc.constantFrom('key0', 'key1', 'key2', 'key3'),
  },
  { requiredKeys: ['by', 'model', 'priority', 'whom'] },
);

const submit: fc.Arbitrary<Plan> = submission.map(fields =>
  plan('submit', fields, (_, prefix) => {
    const { key, model, other, chosen, whom, ...more } = fields;
    const name = minerName(prefix, whom);
    return {
      ...{ kind: 'submit', ...more, model: `${prefix}-${model}` },
      ...(key !== undefined && { key: `${prefix}-${key}` }),
      ...(other !== undefined && { models: [`${prefix}-${other}`] }),
      ...(chosen && { chosen: chosen === 'owner' ? { owner: whom % 2 } : { [chosen]: [name] } }),
    };
  }),
);

function ofClient(kind: 'read' | 'cancel', choice = jobAmong('any', 'any', 'running')): fc.Arbitrary<Plan> {
  return fc.record({ stranger: impostor, choice }).map(fields =>
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
  who = miner,
): fc.Arbitrary<Plan> {
  return fc.tuple(fc.record({ miner: who, stranger: impostor }), fc.record(more)).map(([common, own]) => {
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
  const { models = ['a'], region = null, concurrency = null } = MINERS[miner] ?? {};
  const names = (less ? models.slice(-1) : models).map(model => `${prefix}-${model}`);
  return { models: names, region: less ? null : region, concurrency };
});
const drain = ofMiner('drain', {}, () => ({}));
const available = (who = miner) => ofMiner('available', {}, () => ({}), who);
const claims = (who = miner) =>
  ofMiner('claims', { max: fc.constantFrom(1, 1, 2, 5) }, (_, { max }) => ({ max }), who);
const claim = (choice = jobAmong('pending', 'any')) =>
  ofMiner('claim', { choice }, (_, { choice }, model) => ({ job: chooseJob(model, choice) }));
const heartbeat = ofMiner(
  'heartbeat',
  { choices: fc.array(jobAmong('held', 'any'), { maxLength: 2 }) },
  (id, { choices }, model) => ({ jobs: [...new Set(choices.map(choice => chooseJob(model, choice, id)))] }),
);

function ofHolder(
  kind: 'complete' | 'release' | 'fail',
  choice = jobAmong('held', 'held', 'any'),
): fc.Arbitrary<Plan> {
  const more = {
    choice,
    how: fc.constantFrom('broken', 'broken', 'final', 'refused', 'unsupported', 'busy'),
  };
  return ofMiner(kind, more, (id, { choice, how }, model) => ({
    job: chooseJob(model, choice, id),
    ...(kind === 'fail' && { how }),
  }));
}

const weighted = (weight: number, arbitrary: fc.Arbitrary<Plan>) => ({ weight, arbitrary });
const anyPlan = fc.oneof(
  weighted(8, submit),
  weighted(2, ofClient('read')),
  weighted(3, ofClient('cancel')),
  weighted(2, register),
  weighted(1, drain),
  weighted(5, available()),
  weighted(6, claims()),
  weighted(4, claim()),
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

interface Step {
  action: Action;
  answer: Answer;
}

const one = anyPlan.map(planned =>
  command(String(planned), async (belief, stage) => {
    const action = planned.resolve(likeliest(belief), stage.prefix);
    learn(belief, [{ action, answer: await perform(stage, action) }]);
  }),
);

/** Requests at once, that meet in batches of the store: some order of them must explain all answers. */
const together = (plans: readonly Plan[]) =>
  command(`at once [${plans.join(', ')}]`, async (belief, stage) => {
    const actions = plans.map(planned => planned.resolve(likeliest(belief), stage.prefix));
    const steps = actions.map(async action => ({ action, answer: await perform(stage, action) }));
    learn(belief, await Promise.all(steps));
  });

const someAtOnce = { minLength: 2, maxLength: 6 };
const atOnce = fc.array(anyPlan, someAtOnce).map(together);

/** All at once want the same job. */
const contest = jobAmong('pending', 'pending', 'running').chain(choice => {
  const same = fc.constant(choice);
  const ends = (['complete', 'complete', 'fail', 'release'] as const).map(kind => ofHolder(kind, same));
  const wishes = fc.oneof(weighted(6, claim(same)), weighted(1, ofClient('cancel', same)), ...ends);
  return fc.array(wishes, someAtOnce).map(together);
});

/** One miner asks for jobs many times at once. */
const rush = miner.chain(number => {
  const same = fc.constant(number);
  return fc.array(fc.oneof(available(same), claims(same)), someAtOnce).map(together);
});

function likeliest({ states }: Belief): Model {
  const [state] = states;
  if (!state) throw new Error('No state explains what was answered before');
  return state;
}

/** Narrows the belief to the states in which the rules allow these answers, in some order of the actions. */
function learn(belief: Belief, steps: readonly Step[]): void {
  const complaints = new Set<string>();
  const after = belief.states.flatMap(state => explainInAnyOrder(state, steps, complaints));
  belief.states = distinct(after);
  if (belief.states.length === 0)
    throw new Error(`${[...complaints].join('; or ')}\n${JSON.stringify(steps, null, 1)}`);
}

function explainInAnyOrder(state: Model, steps: readonly Step[], complaints: Set<string>): Model[] {
  if (steps.length === 0) return [state];
  return steps.flatMap(step => {
    const next = structuredClone(state);
    const complaint = explain(next, step.action, step.answer);
    if (complaint !== undefined) complaints.add(complaint);
    const others = steps.filter(other => other !== step);
    return complaint === undefined ? explainInAnyOrder(next, others, complaints) : [];
  });
}

const distinct = (states: readonly Model[]) => [
  ...new Map(states.map(state => [JSON.stringify(state), state])).values(),
];

const moment = fc.constantFrom(1, 2, 4, 5, 6, 30, 59, 60, 61, 149, 150, 299, 300, 301, 600);

const timePasses = moment.map(seconds =>
  command(`${seconds} s pass`, async (belief, { coordinator }) => {
    for (const state of belief.states) {
      state.now += seconds * 1000;
      sweep(state);
    }
    await coordinator.pass({ seconds });
    // What one sweep hands back, only the next one finds expired.
    await coordinator.running.sweep();
  }),
);

const clockMoves = moment.map(seconds =>
  command(`clock moves ${seconds} s, unnoticed`, async (belief, { coordinator }) => {
    for (const state of belief.states) state.now += seconds * 1000;
    coordinator.moveClock({ seconds });
  }),
);

/** Jobs that have waited for too long go on to other models. */
const fallBack = fc.constant(
  command('jobs fall back', async (belief, stage) => {
    while (await stage.coordinator.running.modules.submitting.fallBack());
    const due = likeliest(belief).jobs.filter(isDue(likeliest(belief)));
    for (const { id, client } of due) {
      const { body } = await perform(stage, { kind: 'read', by: client, job: id });
      belief.states = belief.states.filter(state => goesOn(state, id, (body as Job).model));
      if (belief.states.length === 0) throw new Error(`${id} fell back to ${(body as Job).model}`);
    }
  }),
);

const isDue =
  ({ now }: Model) =>
  ({ models, dueAt, status }: ModelJob) =>
    models.length > 1 && dueAt <= now && (status === 'pending' || status === 'running');

/** Whether a job that is due may be for this model now. */
function goesOn(state: Model, id: string, model: string): boolean {
  const job = state.jobs.find(job => job.id === id);
  if (!job || !isDue(state)(job)) return job?.model === model;
  job.dueAt = state.now + TERMS.fallbackSeconds * 1000;
  const mayMove = job.status === 'pending' && job.held === null && job.expiresAt > state.now;
  const later = mayMove ? laterModel(state, job) : undefined;
  const isCertain = state.knowsMiners && job.keptFor === null;
  const allowed = !mayMove ? [job.model] : isCertain ? [later ?? job.model] : job.models;
  if (!allowed.includes(model)) return false;
  if (model !== job.model) {
    job.keptFor = null;
    moveTo(state, job, model);
  }
  return true;
}

const restart = fc.constantFrom(0, 10, 60, 1000).map(seconds =>
  command(`restart after ${seconds} s`, async (belief, { coordinator }) => {
    for (const state of belief.states) {
      state.now += seconds * 1000;
      sweep(state);
    }
    await coordinator.restart({ seconds });
    await coordinator.running.sweep();
    await coordinator.running.sweep();
  }),
);

const leave = miner.map(number =>
  command(`miner ${number} leaves`, async (belief, { coordinator, keys, prefix }) => {
    const id = minerName(prefix, number);
    const owner = ownerOf(number);
    const { status } = await coordinator.call('DELETE', `/v1/miners/${id}`, undefined, {
      key: keys[owner] ?? '',
    });
    belief.states = belief.states.filter(state => remove(state, id, owner) === status);
    if (belief.states.length === 0) throw new Error(`Leaving answered ${status}`);
  }),
);

/** Compares every job, miner and account of the history with what is believed. */
export async function compareAll(belief: Belief, stage: Stage): Promise<void> {
  const { coordinator, keys } = stage;
  const { jobs, miners } = likeliest(belief);
  for (const { id, client } of jobs) {
    const action: Action = { kind: 'read', by: client, job: id };
    learn(belief, [{ action, answer: await perform(stage, action) }]);
  }
  for (const { id } of miners) {
    const { body } = await coordinator.call('GET', `/v1/miners/${id}`, undefined, { key: keys[0] ?? '' });
    const { status, completed, failed, running } = body as MinerDetail;
    const read = String([status, completed, failed, running]);
    const expected = belief.states.map(state => expectedOf(state, id));
    belief.states = belief.states.filter((_, index) => (expected[index] ?? read) === read);
    if (belief.states.length === 0) throw new Error(`${id} is ${read}, not ${expected.join(' or ')}`);
  }
  await compareAccounts(belief, stage);
}

async function compareAccounts(belief: Belief, { coordinator, keys }: Stage): Promise<void> {
  for (const [party, key] of keys.entries()) {
    const { body } = await coordinator.call<Account>('GET', '/v1/account', undefined, { key });
    const read = String([body.balance, body.reserved]);
    const expected = belief.states.map(state =>
      String([(state.balances[party] ?? 0) / 1e6, reservedOf(state, party) / 1e6]),
    );
    belief.states = belief.states.filter((_, index) => expected[index] === read);
    if (belief.states.length === 0)
      throw new Error(`account ${party} has ${read}, not ${expected.join(' or ')}`);
  }
}

/** What a miner must show; nothing of one that has left. */
function expectedOf(model: Model, id: string): string | undefined {
  const miner = model.miners.find(miner => miner.id === id && miner.status !== 'removed');
  return miner && String([miner.status, miner.completed, miner.failed, runningOn(model, id).length]);
}

const often = (weight: number, arbitrary: fc.Arbitrary<Command>) => ({ weight, arbitrary });
const anyCommand = fc.oneof(
  often(40, one),
  often(10, atOnce),
  often(8, contest),
  often(3, rush),
  often(8, timePasses),
  often(4, fallBack),
  often(3, clockMoves),
  often(2, leave),
  often(1, restart),
);

/** Two miners register, then anything. */
export const histories = fc.commands([anyCommand], { maxCommands: 60, size: 'max' });

/** What each history begins with. */
export async function enter(belief: Belief, stage: Stage): Promise<void> {
  for (const [number, { models, region, concurrency, owner }] of MINERS.entries()) {
    const names = models.map(name => `${stage.prefix}-${name}`);
    const id = minerName(stage.prefix, number);
    const action: Action = { kind: 'register', by: owner, miner: id, models: names, region, concurrency };
    if (number > 0) learn(belief, [{ action, answer: await perform(stage, action) }]);
  }
}
