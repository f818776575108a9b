import { readFile } from 'node:fs/promises';
import { formatAddCheckpoint, openCheckpoint, parseVkey } from '@aitbc/tlog';
import { expect, test } from 'vitest';
import { WITNESS_LIMITS } from '../src/index.ts';
import { testLog } from './log.ts';
import { addCheckpoint, cosignature, NAME, NOW, runWitness } from './witnesses.ts';

const log = testLog();

/** Starts a witness that has cosigned ten leaves. */
async function witnessOfTen() {
  const witness = await runWitness();
  await addCheckpoint(witness.url, await log.request(0, 10));
  witness.events.length = 0;
  return witness;
}

test('a first checkpoint is cosigned with the time', async () => {
  const witness = await runWitness();
  const { status, text } = await addCheckpoint(witness.url, await log.request(0, 10));
  const signatures = await cosignature(await log.checkpoint(10), text, witness.vkey);
  expect({ status, signatures }).toEqual({
    status: 200,
    signatures: [{ key: parseVkey(witness.vkey), time: NOW / 1000 }],
  });
});

test('the answer is lines that are appended to the checkpoint', async () => {
  const witness = await runWitness();
  const note = await log.checkpoint(10);
  const { text } = await addCheckpoint(witness.url, await log.request(0, 10));
  const cosigners = { keys: [parseVkey(witness.vkey)], quorum: 1 };
  expect(await openCheckpoint(note + text, { log: log.key, cosigners })).toMatchObject({ size: 10 });
});

test('a checkpoint that grows from the last one is cosigned', async () => {
  const witness = await witnessOfTen();
  const { status, text } = await addCheckpoint(witness.url, await log.request(10, 25));
  expect(status).toBe(200);
  expect(await cosignature(await log.checkpoint(25), text, witness.vkey)).toHaveLength(1);
  expect(witness.events).toEqual([{ event: 'cosigned', origin: log.key.name, old: 10, size: 25 }]);
});

test('the last checkpoint is cosigned again', async () => {
  const witness = await witnessOfTen();
  const { status, text } = await addCheckpoint(witness.url, await log.request(10, 10));
  expect(status).toBe(200);
  expect(await cosignature(await log.checkpoint(10), text, witness.vkey)).toHaveLength(1);
});

test('an empty tree is cosigned', async () => {
  const witness = await runWitness();
  expect(await addCheckpoint(witness.url, await log.request(0, 0))).toMatchObject({ status: 200 });
});

test('signatures by unknown keys are ignored', async () => {
  const witness = await runWitness();
  const note = `${await log.checkpoint(10)}— stranger.example AAAAAAAA\n`;
  const answer = await addCheckpoint(
    witness.url,
    formatAddCheckpoint({ old: 0, proof: [], checkpoint: note }),
  );
  expect(answer).toMatchObject({ status: 200, text: expect.stringMatching(`^— ${NAME} [^\n]+\n$`) });
});

test.each([0, 7, 11])('an old size of %i, which is not the last one, is told the last one', async old => {
  const witness = await witnessOfTen();
  expect(await addCheckpoint(witness.url, await log.request(old, 25))).toEqual({
    status: 409,
    type: 'text/x.tlog.size',
    text: '10\n',
  });
});

test('a log that was never cosigned has the size 0', async () => {
  const { url } = await runWitness();
  const answer = await addCheckpoint(url, await log.request(10, 25));
  expect(answer).toEqual({ status: 409, type: 'text/x.tlog.size', text: '0\n' });
});

test('an older checkpoint is not cosigned', async () => {
  const { url } = await witnessOfTen();
  expect(await addCheckpoint(url, await log.request(5, 7))).toMatchObject({ status: 409, text: '10\n' });
});

test('another tree of the same size is a fork, and the proof of it is kept', async () => {
  const witness = await witnessOfTen();
  const fork = log.forkedAt(4);
  const answer = await addCheckpoint(witness.url, await fork.request(10, 10));
  expect(answer).toMatchObject({ status: 409, type: 'text/plain; charset=utf-8' });
  const [event] = witness.events;
  expect(event).toMatchObject({ event: 'refused', code: 'FORK', origin: log.key.name });
  const path = event?.event === 'refused' ? (event.evidence ?? '') : '';
  const [cosigned = '', submitted = ''] = (await readFile(path, 'utf8')).split(/\n(?=coordinator\.example)/);
  const opened = [cosigned, submitted].map(note => openCheckpoint(note, { log: log.key }));
  const [one, other] = await Promise.all(opened);
  expect([one?.size, other?.size]).toEqual([10, 10]);
  expect(one?.root).not.toEqual(other?.root);
});

test('an empty tree can not have another root', async () => {
  const { url } = await runWitness();
  expect(await addCheckpoint(url, await log.withRoot(0, new Uint8Array(32)))).toMatchObject({ status: 409 });
});

