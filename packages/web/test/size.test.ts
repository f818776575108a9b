import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { WEB_PATHS } from '../../coordinator/src/web/paths.ts';
import { withNetwork } from './network.ts';

const network = withNetwork();
const browser = withBrowser();

const MAX_FIRST_LOAD = 200_000;
const ASSETS = join(import.meta.dirname, '../dist/assets');
const REPOSITORY = join(import.meta.dirname, '../../..');

test('the first load is under 200 kB', async context => {
  const page = await browser.blank(context, { locale: 'en-US' });
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const bytes = new Map<string, number>();
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) =>
    bytes.set(requestId, encodedDataLength),
  );
  await page.goto(network.url);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.locator('canvas').first().waitFor();
  await page.evaluate('document.fonts.ready');
  const sum = [...bytes.values()].reduce((sum, size) => sum + size, 0);
  expect(sum).toBeGreaterThan(50_000);
  expect(sum).toBeLessThan(MAX_FIRST_LOAD);
});

test('the app does not tell where it was built', () => {
  const files = globSync('*.js', { cwd: ASSETS }).map(name => readFileSync(join(ASSETS, name), 'utf8'));
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter(text => text.includes(REPOSITORY))).toEqual([]);
});

test('the coordinator serves the paths that the app has', () => {
  const routes = readFileSync(join(import.meta.dirname, '../src/routes.tsx'), 'utf8');
  const paths = Array.from(routes.matchAll(/path: '([^']*)'/g), ([, path = '']) => path.replaceAll('$', ':'));
  expect(paths.sort()).toEqual([...WEB_PATHS].sort());
});
