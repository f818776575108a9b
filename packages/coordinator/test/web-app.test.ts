import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WEB_PATHS } from '../src/web/paths.ts';
import { withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

const ASSETS = join(import.meta.dirname, '../../web/dist/assets');

describeOneEngine('the web app', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed' });
  const browser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };
  const fill = (path: string) => path.replace(/:\w+/, 'something');

  test.each(WEB_PATHS)('answers browsers with its page at %s', async path => {
    const { status, headers, body } = await coordinator.call<string>('GET', fill(path), undefined, browser);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body).toContain('<div id="root"></div>');
    expect(body).toContain('data-keys="required"');
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(headers.get('vary')).toContain('Accept');
  });

  test('has a policy that allows nothing inline, and nothing from elsewhere', async () => {
    const { headers, body } = await coordinator.call<string>('GET', '/', undefined, browser);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(body).not.toMatch(/<script(?![^>]* src="\/assets\/)|<style| style=| on\w+=|https?:/);
  });

  test('is not sent again to who has it', async () => {
    const { headers } = await coordinator.call('GET', '/', undefined, browser);
    const again = { headers: { ...browser.headers, 'if-none-match': headers.get('etag') ?? '' } };
    const { status, body } = await coordinator.call('GET', '/blocks', undefined, again);
    expect([status, body]).toEqual([304, '']);
  });

  test('gives programs an index at /, and elsewhere what they got before', async () => {
    const index = await coordinator.call<Record<string, string>>('GET', '/');
    expect([index.status, index.body.reference]).toEqual([200, '/openapi.json']);
    for (const path of ['/openapi.json', '/health', '/v1/stats', '/explorer/overview'])
      expect((await coordinator.call('GET', path)).status).toBe(200);
    expect(await coordinator.call('GET', '/transactions')).toMatchObject({
      status: 404,
      body: { error_code: 'ROUTE_NOT_FOUND' },
    });
    expect((await coordinator.call<{ detail: string }>('GET', '/miners')).body.detail).toContain(
      '/v1/miners',
    );
  });

  test('serves assets for a year, compressed where that is accepted', async () => {
    const scripts = readdirSync(ASSETS).filter(name => name.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(3);
    const sizes = [];
    for (const encoding of ['br', 'gzip', 'identity']) {
      const url = `${coordinator.url}/assets/${scripts[0]}`;
      const response = await fetch(url, { headers: { 'accept-encoding': encoding } });
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(response.headers.get('vary')).toBe('Accept-Encoding');
      expect(response.headers.get('content-encoding') ?? 'identity').toBe(encoding);
      expect((await response.text()).length).toBeGreaterThan(100);
      sizes.push(Number(response.headers.get('content-length')));
    }
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  });

  test.each([
    ...['/assets/nothing.js', '/assets/', '/assets/../index.html', '/assets/%2e%2e/package.json'],
    ...['/assets/..%2findex.html', '/assets/..%2f..%2fpackage.json', '/assets/%00', '/assets/constructor'],
  ])('has no %s', async path => {
    expect(await coordinator.call('GET', path, undefined, browser)).toMatchObject({
      status: 404,
      body: { error_code: 'ROUTE_NOT_FOUND' },
    });
  });

  test('serves no file by the name of one of its encodings', async () => {
    const name = readdirSync(ASSETS).find(file => file.endsWith('.js.br'));
    expect((await coordinator.call('GET', `/assets/${name}`, undefined, browser)).status).toBe(404);
  });
});