test('a fork with a proof of its own is rejected', async () => {
  const witness = await witnessOfTen();
  expect(await addCheckpoint(witness.url, await log.forkedAt(4).request(10, 25))).toMatchObject({
    status: 422,
  });
  expect(witness.events).toEqual([
    expect.objectContaining({ event: 'refused', code: 'INCONSISTENT', origin: log.key.name }),
  ]);
});

test.each([
  ['of another pair of trees', async () => log.proof(9, 25)],
  ['that is missing', async () => []],
  ['with a hash too many', async () => [...(await log.proof(10, 25)), new Uint8Array(32)]],
])('a proof %s is rejected', async (_, proof) => {
  const { url } = await witnessOfTen();
  const body = { old: 10, proof: await proof(), checkpoint: await log.checkpoint(25) };
  expect(await addCheckpoint(url, formatAddCheckpoint(body))).toMatchObject({ status: 422 });
});

test('a proof between equal sizes is rejected', async () => {
  const { url } = await runWitness();
  const body = { old: 0, proof: [new Uint8Array(32)], checkpoint: await log.checkpoint(25) };
  expect(await addCheckpoint(url, formatAddCheckpoint(body))).toMatchObject({ status: 422 });
});

test('a log that is not watched is unknown', async () => {
  const { url } = await runWitness();
  const stranger = testLog({ origin: 'stranger.example/log' });
  expect(await addCheckpoint(url, await stranger.request(0, 10))).toMatchObject({
    status: 404,
    text: 'stranger.example/log is no log that is watched here\n',
  });
});

test('a checkpoint that the log has not signed is rejected', async () => {
  const witness = await runWitness();
  const impostor = testLog({ seed: 2 });
  expect(await addCheckpoint(witness.url, await impostor.request(0, 10))).toMatchObject({ status: 403 });
  expect(witness.events).toMatchObject([{ event: 'refused', code: 'UNSIGNED' }]);
});

test('a signature of another checkpoint is rejected', async () => {
  const { url } = await runWitness();
  const [body = ''] = (await log.request(0, 10)).split('\n\n—');
  const signature = (await log.checkpoint(11)).split('\n\n—')[1];
  expect(await addCheckpoint(url, `${body}\n\n—${signature}`)).toMatchObject({ status: 403 });
});

test('an old size beyond the new one is rejected', async () => {
  const { url } = await witnessOfTen();
  const body = { old: 11, proof: [], checkpoint: await log.checkpoint(10) };
  expect(await addCheckpoint(url, formatAddCheckpoint(body))).toMatchObject({ status: 400 });
});

test.each([
  ['nothing', ''],
  ['no old size', '\n\n'],
  ['a size with leading zeros', 'old 007\n\n'],
  ['a hash that is none', 'old 0\nAAAA\n\n'],
  ['more than 63 hashes', `old 0\n${`${'A'.repeat(43)}=\n`.repeat(64)}\n`],
])('%s is rejected', async (_, head) => {
  const { url } = await runWitness();
  const body = head === '' ? '' : head + (await log.checkpoint(10));
  expect(await addCheckpoint(url, body)).toMatchObject({ status: 400 });
});

test('a body beyond the limit is rejected', async () => {
  const { url } = await runWitness();
  const body = 'a'.repeat(WITNESS_LIMITS.bodyBytes + 1);
  expect(await addCheckpoint(url, body)).toMatchObject({ status: 413 });
});

test('a rejected request changes nothing', async () => {
  const { url } = await witnessOfTen();
  await addCheckpoint(url, await log.forkedAt(4).request(10, 25));
  await addCheckpoint(url, await testLog({ seed: 2 }).request(10, 25));
  expect(await addCheckpoint(url, await log.request(10, 12))).toMatchObject({ status: 200 });
});

test('concurrent requests never get contradicting checkpoints cosigned', async () => {
  const { url } = await witnessOfTen();
  const branches = Array.from({ length: 20 }, (_, index) => (index === 0 ? log : log.forkedAt(10 + index)));
  const requests = await Promise.all(branches.map(branch => branch.request(10, 40)));
  const answers = await Promise.all(requests.map(body => addCheckpoint(url, body)));
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 409)]);
});

test('concurrent equal requests are cosigned once, and again for those that name the new size', async () => {
  const { url } = await witnessOfTen();
  const again = await log.request(10, 10);
  const answers = await Promise.all(Array.from({ length: 10 }, () => addCheckpoint(url, again)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
});

test('logs are independent of each other', async () => {
  const other = testLog({ origin: 'other.example/log', seed: 3 });
  const { url } = await runWitness({ logs: [log.key, other.key] });
  await addCheckpoint(url, await log.request(0, 10));
  expect(await addCheckpoint(url, await other.request(0, 5))).toMatchObject({ status: 200 });
});

test('a log may change its key', async () => {
  const successor = testLog({ seed: 2 });
  const { url } = await runWitness({ logs: [log.key, successor.key] });
  await addCheckpoint(url, await log.request(0, 10));
  expect(await addCheckpoint(url, await successor.request(10, 25))).toMatchObject({ status: 200 });
});
