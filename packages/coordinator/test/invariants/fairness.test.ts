import type { Job, MinerJob, SubmitJob } from '@aitbc/protocol';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { actions, withCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine } from '../harness/engines.ts';

const RUNS = Number(process.env.AITBC_PROPERTY_RUNS ?? 6);

/** Somebody submits some jobs, or the miner takes some. */
type Event = { client: number; submits: number; priority: number } | { takes: number };

/** A job's client, its number among the client's, and its priority, as its prompt tells them. */
interface Turn {
  client: number;
  number: number;
  priority: number;
}

describeEachEngine('turns among clients', engine => {
  const coordinator = withCoordinator(engine, { lowPriorityShare: 0 });
  const { register } = actions(coordinator);
  const keys: string[] = [];
  let lines = 0;

  beforeAll(async () => {
    for (let client = 0; client < 4; client++)
      keys.push(await coordinator.keyWith({ maxPriority: 10 }, 'client'));
  });

  /** A model of its own, with a miner. */
  async function line() {
    const model = `line${lines++}`;
    const miners = [model, `${model}-eu`, `${model}-us`];
    for (const id of miners) await register(id, { capabilities: [model], region: id.split('-')[1] });
    const submitted = keys.map(() => 0);
    let last: string | undefined;

    async function submit(client: number, count: number, more: Partial<SubmitJob> = {}): Promise<void> {
      const { priority = 0 } = more;
      const jobs: SubmitJob[] = Array.from({ length: count }, () => {
        const number = submitted[client] ?? 0;
        submitted[client] = number + 1;
        return { ...more, model, prompt: JSON.stringify({ client, number, priority } satisfies Turn) };
      });
      for (let start = 0; start < count; start += 1000) {
        const key = keys[client] ?? '';
        const body = { jobs: jobs.slice(start, start + 1000) };
        const answer = await coordinator.call<{ jobs: Job[] }>('POST', '/v1/jobs/batch', body, { key });
        if (answer.status !== 201) throw new Error(`A batch was answered with ${answer.status}`);
        last = answer.body.jobs.at(-1)?.job_id;
      }
    }

    async function take(max: number, region?: 'eu' | 'us'): Promise<Turn[]> {
      const path = `/v1/miners/${region ? `${model}-${region}` : model}/claims`;
      const { body } = await coordinator.call<{ jobs: MinerJob[] }>('POST', path, { max });
      return body.jobs.map(job => JSON.parse(job.prompt));
    }

    async function claimLast(): Promise<void> {
      const path = `/v1/jobs/${last}/claim`;
      const { status } = await coordinator.call('POST', path, { miner_id: model });
      expect(status).toBe(200);
    }

    return { submit, take, claimLast };
  }

  const clientsOf = (turns: readonly Turn[]) => turns.map(({ client }) => client);
  const countOf = (turns: readonly Turn[], client: number) =>
    turns.filter(turn => turn.client === client).length;

  test("one client's 1,000 jobs don't keep another's single job waiting", async () => {
    const { submit, take } = await line();
    await submit(0, 1_000);
    await take(10);
    await submit(1, 1);
    expect(clientsOf(await take(2))).toContain(1);
  });

  test('clients get equal turns whatever their backlog', async () => {
    const { submit, take } = await line();
    for (const [client, backlog] of [1_000, 100, 40, 30].entries()) await submit(client, backlog);
    const turns = await take(120);
    expect([0, 1, 2, 3].map(client => countOf(turns, client))).toEqual([30, 30, 30, 30]);
  });

  test('many submissions get no more turns than one large one', async () => {
    const { submit, take } = await line();
    await submit(0, 100);
    for (let count = 0; count < 40; count++) await submit(1, 1);
    const turns = await take(40);
    expect([countOf(turns, 0), countOf(turns, 1)]).toEqual([20, 20]);
  });

  test('a client that returns gets no credit for the time it was idle', async () => {
    const { submit, take } = await line();
    await submit(1, 1);
    await submit(0, 300);
    await take(200);
    await submit(1, 100);
    const turns = await take(40);
    expect(Math.abs(countOf(turns, 0) - countOf(turns, 1))).toBeLessThanOrEqual(2);
  });

  test("a backlog that moves fast does not put newcomers behind a client's slow one", async () => {
    const { submit, take } = await line();
    await submit(0, 500, { constraints: { region: 'eu' } });
    await submit(0, 500, { constraints: { region: 'us' } });
    await take(10, 'us');
    await submit(1, 1, { constraints: { region: 'eu' } });
    expect(clientsOf(await take(2, 'eu'))).toContain(1);
  });

  test('nobody gains by jobs of a kind that nobody else has', async () => {
    const { submit, take } = await line();
    await submit(1, 1, { constraints: { region: 'eu' } });
    await take(1, 'eu');
    await submit(0, 300);
    await take(200);
    await submit(1, 100, { constraints: { region: 'eu' } });
    const turns = await take(40, 'eu');
    expect(Math.abs(countOf(turns, 0) - countOf(turns, 1))).toBeLessThanOrEqual(2);
  });

  test('a client whose backlog moves slowly keeps its order after a sweep', async () => {
    const { submit, take } = await line();
    await submit(0, 50, { constraints: { region: 'eu' } });
    await submit(1, 100);
    await take(100);
    await coordinator.running.sweep();
    await submit(0, 1, { constraints: { region: 'eu' } });
    const numbers = (await take(51, 'eu')).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: 51 }, (_, index) => index));
  });

  test("claiming the last job of one's backlog does not put newcomers behind all of it", async () => {
    const { submit, take, claimLast } = await line();
    await submit(0, 500);
    await claimLast();
    await submit(1, 1);
    expect(clientsOf(await take(3))).toContain(1);
  });

  const submission = fc.record({
    client: fc.nat({ max: 3 }),
    submits: fc.integer({ min: 1, max: 12 }),
    priority: fc.constant(0),
  });
  const taking = fc.record({ takes: fc.integer({ min: 1, max: 8 }) });
  const events: fc.Arbitrary<Event[]> = fc.array(fc.oneof(submission, taking), {
    minLength: 5,
    maxLength: 20,
  });

  test('while two clients have jobs waiting, neither gets two turns more than the other', async () => {
    await fc.assert(
      fc.asyncProperty(events, async history => {
        const { submit, take } = await line();
        const waiting = keys.map(() => 0);
        const served: { turn: Turn; backlogged: Set<number> }[] = [];
        for (const event of [...history, { takes: 256 }]) {
          if ('submits' in event) {
            await submit(event.client, event.submits);
            waiting[event.client] = (waiting[event.client] ?? 0) + event.submits;
            continue;
          }
          const total = waiting.reduce((sum, count) => sum + count, 0);
          const turns = await take(event.takes);
          expect(turns).toHaveLength(Math.min(event.takes, total));
          for (const turn of turns) {
            const backlogged = new Set(waiting.flatMap((count, client) => (count > 0 ? [client] : [])));
            served.push({ turn, backlogged });
            waiting[turn.client] = (waiting[turn.client] ?? 0) - 1;
          }
        }
        for (const [one] of keys.entries()) {
          const own = served.filter(({ turn }) => turn.client === one);
          expect(own.map(({ turn }) => turn.number)).toEqual(own.map((_, index) => index));
          for (let other = 0; other < one; other++)
            expect(widestLead(served, one, other)).toBeLessThanOrEqual(2);
        }
      }),
      { numRuns: RUNS },
    );
  });

  const urgencies = fc.array(
    fc.record({
      client: fc.nat({ max: 3 }),
      submits: fc.integer({ min: 1, max: 5 }),
      priority: fc.constantFrom(-10, 0, 1, 10),
    }),
    { minLength: 1, maxLength: 8 },
  );

  test('whatever the order of submission, a job of higher priority goes before any of lower', async () => {
    await fc.assert(
      fc.asyncProperty(urgencies, async submissions => {
        const { submit, take } = await line();
        for (const { client, submits, priority } of submissions) await submit(client, submits, { priority });
        const priorities = (await take(256)).map(turn => turn.priority);
        expect(priorities).toEqual(priorities.toSorted((a, b) => b - a));
      }),
      { numRuns: RUNS },
    );
  });
});

/** The most turns that one of two clients was ahead by, in any stretch in which both had jobs waiting. */
function widestLead(
  served: readonly { turn: Turn; backlogged: ReadonlySet<number> }[],
  one: number,
  other: number,
): number {
  let widest = 0;
  for (let start = 0; start < served.length; start++) {
    let lead = 0;
    for (const { turn, backlogged } of served.slice(start)) {
      if (!backlogged.has(one) || !backlogged.has(other)) break;
      lead += turn.client === one ? 1 : turn.client === other ? -1 : 0;
      widest = Math.max(widest, Math.abs(lead));
    }
  }
  return widest;
}
