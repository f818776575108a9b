import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { StartOptions } from '../../src/index.ts';
import { startTestCoordinator, type TestCoordinator } from '../harness/coordinator.ts';
import { createMigratedDatabase, postgresAt } from '../harness/engines.ts';

/** Calls to one in a row, and then to the other: long enough to be trusted to be alone, and short. */
const TURNS = [18, 7];

/** Two coordinators on one PostgreSQL, of which now one is asked and now the other, by the same clock. */
export function withTwoInTurn(options: StartOptions): TestCoordinator {
  const both: TestCoordinator[] = [];
  let data: string;
  let calls = 0;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'aitbc-coordinator-'));
    const engine = postgresAt(await createMigratedDatabase());
    for (const _ of TURNS) both.push(await startTestCoordinator(engine, { ...options, data }));
  });
  afterAll(async () => {
    for (const coordinator of both) await coordinator.stop();
    await rm(data, { recursive: true, force: true });
  });

  function next(): TestCoordinator {
    const [first = 0, second = 0] = TURNS;
    const [one, other] = both;
    const coordinator = calls++ % (first + second) < first ? one : other;
    if (!coordinator) throw new Error('The coordinators run only inside tests');
    return coordinator;
  }

  return new Proxy({} as TestCoordinator, {
    get(_, name) {
      if (name === 'call') return (...call: Parameters<TestCoordinator['call']>) => next().call(...call);
      if (name === 'moveClock')
        return (time: { seconds: number }) => both.forEach(each => void each.moveClock(time));
      if (name === 'restart') return restart;
      if (name === 'pass') return pass;
      return Reflect.get(both[0] ?? {}, name);
    },
  });

  async function restart(downtime = { seconds: 0 }) {
    const [one, other] = both;
    other?.moveClock(downtime);
    await one?.restart(downtime);
  }

  async function pass(time: { seconds: number }) {
    for (const each of both) each.moveClock(time);
    await next().pass({ seconds: 0 });
  }
}
