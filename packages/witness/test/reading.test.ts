import { createHash } from 'node:crypto';
import { formatAddCheckpoint, openCheckpoint, parseNote, parseVkey } from '@aitbc/tlog';
import { expect, test } from 'vitest';
import { ORIGIN, testLog } from './log.ts';
import { addCheckpoint, get, runWitness } from './witnesses.ts';

const log = testLog();
const HASH = createHash('sha256').update(ORIGIN).digest('hex');

test('anyone reads the last checkpoint, with the signatures of log and witness and of nobody else', async () => {
  const { url, vkey } = await runWitness();
  const checkpoint = `${await log.checkpoint(10)}— stranger.example AAAAAAAA\n`;
  await addCheckpoint(url, formatAddCheckpoint({ old: 0, proof: [], checkpoint }));
  const { status, type, text } = await get(`${url}/${HASH}/checkpoint`);
  const cosigners = { keys: [parseVkey(vkey)], quorum: 1 };
  expect({ status, type }).toEqual({ status: 200, type: 'text/plain; charset=utf-8' });
  expect(await openCheckpoint(text, { log: log.key, cosigners })).toMatchObject({ size: 10 });
  expect(parseNote(text).signatures).toHaveLength(2);
});

test('CORS headers let other origins read', async () => {
  const { url } = await runWitness();
  const { headers } = await fetch(`${url}/vkey`);
  expect(headers.get('access-control-allow-origin')).toBe('*');
});

test.each([
  ['a log that was never cosigned', HASH],
  ['an unknown log', HASH.replace(/^./, digit => (digit === '0' ? '1' : '0'))],
  ['an origin in place of its hash', encodeURIComponent(ORIGIN)],
])('%s has no checkpoint', async (_, hash) => {
  const { url } = await runWitness();
  expect(await get(`${url}/${hash}/checkpoint`)).toMatchObject({ status: 404 });
});

test('the checkpoint of a log that is no longer watched can still be read', async () => {
  const first = await runWitness();
  await addCheckpoint(first.url, await log.request(0, 10));
  await first.close();
  const other = testLog({ origin: 'other.example/log' });
  const { url } = await runWitness({ data: first.data, logs: [other.key] });
  expect(await get(`${url}/${HASH}/checkpoint`)).toMatchObject({ status: 200 });
});

test('GET /vkey answers the verifier key', async () => {
  const { url, vkey } = await runWitness();
  expect(await get(`${url}/vkey`)).toMatchObject({ status: 200, text: `${vkey}\n` });
});

test('GET /health answers ok', async () => {
  const { url } = await runWitness();
  expect(await get(`${url}/health`)).toMatchObject({ status: 200, text: 'ok\n' });
});

test('an unknown path answers 404 and lists the paths', async () => {
  const { url } = await runWitness();
  expect(await get(url)).toMatchObject({ status: 404, text: expect.stringContaining('/add-checkpoint') });
});
