import type { Job, MinerJob } from '@aitbc/protocol';
import { beforeAll, expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { type Answer, actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';
import { readReference, routesOf } from './harness/reference.ts';
import { hashOf, prepareScene, requestRoute } from './harness/scenes.ts';
import { makeVerification } from './harness/verifications.ts';

/** Texts that can be told from any other, wherever they show up. */
const PRIVATE = {
  prompt: 'What nobody else may ask',
  result: 'What nobody else may read',
  metadata: { note: 'What nobody else may note' },
  params: { stop: ['What nobody else may stop'] },
};

const { result: _, ...ASKED } = PRIVATE;

/** Which of the secrets an answer gives away. */
function secretsIn({ body, headers }: Answer, salt: string): string[] {
  const text = JSON.stringify([body, [...headers]]);
  const secrets = { prompt: PRIVATE.prompt, result: PRIVATE.result, salt };
  return Object.entries({ ...secrets, metadata: PRIVATE.metadata.note, params: PRIVATE.params.stop[0] })
    .filter(([, secret]) => secret !== undefined && text.includes(secret))
    .map(([name]) => name);
}

describeOneEngine('what is private', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', leaseSeconds: 60 });
  let names = 0;
  let keys: Record<'client' | 'stranger' | 'owner' | 'rival', string>;
  beforeAll(async () => {
    const { key } = coordinator;
    const [client, stranger] = [await key('client'), await key('client')];
    keys = { client, stranger, owner: await key('miner'), rival: await key('miner') };
  });

  /** A job of the client's, a miner `mine` that may run it, and a rival's miner that may, too. */
  async function scene() {
    const model = `private-${++names}`;
    const job = await actions(coordinator, keys.client).submit({ ...ASKED, model });
    const mine = { id: `${model}-mine`, ...actions(coordinator, keys.owner) };
    const rival = { id: `${model}-rival`, ...actions(coordinator, keys.rival) };
    for (const miner of [mine, rival]) await miner.register(miner.id, { capabilities: [model] });
    return { job, mine, rival };
  }

  const call = (method: string, path: string, key?: string, body?: object) =>
    coordinator.call(method, path, body, key === undefined ? {} : { key });

  test('the owner reads everything of a job', async () => {
    const { job, mine } = await scene();
    await mine.claims(mine.id);
    await mine.complete(job.job_id, mine.id, PRIVATE.result);
    const answer: Answer = await call('GET', `/v1/jobs/${job.job_id}`, keys.client);
    expect(secretsIn(answer, job.salt)).toEqual(['prompt', 'result', 'salt', 'metadata', 'params']);
  });

  test.each([
    ['is offered a job', (id: string) => call('GET', `/v1/jobs/available?miner_id=${id}`, keys.owner)],
    ['claims jobs', (id: string) => call('POST', `/v1/miners/${id}/claims`, keys.owner)],
    [
      'claims a job',
      (id: string, job: Job) => call('POST', `/v1/jobs/${job.job_id}/claim`, keys.owner, { miner_id: id }),
    ],
  ])('the miner that %s gets what it needs to run and sign it, and no metadata', async (_, take) => {
    const { job, mine } = await scene();
    expect(secretsIn(await take(mine.id, job), job.salt)).toEqual(['prompt', 'salt', 'params']);
  });

  test('no other miner learns anything of a job that is held', async () => {
    const { job, mine, rival } = await scene();
    await mine.claims(mine.id);
    const miner_id = rival.id;
    const answers = [
      await call('POST', `/v1/jobs/${job.job_id}/claim`, keys.rival, { miner_id }),
      await call('POST', `/v1/miners/${rival.id}/claims`, keys.rival),
      await call('GET', `/v1/jobs/available?miner_id=${rival.id}`, keys.rival),
      await call('POST', `/v1/miners/${rival.id}/heartbeat`, keys.rival, { jobs: [job.job_id] }),
      await call('POST', `/v1/jobs/${job.job_id}/complete`, keys.rival, { miner_id, result: 'Mine!' }),
      await call('GET', `/v1/jobs/${job.job_id}`, keys.rival),
      await call('GET', `/v1/jobs/${job.job_id}?wait=1`, keys.stranger),
      await call('GET', '/v1/jobs', keys.stranger),
    ];
    expect(answers.map(answer => secretsIn(answer, job.salt))).toEqual(answers.map(() => []));
  });

  test('a miner that lost a job learns nothing more of it, whatever it asks', async () => {
    const { job, mine, rival } = await scene();
    await mine.claims(mine.id);
    await coordinator.pass({ seconds: 60 });
    await rival.claims(rival.id);
    const miner_id = mine.id;
    const path = `/v1/jobs/${job.job_id}`;
    const lost = async () => [
      await call('POST', `${path}/claim`, keys.owner, { miner_id }),
      await call('POST', `${path}/complete`, keys.owner, { miner_id, result: 'Mine!' }),
      await call('POST', `${path}/fail`, keys.owner, { miner_id, error: 'Too late' }),
      await call('POST', `${path}/release`, keys.owner, { miner_id }),
      await call('POST', `/v1/miners/${mine.id}/heartbeat`, keys.owner, { jobs: [job.job_id] }),
      await call('GET', path, keys.owner),
    ];
    const running = await lost();
    expect(running.slice(0, 4).map(answer => refusal(answer).slice(0, 2))).toEqual([
      [409, 'JOB_ALREADY_CLAIMED'],
      ...Array(3).fill([409, 'JOB_NOT_LEASED']),
    ]);
    await rival.complete(job.job_id, rival.id, PRIVATE.result);
    const answers = [...running, ...(await lost())];
    expect(answers.map(answer => secretsIn(answer, job.salt))).toEqual(answers.map(() => []));
  });

  test('the public reads none of it on any route', async () => {
    const { job, mine } = await scene();
    await actions(coordinator, keys.client).submit({ ...ASKED, model: job.model });
    await mine.claims(mine.id, 2);
    const receipt = await mine.complete(job.job_id, mine.id, PRIVATE.result);
    const participants = { client: keys.client, miner: keys.owner };
    const weights = `sha256:${'cd'.repeat(32)}`;
    const verifications = await makeVerification(coordinator, receipt, {
      ...{ state: 'ended', key: undefined, weights },
    });
    const paid = await prepareScene(coordinator, 'GET /v1/payouts/{id}/proof', participants);
    const published = {
      ...(await prepareScene(coordinator, 'GET /v1/grants/{id}/proof', participants)),
      jobs: job.job_id,
      miners: mine.id,
      receipts: receipt.receipt_id,
      transactions: hashOf(receipt),
      model: job.model,
      payouts: paid.payouts,
      verifications,
    };
    const open = [...routesOf(await readReference(coordinator))].filter(
      ([name, { security }]) => name.startsWith('GET ') && !security,
    );
    expect(open.map(([name]) => name)).toContain('GET /explorer/receipts');
    for (const [name] of open) {
      const answer = await requestRoute(coordinator, name, published);
      expect([name, answer.status, secretsIn(answer, job.salt)]).toEqual([name, 200, []]);
    }
  });

  test('a receipt shows its owner and its miner no more than the public', async () => {
    const { job, mine } = await scene();
    const held: MinerJob[] = await mine.claims(mine.id);
    const receipt = await mine.complete(job.job_id, mine.id, PRIVATE.result);
    const answer = await call('GET', `/v1/jobs/${job.job_id}/receipt`, keys.client);
    expect(answer.body).toEqual({ ...receipt, inclusion: null });
    expect([held[0]?.salt, secretsIn(answer, job.salt)]).toEqual([job.salt, []]);
  });
});
