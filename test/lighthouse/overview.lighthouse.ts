import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from 'chrome-launcher';
import lighthouse, { desktopConfig } from 'lighthouse';
import { expect, onTestFinished, test } from 'vitest';
import { startCoordinator } from '../../packages/coordinator/src/index.ts';
import { echoBackend, startMiner } from '../../packages/miner/src/index.ts';
import { generateSigner } from '../../packages/receipts/src/index.ts';
import { CoordinatorClient } from '../../packages/sdk/src/index.ts';
import { buildWebApp } from '../../packages/web/build.ts';
import { chromiumPath } from '../browser.ts';

const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo'];
/** What these say depends on how fast the machine is, so it is printed only. */
const TIMES = ['first-contentful-paint', 'largest-contentful-paint', 'interactive', 'total-blocking-time'];
const MAX_FIRST_LOAD = 200_000;

test('Lighthouse finds nothing on the overview that keeps somebody from using it', async () => {
  const url = await startNetwork();
  const chromeFlags = ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage'];
  const browser = await launch({ chromePath: await chromiumPath(), chromeFlags });
  onTestFinished(() => browser.kill());
  const flags = {
    ...{ port: browser.port, onlyCategories: CATEGORIES, throttlingMethod: 'provided' as const },
    // The stream of the live connection never ends, so the page is never idle.
    maxWaitForLoad: 10_000,
  };
  const result = await lighthouse(url, flags, desktopConfig);
  const { audits = {}, categories = {}, runtimeError } = result?.lhr ?? {};
  expect(runtimeError).toBeUndefined();
  const scores = Object.fromEntries(CATEGORIES.map(name => [name, categories[name]?.score]));
  console.log(scores);
  for (const name of TIMES)
    console.log(`${name}: ${Math.round(audits[name]?.numericValue ?? Number.NaN)} ms`);

  const { performance, ...others } = scores;
  expect(performance).toBeGreaterThan(0);
  expect(others).toEqual({ accessibility: 1, 'best-practices': 1, seo: 1 });
  // Nothing moves while the page fills, however long that takes.
  expect(audits['cumulative-layout-shift']?.score).toBeGreaterThan(0.9);
  expect(filesOf(audits['network-requests']?.details)).toBeLessThan(MAX_FIRST_LOAD);
});

/** Returns the bytes of all files of the app, as they were sent. */
function filesOf(details: unknown): number {
  const { items = [] } = Object(details) as { items?: { url: string; transferSize?: number }[] };
  const files = items.filter(({ url }) => !new URL(url).pathname.startsWith('/explorer/'));
  expect(files.length).toBeGreaterThan(5);
  return files.reduce((sum, { transferSize = 0 }) => sum + transferSize, 0);
}

/** Starts a coordinator with a miner and some jobs, and returns its address. */
async function startNetwork(): Promise<string> {
  await buildWebApp();
  const data = await mkdtemp(join(tmpdir(), 'aitbc-lighthouse-'));
  const coordinator = await startCoordinator({ port: 0, data, logLevel: 'silent', ledgerInterval: 3600 });
  const client = new CoordinatorClient(coordinator.url);
  const miner = await startMiner({
    client,
    backend: echoBackend({ models: ['llama3.2'] }),
    identity: { minerId: 'gpu-one', signer: await generateSigner() },
  });
  onTestFinished(async () => {
    await miner.quit().catch(() => {});
    await coordinator.close();
    await rm(data, { recursive: true, force: true });
  });
  for (const prompt of ['One', 'Two', 'Three']) {
    const { job_id } = await client.jobs.submit({ prompt, model: 'llama3.2' });
    await client.jobs.wait(job_id);
  }
  await coordinator.publish();
  return coordinator.url;
}
