import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VerificationStatement } from '@aitbc/protocol';
import { expect, inject, test } from 'vitest';
import { statedMiner } from '../../packages/miner/test/stated-miner.ts';
import { MODEL, withMiner } from './network.ts';

const network = withMiner(
  async () => ['--gguf', inject('gguf'), '--model', MODEL, '--miner-id', 'honest'],
  ['--verify-share', '1'],
);
const PARAMS = { temperature: 0.8, top_p: 0.9, top_k: 40, min_p: 0, max_tokens: 48 };
const only = (miner: string) => ({ constraints: { miners: { only: [miner] } } });

async function statements(minerId: string): Promise<VerificationStatement[]> {
  return await (await fetch(`${network.url}/v1/verifications?miner=${minerId}`)).json();
}

/** The agent registers before the file is hashed, and again when it is. */
async function untilPassport(minerId: string): Promise<void> {
  for (;;) {
    const { models } = await network.client.miners.get(minerId);
    if (models.some(({ passport }) => passport)) return;
  }
}

/** Repeats a step until the ledger has a judgement of the miner: the first draw only marks where drawing begins. */
async function judged(minerId: string, step: () => Promise<void>): Promise<VerificationStatement> {
  for (;;) {
    await step();
    const [found] = await statements(minerId);
    if (found) return found;
  }
}

test('a verifier with the same weights finds a miner’s answers consistent, and invented ones not', async () => {
  const state = await mkdtemp(join(tmpdir(), 'aitbc-verifier-'));
  const key = ['--api-key', await network.key('verifier')];
  const verifier = [...key, 'miner', '--verify', '--gguf', inject('gguf'), '--state', state];
  const [, weights = ''] = await network.run(verifier, /with (sha256:[0-9a-f]{64})/);

  await untilPassport('honest');
  const honest = await judged('honest', async () => {
    const prompt = 'Tell me about the moon.';
    const { job_id } = await network.client.jobs.submit({
      prompt,
      model: MODEL,
      params: PARAMS,
      ...only('honest'),
    });
    await network.client.jobs.wait(job_id, { timeout: 110_000 });
  });
  expect(honest).toMatchObject({ rule: 'nucleus/1', judgement: 'consistent', weights, counts: true });
  expect(honest.tokens).toBeGreaterThan(10);

  const stated = { minerId: 'liar', model: MODEL, weights, parameters: PARAMS };
  const liar = await statedMiner(network.client, stated);
  const nonsense =
    'Ledger banana quickly the seventeen umbrella of orange, politely under green Tuesday. '.repeat(3);
  const invented = await judged('liar', () => liar.answer(nonsense));
  expect(invented).toMatchObject({ rule: 'robust/1', judgement: 'accused', weights });
  expect(invented.sum / invented.tokens).toBeLessThan(-1);
});
