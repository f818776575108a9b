import { describe, expect, test } from 'vitest';
import { INSECURE_HOST, withBrowser } from '../../../test/browser.ts';
import { withCoordinator } from './harness/coordinator.ts';
import { ENGINES, type Engine } from './harness/engines.ts';
import { REQUESTS } from './harness/scenes.ts';

describe('the reference page', () => {
  // The routes are the same on every engine.
  const coordinator = withCoordinator(ENGINES[0] as Engine, { allowedHosts: INSECURE_HOST });
  const browser = withBrowser();

  test.for(['/docs', '/api/docs'])(
    '%s shows every route, and asks for nothing that is elsewhere',
    async (path, context) => {
      const page = await browser.blank(context);
      const { port } = new URL(coordinator.url);
      const address = `http://${INSECURE_HOST}:${port}${path}`;
      const asked: string[] = [];
      const errors: string[] = [];
      page.on('request', request => asked.push(request.url()));
      page.on('response', response => response.status() >= 400 && errors.push(response.url()));
      page.on('pageerror', error => errors.push(error.message));
      await page.goto(address);
      await page.getByText('Submit a job', { exact: true }).waitFor();
      const shown = () => page.locator('.opblock').count();
      await expect.poll(shown, { timeout: 15_000 }).toBe(Object.keys(REQUESTS).length);
      expect(errors).toEqual([]);
      expect(asked.filter(url => !url.startsWith(address) && !url.startsWith('data:'))).toEqual([]);
    },
  );

  test('its HTML names no other host', async () => {
    const { status, headers, body } = await coordinator.call<string>('GET', '/docs/');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const addresses = [...body.matchAll(/(?:src|href)="([^"]*)"/g)].map(match => match[1]);
    expect(addresses.length).toBeGreaterThan(3);
    for (const address of addresses) expect(address).toMatch(/^\.\/static\/[a-z0-9-]+\.(js|css|png)$/);
    expect(body).not.toContain('//');
  });
});
