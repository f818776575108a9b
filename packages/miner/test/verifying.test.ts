import type { TokenScore } from '@aitbc/evidence';
import type { VerificationTask } from '@aitbc/protocol';
import { CoordinatorClient } from '@aitbc/sdk';
import { expect, test } from 'vitest';
import { BackendError, startVerifier, type VerifierEvent } from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { statedMiner } from './stated-miner.ts';

const coordinator = withCoordinator({ verifyShare: 1, ledgerInterval: 0.1 });
const parameters = { temperature: 0.8, top_p: 0.9, top_k: 40, min_p: 0 };
const TEXT = 'The sun is a star. It is so near that we see it as a disk, and it gives us light and warmth.';

const likely: TokenScore = {
  full: { logprob: -1, entropy: 1, variance: 1 },
  nucleus: { logprob: -1, entropy: 1, variance: 1 },
  below_best: 0.5,
};

let count = 0;

/** A verifier whose model says what the test tells it, and a miner that has the same weights. */
async function scene(read: (task: VerificationTask, signal: AbortSignal) => Promise<TokenScore[]>) {
  const number = count++;
  const weights = `sha256:${String(number).padStart(64, 'a')}`;
  const [minerId, model] = [`miner-${number}`, `model-${number}`];
  const miner = await statedMiner(coordinator.client, { minerId, model, weights, parameters });
  const { secret } = await coordinator.key('verifier');
  const events: VerifierEvent[] = [];
  let wake = Promise.withResolvers<void>();
  const verifier = startVerifier({
    client: new CoordinatorClient(coordinator.url, { apiKey: secret }),
    ...{ verifierId: `verifier-${number}`, backoff: { first: 10 } },
    reader: { engine: { name: 'hand', build: '1' }, weights, read, async close() {} },
    onEvent(event) {
      events.push(event);
      wake.resolve();
      wake = Promise.withResolvers();
    },
  });
  return {
    ...{ verifier, events },
    answer: () => miner.answer(TEXT),
    async when<Name extends VerifierEvent['event']>(name: Name) {
      for (;;) {
        const found = events.find(({ event }) => event === name);
        if (found) return found as Extract<VerifierEvent, { event: Name }>;
        await wake.promise;
      }
    },
  };
}

/** Answers until the verifier has got one: the first draw only marks where drawing begins. */
async function answerUntil(event: Promise<VerifierEvent>, answer: () => Promise<void>): Promise<void> {
  let isThere = false;
  event.then(() => {
    isThere = true;
  });
  while (!isThere) {
    await answer();
  }
}

test('a verifier reads answers, and posts what its model says of them', async () => {
  const tasks: VerificationTask[] = [];
  const { verifier, when, answer } = await scene(async task => {
    tasks.push(task);
    return Array(30).fill(likely);
  });
  await answerUntil(when('answer_read'), answer);
  expect(await when('answer_read')).toMatchObject({ tokens: 30, judgement: 'consistent' });
  expect(tasks[0]).toMatchObject({ answer: { text: TEXT, ended: false }, parameters });
  await verifier.stop();
});

test('an answer that the model can not score is given back with the reason', async () => {
  const { verifier, events, when, answer } = await scene(async () => {
    throw new BackendError('The miner’s model has another chat template');
  });
  await answerUntil(when('answer_failed'), answer);
  expect(await when('answer_failed')).toMatchObject({ error: 'The miner’s model has another chat template' });
  await verifier.stop();
  expect(events.map(({ event }) => event)).not.toContain('answer_lost');
});

test('a stopped verifier lets the answer under way be finished, and quit() gives it back', async () => {
  const begun = Promise.withResolvers<void>();

  const { verifier, events, when, answer } = await scene(async (_, signal) => {
    begun.resolve();
    const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    await aborted;
    return [likely];
  });
  await answerUntil(
    begun.promise.then(() => ({ event: 'reconnected' })),
    answer,
  );
  verifier.stop();
  await when('stopping');
  await verifier.quit();
  expect(events.at(-2)).toMatchObject({ event: 'answer_failed', error: 'The verifier is stopping' });
  expect(events.at(-1)).toEqual({ event: 'stopped', read: 1 });
});

test('a verifier waits for a coordinator that is away', async () => {
  const { verifier, when } = await scene(async () => [likely]);
  await when('verifying');
  await coordinator.stop();
  await when('disconnected');
  await coordinator.start();
  await when('reconnected');
  await verifier.stop();
});
