import { hash } from 'node:crypto';
import type {
  Draw,
  MinerDetail,
  MinerEvidence,
  MinerJob,
  OperatorProblem,
  Receipt,
  ScoredToken,
  VerificationOutcome,
  VerificationStatement,
  VerificationTask,
} from '@aitbc/protocol';
import {
  drawInput,
  isDrawn,
  type SeedSigner,
  scoresHash,
  signAttestation,
  signerFromSeed,
  signPassport,
  verifyVerification,
} from '@aitbc/receipts';
import { verifyVrf } from '@aitbc/tlog';
import { hex } from '@scure/base';
import { expect, onTestFinished, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { startReceiver } from './harness/receiver.ts';
import { ENGINE, scoredToken } from './harness/verifications.ts';
import { violations } from './invariants/violations.ts';

const PARAMETERS = { temperature: 0.8, top_p: 0.9, top_k: 40, min_p: 0 };
const TEXT = 'The sky scatters blue light more than red light, so it looks blue to us by day. '.repeat(2);

const honest = Array.from({ length: 40 }, () => scoredToken(-1));
const strange = Array.from({ length: 40 }, () => scoredToken(-9));

let models = 0;

describeEachEngine('verifications', engine => {
  const coordinator = withCoordinator(engine, { verifyShare: 1, verifyWaitHours: 2, leaseSeconds: 3600 });
  const { submit } = actions(coordinator);
  const call: typeof coordinator.call = (...request) => coordinator.call(...request);
  const post = async <Body>(path: string, body: unknown, key: string) =>
    await call<Body>('POST', path, body, { key });

  /** A miner with a passport, of an owner of its own, and the operator's verifier. */
  async function scene({ weights = true } = {}) {
    const model = `model-${models++}`;
    const signer = signerFromSeed(hash('sha256', model, 'buffer'));
    const digest = `sha256:${hash('sha256', `weights of ${model}`)}`;
    const key = await coordinator.key('miner', 'client');
    await register({ model, signer, key, id: `miner-of-${model}`, weights: weights ? digest : undefined });
    const verifierKey = await coordinator.key('verifier');
    return { model, signer, key, verifierKey, weights: digest, miner: `miner-of-${model}` };
  }

  interface Registration {
    id: string;
    model: string;
    signer: SeedSigner;
    key: string;
    weights: string | undefined;
  }

  async function register({ id, model, signer, key, weights }: Registration) {
    const passport = {
      ...(weights && { weights: { value: weights, source: 'hashed' as const } }),
      engine: { value: 'ollama', source: 'engine' as const },
    };
    const signature = await signPassport({ miner_id: id, model, passport }, signer);
    const body = {
      ...{ miner_id: id, capabilities: [model], public_key: signer.keyId },
      models: [{ model, passport: { ...passport, signature } }],
    };
    const { status } = await post('/v1/miners/register', body, key);
    expect([200, 201]).toContain(status);
  }

  type Scene = Awaited<ReturnType<typeof scene>>;

  /** A miner of another owner, with the same passport. */
  async function owner(miner: string, model: string, weights: string) {
    const [signer, key] = [signerFromSeed(hash('sha256', miner, 'buffer')), await coordinator.key('miner')];
    await register({ id: miner, model, signer, key, weights });
    return { model, miner, key, signer };
  }

  type Miner = Pick<Scene, 'model' | 'miner' | 'key' | 'signer'>;

  /** Has the miner claim a job and complete it. */
  async function finish({ model, miner, key, signer }: Miner, told: object = {}, text = TEXT) {
    const { body } = await post<{ jobs: MinerJob[] }>(`/v1/miners/${miner}/claims`, { max: 1 }, key);
    const [job] = body.jobs;
    if (!job) throw new Error('The miner got no job');
    const { job_id } = job;
    const sha = (text: string) => hash('sha256', job.salt + text);
    const signature = await signAttestation(
      { job_id, model, prompt_hash: sha(job.prompt ?? ''), artifact_hash: sha(text) },
      signer,
    );
    const result = { result: text, finish_reason: 'stop', effective_parameters: PARAMETERS, ...told };
    const path = `/v1/jobs/${job_id}/complete`;
    const completed = await post<Receipt>(path, { miner_id: miner, ...result, signature }, key);
    expect(completed.status).toBe(200);
    return completed.body;
  }

  /** A job of the model that its miner answers. */
  async function answer(of: Scene, more: object = {}, told: object = {}) {
    await submit({ model: of.model, prompt: 'Why is the sky blue?', ...more });
    return await finish(of, told);
  }

  /** Publishes the ledger and draws until nothing is left. */
  async function draw() {
    await coordinator.publish();
    const { verifications } = coordinator.running.modules;
    while (await verifications.draw());
  }

  const claim = async ({ weights, verifierKey }: Pick<Scene, 'weights' | 'verifierKey'>, more: object = {}) =>
    await post<VerificationTask>(
      '/v1/verifications/claim',
      { verifier_id: 'own', weights: [weights], engine: ENGINE, ...more },
      verifierKey,
    );

  async function score(
    { verification_id }: VerificationTask,
    tokens: readonly ScoredToken[],
    key: string,
    verifier_id = 'own',
  ) {
    const scores = { verifier_id, tokens, engine: ENGINE, retokenized: true };
    return await post<VerificationOutcome>(`/v1/verifications/${verification_id}/scores`, scores, key);
  }

  /** Answers a job and has it verified with these numbers. */
  async function verified(of: Scene, tokens: readonly ScoredToken[]) {
    await answer(of);
    await draw();
    const { body } = await claim(of);
    return { task: body, outcome: (await score(body, tokens, of.verifierKey)).body };
  }

  const board = async (miner: string) =>
    (await call<MinerEvidence[]>('GET', `/v1/evidence?miner=${miner}`)).body;
  const statement = async (id: string) =>
    (await call<{ statement: VerificationStatement }>('GET', `/v1/verifications/${id}`)).body.statement;
  const sound = async () => expect(await violations(coordinator.running.modules.store.read)).toEqual([]);

  // The first draw marks where drawing begins.
  test('begins with what is published from then on', async () => {
    const of = await scene();
    await answer(of);
    await draw();
    expect((await claim(of)).status).toBe(204);
  });

  test('of a drawn answer is an entry of the ledger, with numbers and no text', async () => {
    const of = await scene();
    const receipt = await answer(of);
    await draw();
    const { body: task } = await claim(of);
    expect(task).toMatchObject({
      ...{ model: of.model, weights: of.weights, parameters: PARAMETERS },
      request: { prompt: 'Why is the sky blue?' },
      answer: { text: TEXT, finish_reason: 'stop', ended: true },
    });
    expect((await claim(of)).status).toBe(204);
    expect((await call('GET', `/v1/verifications/${task.verification_id}`)).status).toBe(404);

    const scored = await score(task, honest, of.verifierKey);
    const told = { verification_id: task.verification_id, status: 'ended', judgement: 'consistent' };
    expect([scored.status, scored.body]).toEqual([200, told]);
    // A repeated request answers the same, and adds no entry.
    expect((await score(task, honest, of.verifierKey)).body).toEqual(told);

    const found = await statement(task.verification_id);
    expect(found).toMatchObject({
      ...{ cause: 'drawn', job_id: receipt.job_id, receipt_id: receipt.receipt_id, miner_id: of.miner },
      ...{ passport: receipt.metadata.passport, weights: of.weights, verifier_id: 'own' },
      ...{ rule: 'nucleus/1', tokens: 40, sum: 0, variance: 42, judgement: 'consistent', counts: true },
    });
    const key = (await call<{ keys: { key_id: string }[] }>('GET', '/v1/keys')).body.keys[0]?.key_id ?? '';
    expect((await verifyVerification(found, { keys: [key] })).valid).toBe(true);
    expect(JSON.stringify(found)).not.toContain('sky');
    expect(await board(of.miner)).toMatchObject([{ answers: 1, consistent: 1, accused: 0, tokens: 40 }]);

    const path = `/v1/verifications/${task.verification_id}/scores`;
    const { body } = await call<{ salt: string; tokens: ScoredToken[] }>('GET', path, undefined, {
      key: of.key,
    });
    expect(scoresHash(body.salt, body.tokens)).toBe(found.scores_hash);
    expect((await call('GET', path, undefined, { key: await coordinator.key('miner') })).status).toBe(404);
    await sound();
  });

  test('is drawn so that anybody can compute it again', async () => {
    const of = await scene();
    const receipt = await answer(of);
    await draw();
    const { body: task } = await claim(of);
    const drawn = async () => (await call<Draw[]>('GET', '/v1/draws')).body[0];
    expect(await drawn()).toMatchObject({ share: 1, proof: null });
    await score(task, honest, of.verifierKey);
    await coordinator.running.modules.verifications.sweep();

    const revealed = await drawn();
    const { size, root, proof, public_key } = revealed ?? { size: 0, root: '', proof: '', public_key: '' };
    const origin = coordinator.running.modules.ledger.keys.origin;
    const output = verifyVrf(public_key, drawInput(origin, size, root), hex.decode(proof ?? ''));
    if (!output) throw new Error('The proof is not valid');
    const { body: entries } = await call<{ id: string; hash: string }[]>('GET', '/explorer/transactions');
    const entry = entries.find(({ id }) => id === receipt.receipt_id);
    expect(isDrawn(output, entry?.hash ?? '', 1)).toBe(true);
    expect(isDrawn(output, entry?.hash ?? '', 0)).toBe(false);
    expect((await statement(task.verification_id)).draw).toBe(size);
  });

  test('says nothing of what can not be verified, and that costs nothing', async () => {
    const cases = [
      { of: await scene({ weights: false }), reason: 'no_weights' },
      { of: await scene(), told: { effective_parameters: undefined }, reason: 'no_parameters' },
      { of: await scene(), told: { reasoning: 'Hm.' }, reason: 'not_text' },
    ] as const;
    for (const { of, reason, ...more } of cases) {
      const receipt = await answer(of, {}, 'told' in more ? more.told : {});
      await draw();
      expect((await claim(of)).status).toBe(204);
      const path = `/v1/verifications?miner=${of.miner}`;
      const [found] = (await call<VerificationStatement[]>('GET', path)).body;
      expect(found).toMatchObject({ receipt_id: receipt.receipt_id, judgement: 'inconclusive', reason });
      expect(await board(of.miner)).toMatchObject([
        { answers: 0, inconclusive: 1, judgement: 'inconclusive' },
      ]);
    }
    await sound();
  });

  test('does not judge an answer that repeats its prompt alone, and counts its numbers', async () => {
    const of = await scene();
    await answer(of, { prompt: `Repeat this: ${TEXT}` });
    await draw();
    const { body: task } = await claim(of);
    await score(task, honest, of.verifierKey);
    const echo = { judgement: 'inconclusive', reason: 'echo', rule: 'nucleus/1', tokens: 40, counts: true };
    expect(await statement(task.verification_id)).toMatchObject(echo);
    expect(await board(of.miner)).toMatchObject([{ answers: 1, inconclusive: 1, consistent: 0, tokens: 40 }]);
    await sound();
  });

  test('that wait for weights that no verifier has are a problem, and metrics count them', async () => {
    const of = await scene();
    await answer(of);
    await draw();
    const admin = await coordinator.key('admin');
    const problems = async () => {
      const { body } = await call<OperatorProblem[]>('GET', '/v1/operator/problems', undefined, {
        key: admin,
      });
      return body.filter(({ kind, subject }) => kind === 'NO_VERIFIER' && subject === of.model);
    };
    const metric = async (line: string) => {
      const { body } = await call<string>('GET', '/metrics', undefined, { key: admin });
      return Number(
        body
          .split('\n')
          .find(each => each.startsWith(`${line} `))
          ?.slice(line.length) ?? 0,
      );
    };
    expect(await problems()).toEqual([]);
    coordinator.moveClock({ seconds: 601 });
    expect(await problems()).toMatchObject([{ severity: 'warning' }]);
    const ended = 'aitbc_verifications_ended_total{judgement="consistent",cause="drawn"}';
    const before = { open: await metric('aitbc_verifications_open'), ended: await metric(ended) };
    const { body: task } = await claim(of);
    expect(await problems()).toEqual([]);
    await score(task, honest, of.verifierKey);
    expect(await metric('aitbc_verifications_open')).toBe(before.open - 1);
    expect(await metric(ended)).toBe(before.ended + 1);
  });

  test('suspends the owner of a miner whose answers do not fit, and another verifier decides an appeal', async () => {
    const of = await scene();
    const receiver = await startReceiver();
    onTestFinished(() => receiver.close());
    const hook = { url: receiver.url, events: ['miner.suspended'] };
    expect((await post('/v1/webhooks', hook, of.key)).status).toBe(201);
    const outcomes = [];
    for (let answers = 0; answers < 3; answers++) outcomes.push(await verified(of, strange));
    expect(outcomes.map(({ outcome }) => outcome.judgement)).toEqual(['accused', 'accused', 'accused']);
    const last = outcomes.at(-1)?.task.verification_id ?? '';
    const [record] = await board(of.miner);
    expect(record).toMatchObject({ judgement: 'accused', accused: 3, accusations: 1, accused_by: last });
    const miner = async () => (await call<MinerDetail>('GET', `/v1/miners/${of.miner}`)).body;
    const { suspended_at, suspended_by } = (await miner()).reputation;
    expect([suspended_at === null, suspended_by]).toEqual([false, last]);
    await coordinator.running.deliver();
    expect(receiver.received.map(({ body }) => body.data)).toEqual([
      { miner_id: of.miner, region: null, suspended_at, suspended_by: last },
    ]);

    const reason = 'The disk was broken.';
    const appeal = async (key: string) =>
      await post<VerificationOutcome>(`/v1/verifications/${last}/appeal`, { reason }, key);
    expect((await appeal(await coordinator.key('miner'))).status).toBe(409);
    const { body: appealed } = await appeal(of.key);
    expect((await appeal(of.key)).body).toEqual(appealed);
    // The verifier that accused does not decide.
    expect((await claim(of)).status).toBe(204);
    const { body: task } = await claim(of, { verifier_id: 'another' });
    expect(task.verification_id).toBe(appealed.verification_id);
    await score(task, honest, of.verifierKey, 'another');
    expect(await statement(task.verification_id)).toMatchObject({
      cause: 'appeal',
      about: last,
      clears: true,
      metadata: { reason },
    });
    expect(await board(of.miner)).toMatchObject([{ judgement: 'inconclusive', answers: 0, accusations: 1 }]);
    expect((await miner()).reputation).toMatchObject({ suspended_at: null, suspended_by: null });
    await sound();
  });

  test('by verifiers of other owners needs consent, and two of them to accuse', async () => {
    const of = await scene();
    const [second, third] = [await coordinator.key('miner'), await coordinator.key('miner')];
    const as = (verifierKey: string) => ({ ...of, verifierKey });
    await answer(of);
    await answer(of, { verification: { consent: true } });
    await draw();
    coordinator.moveClock({ seconds: 11 });
    expect((await claim(as(of.key))).status).toBe(204);
    const { body: task } = await claim(as(second), { verifier_id: 'second' });
    expect((await claim(as(third), { verifier_id: 'third' })).status).toBe(204);
    expect((await score(task, strange, third, 'third')).status).toBe(409);
    await score(task, strange, second, 'second');
    expect(await statement(task.verification_id)).toMatchObject({ judgement: 'accused', counts: false });
    expect((await board(of.miner))[0]).toMatchObject({ answers: 0, accused: 0 });

    coordinator.moveClock({ seconds: 11 });
    expect((await claim(as(second), { verifier_id: 'second' })).status).toBe(204);
    const other = { ...ENGINE, build: 'b6999' };
    expect((await claim(as(third), { verifier_id: 'third', engine: other })).status).toBe(204);
    const { body: again } = await claim(as(third), { verifier_id: 'third' });
    await score(again, strange, third, 'third');
    const confirmed = {
      cause: 'confirmation',
      about: task.verification_id,
      judgement: 'accused',
      counts: true,
    };
    expect(await statement(again.verification_id)).toMatchObject(confirmed);
    expect((await board(of.miner))[0]).toMatchObject({ answers: 1, accused: 1 });
    await sound();
  });

  test('goes to another verifier when one does not score it, and ends when none does', async () => {
    const of = await scene();
    await answer(of);
    await draw();
    const { body: task } = await claim(of);
    const sweep = () => coordinator.running.modules.verifications.sweep();
    coordinator.moveClock({ seconds: 301 });
    await sweep();
    expect((await score(task, honest, of.verifierKey)).body).toMatchObject({
      error_code: 'VERIFICATION_NOT_LEASED',
    });
    expect((await claim(of)).body.verification_id).toBe(task.verification_id);
    const failed = { verifier_id: 'own', reason: 'out of memory' };
    const { body } = await post(`/v1/verifications/${task.verification_id}/fail`, failed, of.verifierKey);
    expect(body).toMatchObject({ status: 'waiting' });
    expect((await claim(of)).status).toBe(204);
    coordinator.moveClock({ seconds: 2 * 3600 });
    await sweep();
    const expired = { judgement: 'inconclusive', reason: 'expired', counts: false };
    expect(await statement(task.verification_id)).toMatchObject(expired);
  });

  test('refuses numbers that can not be, and stores nothing of them', async () => {
    const of = await scene();
    await answer(of);
    await draw();
    const { body: task } = await claim(of);
    const wrong: [unknown, string][] = [
      [[scoredToken(0.5)], 'VALIDATION_OUT_OF_RANGE'],
      [[{ ...scoredToken(-1), below_best: -1 }], 'VALIDATION_OUT_OF_RANGE'],
      [[], 'VALIDATION_OUT_OF_RANGE'],
      [Array.from({ length: TEXT.length + 2 }, () => scoredToken(-1)), 'VALIDATION_OUT_OF_RANGE'],
      [[{ full: null }], 'VALIDATION_MISSING_FIELD'],
    ];
    for (const [tokens, code] of wrong)
      expect((await score(task, tokens as ScoredToken[], of.verifierKey)).body).toMatchObject({
        error_code: code,
      });
    expect((await score(task, honest, of.verifierKey)).body.judgement).toBe('consistent');
  });

  test('asks about runs whose texts differ, which cost nobody anything by themselves', async () => {
    const { model, weights, verifierKey } = await scene();
    const seed = { params: { temperature: 0, seed: 1 } };
    const { job_id } = await submit({ model, prompt: 'Why is the sky blue?', replication: 3, ...seed });
    const cold = { effective_parameters: { temperature: 0 } };
    const runs: string[] = [];
    for (const letter of ['c', 'a', 'b']) {
      const of = await owner(`${letter}-of-${model}`, model, weights);
      const text = letter === 'c' ? `${TEXT}Or is it?` : TEXT;
      runs.push((await finish(of, cold, text)).receipt_id);
    }
    expect((await call<{ status: string; result: string }>('GET', `/v1/jobs/${job_id}`)).body).toMatchObject({
      ...{ status: 'completed', result: TEXT },
    });
    const asked = [];
    for (const _ of runs) asked.push((await claim({ weights, verifierKey })).body);
    expect(asked.filter(({ answer }) => answer.text !== TEXT)).toHaveLength(1);
    for (const task of asked) {
      await score(
        task,
        honest.map(token => ({ ...token, below_best: 0 })),
        verifierKey,
      );
      const found = await statement(task.verification_id);
      expect(found).toMatchObject({
        cause: 'difference',
        rule: 'greedy/1',
        judgement: 'consistent',
        counts: true,
      });
    }
    // Those that are drawn as well do not count again.
    await draw();
    const { body: again } = await claim({ weights, verifierKey });
    await score(again, honest, verifierKey);
    expect(await statement(again.verification_id)).toMatchObject({ cause: 'drawn', counts: false });
    await sound();
  });

  test('waits for an answer that is drawn', async () => {
    const of = await scene();
    const waiting = claim(of, { wait: 30 });
    await answer(of);
    await draw();
    const { status, body } = await waiting;
    expect([status, body.model]).toEqual([200, of.model]);
  });
});
