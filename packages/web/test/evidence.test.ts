import { hash } from 'node:crypto';
import type { ScoredToken, VerificationTask } from '@aitbc/protocol';
import { signAttestation, signerFromSeed, signPassport } from '@aitbc/receipts';
import { CoordinatorClient } from '@aitbc/sdk';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { withNetwork } from './network.ts';
import { expectAccessible, goTo, loaded, visit } from './visitor.ts';

const network = withNetwork({ verifyShare: 1 });
const browser = withBrowser();

const [miner_id, model] = ['lab', 'sky'];
const PROMPT = 'Why is the sky blue?';
const TEXT = 'Light of the sun is scattered by the air, and blue light is scattered most.';
const WEIGHTS = `sha256:${'ab'.repeat(32)}`;
const VERIFIER = { verifier_id: 'own', engine: { name: 'llama.cpp', build: 'b7000' } };
const signer = signerFromSeed(new Uint8Array(32).fill(7));

let verifier: CoordinatorClient;
let accused: string;
let receiptId: string;

function scored(logprob: number): ScoredToken {
  const spread = { logprob, entropy: 1, variance: 1 };
  return { full: spread, nucleus: spread, below_best: -logprob };
}

beforeAll(async () => {
  const passport = { weights: { value: WEIGHTS, source: 'hashed' as const } };
  const signature = await signPassport({ miner_id, model, passport }, signer);
  await network.client.miners.register({
    ...{ miner_id, capabilities: [model], public_key: signer.keyId },
    models: [{ model, passport: { ...passport, signature } }],
  });
  verifier = new CoordinatorClient(network.url, (await network.key('verifier')).secret);
  await read(-1);
  accused = await read(-9);
  receiptId = (await network.client.verifications.get(accused)).statement.receipt_id;
  await network.publish();
});

/** Has a verifier read an answer, and returns the verification's id. The first draw marks where drawing begins. */
async function read(logprob: number): Promise<string> {
  let task: VerificationTask | null = null;
  while (!task) {
    await answer();
    await network.publish();
    while (await network.coordinator.modules.verifications.draw());
    task = await verifier.verifications.claim({ ...VERIFIER, weights: [WEIGHTS] });
  }
  const tokens = Array.from({ length: 30 }, () => scored(logprob));
  const scores = { ...VERIFIER, tokens, retokenized: true };
  await verifier.verifications.submitScores(task.verification_id, scores);
  return task.verification_id;
}

async function answer(): Promise<void> {
  const { client } = network;
  const { job_id } = await client.jobs.submit({ model, prompt: PROMPT });
  const { salt } = await client.jobs.claim(job_id, miner_id);
  const sha = (text: string) => hash('sha256', salt + text);
  const hashes = { prompt_hash: sha(PROMPT), artifact_hash: sha(TEXT) };
  const signature = await signAttestation({ job_id, model, ...hashes }, signer);
  const told = { finish_reason: 'stop' as const, effective_parameters: { temperature: 0.8 } };
  await client.jobs.complete(job_id, { miner_id, result: TEXT, signature, ...told });
}

const row = (page: Page, table: string) =>
  page.getByRole('table', { name: table }).locator('tbody').getByRole('row');

test('a visitor goes from the board to a verification, and downloads its proof', async context => {
  const { page, faults } = await visit(browser, context, `${network.url}/evidence`);
  const record = row(page, 'Evidence by miner and passport').filter({ hasText: miner_id });
  await record.getByText('inconclusive').waitFor();
  expect(await record.getByRole('cell').allTextContents()).toEqual(
    expect.arrayContaining([model, '2', '60']),
  );
  await expectAccessible(page, 'the board');

  await record.getByRole('link', { name: `2 verified answers of ${miner_id}` }).click();
  await page.getByRole('heading', { level: 1, name: 'Verifications' }).waitFor();
  const rows = row(page, 'Verifications, newest first');
  await rows.filter({ hasText: 'consistent' }).waitFor();
  await expectAccessible(page, 'the list');
  await page.getByRole('combobox', { name: 'Judgement' }).selectOption('accused');
  await rows.filter({ hasText: 'consistent' }).waitFor({ state: 'detached' });
  expect(await rows.count()).toBe(1);
  await rows.locator(`a[href="/verifications/${accused}"]`).click();

  await page.getByText(/by (nucleus|robust)\/1, over 30 tokens/).waitFor();
  await page.getByText('drawn by chance').waitFor();
  await page.locator(`a[href="/receipts/${receiptId}"]`).waitFor();
  await expectAccessible(page, 'the verification');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download the proof' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`${accused}.tlog-proof`);
  expect(faults).toEqual([]);
});

test('a miner’s page shows its evidence, and the search leads to a verification', async context => {
  const { page, faults } = await visit(browser, context, `${network.url}/miners/${miner_id}`);
  const records = row(page, 'Evidence by passport of this miner');
  await records.getByRole('link', { name: model }).waitFor();
  await loaded(page);
  await expectAccessible(page, 'the miner’s page');
  await goTo(page, `${network.url}/search?q=${accused}`);
  await page.waitForURL(`**/verifications/${accused}`);
  await page.getByRole('heading', { level: 2, name: 'What was found' }).waitFor();
  expect(faults).toEqual([]);
});

test('the page of a suspended miner leads to the verification that did it', async context => {
  await read(-9);
  const last = await read(-9);
  const { page, faults } = await visit(browser, context, `${network.url}/miners/${miner_id}`);
  await page.locator(`a[href="/verifications/${last}"]`).first().click();
  await page.getByRole('heading', { level: 2, name: 'What was found' }).waitFor();
  expect(faults).toEqual([]);
});
