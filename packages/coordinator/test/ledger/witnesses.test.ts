import { once } from 'node:events';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import {
  formatSignatureLines,
  formatVkey,
  openCheckpoint,
  parseNote,
  parseVkey,
  verifierKey,
} from '@aitbc/tlog';
import { expect, test } from 'vitest';
import { type TestLog, testLog } from '../../../witness/test/log.ts';
import { runWitness } from '../../../witness/test/witnesses.ts';
import { parseWitness, parseWitnesses, type WitnessAddress } from '../../src/ledger/witness-options.ts';
import { createWitnesses, type WitnessReport } from '../../src/ledger/witnesses.ts';
import { dishonest, type Handler, MALLORY, MALLORYS_KEY, replies, signs } from '../harness/witnesses.ts';

const log = testLog();
/** Long for an honest witness on a busy machine; only the one that hangs takes as long. */
const TIMEOUT_MS = 5_000;

/** The coordinator's side: what it asks, what it is told, and a clock that the test moves. */
function asking(addresses: readonly WitnessAddress[]) {
  const reports: WitnessReport[] = [];
  let time = 0;
  const witnesses = createWitnesses({
    witnesses: addresses,
    origin: log.key.name,
    timeoutMs: TIMEOUT_MS,
    now: () => time,
    report: report => reports.push(report),
  });
  return {
    reports,
    pass: ({ seconds }: { seconds: number }) => {
      time += seconds * 1000;
    },
    /** The names of those who cosign, verified as anyone would. */
    async cosign(size: number, branch: TestLog = log): Promise<string[]> {
      const note = await branch.checkpoint(size);
      const signatures = await witnesses.cosign({ note, size }, from => branch.proof(from, size));
      if (signatures.length === 0) return [];
      const keys = addresses.map(({ key }) => key);
      const cosigners = { keys, quorum: signatures.length };
      const open = await openCheckpoint(note + formatSignatureLines(signatures), { log: log.key, cosigners });
      return open.signatures.slice(1).map(({ key }) => key.name);
    },
  };
}

/** A witness as it should be. */
async function honest(name = 'witness.example/alice') {
  const { url, vkey, events } = await runWitness({ name });
  return { ...parseWitness(`${url}=${vkey}`), events };
}

test('all witnesses cosign, from the first checkpoint on', async () => {
  const coordinator = asking([await honest('witness.example/alice'), await honest('witness.example/bob')]);
  expect(await coordinator.cosign(10)).toEqual(['witness.example/alice', 'witness.example/bob']);
  expect(await coordinator.cosign(25)).toEqual(['witness.example/alice', 'witness.example/bob']);
  // They are asked at once.
  expect(coordinator.reports.toSorted((a, b) => a.witness.localeCompare(b.witness))).toEqual([
    { witness: 'witness.example/alice', outcome: 'cosigned', size: 10 },
    { witness: 'witness.example/bob', outcome: 'cosigned', size: 10 },
  ]);
});

test('without witnesses there is nothing to wait for', async () => {
  expect(await asking([]).cosign(10)).toEqual([]);
});

test('a coordinator that knows nothing of what its witness has cosigned is told', async () => {
  const alice = await honest();
  await asking([alice]).cosign(10);
  const restarted = asking([alice]);
  expect(await restarted.cosign(25)).toEqual([alice.key.name]);
});

test('coordinators that share a log take turns', async () => {
  const alice = await honest();
  const [one, other] = [asking([alice]), asking([alice])];
  expect(await one.cosign(10)).toHaveLength(1);
  expect(await other.cosign(25)).toHaveLength(1);
  expect(await one.cosign(40)).toHaveLength(1);
});

test('the same checkpoint is cosigned again', async () => {
  const coordinator = asking([await honest()]);
  await coordinator.cosign(10);
  expect(await coordinator.cosign(10)).toHaveLength(1);
});

test('a witness that has seen a larger tree cosigns no smaller one, and the log tells of it', async () => {
  const alice = await honest();
  await asking([alice]).cosign(25);
  const restored = asking([alice]);
  expect(await restored.cosign(10)).toEqual([]);
  expect(restored.reports).toMatchObject([
    { outcome: 'ahead', size: 10, detail: expect.stringContaining('25') },
  ]);
});

test('a ledger that has another past is refused', async () => {
  const alice = await honest();
  await asking([alice]).cosign(25);
  const forked = asking([alice]);
  expect(await forked.cosign(40, log.forkedAt(10))).toEqual([]);
  expect(forked.reports).toMatchObject([{ outcome: 'refused', detail: expect.stringContaining('(422 ') }]);
});

test('another tree of the same size is refused', async () => {
  const alice = await honest();
  await asking([alice]).cosign(25);
  const forked = asking([alice]);
  expect(await forked.cosign(25, log.forkedAt(10))).toEqual([]);
  expect(forked.reports).toMatchObject([{ outcome: 'refused', detail: expect.stringContaining('(409 ') }]);
});

test.each([
  [404, testLog({ origin: 'other.example/log' }), 'it does not watch this ledger'],
  [403, testLog({ seed: 2 }), 'it does not know the key that has signed'],
])('that a witness answers %i is told', async (_, watched, detail) => {
  const { url, vkey } = await runWitness({ logs: [watched.key] });
  const coordinator = asking([parseWitness(`${url}=${vkey}`)]);
  expect(await coordinator.cosign(10)).toEqual([]);
  expect(coordinator.reports).toMatchObject([
    { outcome: 'refused', detail: expect.stringContaining(detail) },
  ]);
});

const { text: OTHER_TEXT } = parseNote(await log.checkpoint(11));

test.each<[string, Handler, string]>([
  ['signs with another key', signs(MALLORYS_KEY.name, 67), 'signs with another key'],
  ['signs under another name', signs('witness.example/alice', 66), 'signs with another key'],
  ['signs something else', signs(MALLORYS_KEY.name, 66, { otherText: OTHER_TEXT }), 'does not verify'],
  ['answers garbage', replies(200, 'text/html', '<!doctype html>'), 'does not end in a newline'],
  ['answers nothing', replies(200, 'text/plain', ''), 'There is no signature'],
  ['answers without end', replies(200, 'text/plain', 'a'.repeat(100_000)), 'more than 65536 bytes'],
  ['has an error', replies(500, 'text/plain', 'Oh no\n'), 'it answers 500 "Oh no"'],
  [
    'leads elsewhere',
    (_, response) => response.writeHead(307, { location: 'http://127.0.0.1:2' }).end(),
    'fetch failed',
  ],
  ['names a size that is none', replies(409, 'text/x.tlog.size', '-1\n'), 'names a size that is none'],
  ['names the size that it was asked from', replies(409, 'text/x.tlog.size', '0\n'), 'says that it has not'],
  ['hangs', () => {}, `does not answer within ${TIMEOUT_MS} ms`],
  ['hangs up', ({ socket }) => socket.destroy(), 'fetch failed'],
])('a witness that %s keeps no other one from cosigning', async (_, answer, detail) => {
  const alice = await honest();
  const coordinator = asking([await dishonest(answer), alice]);
  expect(await coordinator.cosign(10)).toEqual([alice.key.name]);
  expect(coordinator.reports).toContainEqual(
    expect.objectContaining({ outcome: 'failed', detail: expect.stringContaining(detail) }),
  );
});

test('a witness that names another size each time is given up', async () => {
  let size = 5;
  const mallory = await dishonest((_, response) =>
    response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${size++}\n`),
  );
  const coordinator = asking([mallory]);
  expect(await coordinator.cosign(10)).toEqual([]);
  expect(mallory.asked()).toBe(3);
  expect(coordinator.reports).toMatchObject([
    { outcome: 'failed', detail: 'it names another size each time' },
  ]);
});

test('a witness that is away is left alone, longer each time', async () => {
  const mallory = await dishonest(replies(503, 'text/plain', 'away'));
  const coordinator = asking([mallory]);
  const askedAt: number[] = [];
  for (let second = 0; second < 20; second++) {
    const before = mallory.asked();
    await coordinator.cosign(10);
    if (mallory.asked() > before) askedAt.push(second);
    coordinator.pass({ seconds: 1 });
  }
  expect(askedAt).toEqual([0, 1, 3, 7, 15]);
  expect(coordinator.reports).toHaveLength(1);
});

test('no pause is longer than five minutes', async () => {
  const mallory = await dishonest(replies(503, 'text/plain', 'away'));
  const coordinator = asking([mallory]);
  for (let ask = 0; ask < 20; ask++) {
    await coordinator.cosign(10);
    coordinator.pass({ seconds: 5 * 60 });
  }
  expect(mallory.asked()).toBe(20);
});

test('a witness that comes back cosigns again, which is told', async () => {
  let isAway = true;
  const answer = signs(MALLORYS_KEY.name, 66);
  const mallory = await dishonest((request, response) =>
    isAway ? response.writeHead(503).end() : answer(request, response),
  );
  const coordinator = asking([mallory]);
  await coordinator.cosign(10);
  isAway = false;
  coordinator.pass({ seconds: 1 });
  expect(await coordinator.cosign(12)).toEqual([MALLORYS_KEY.name]);
  expect(coordinator.reports.map(({ outcome, size }) => [outcome, size])).toEqual([
    ['failed', 10],
    ['cosigned', 12],
  ]);
});

test('a port on which nobody listens is no witness', async () => {
  const free = createSocketServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  await new Promise(resolve => free.close(resolve));
  const coordinator = asking([{ url: `http://127.0.0.1:${port}`, key: MALLORYS_KEY }]);
  expect(await coordinator.cosign(10)).toEqual([]);
  expect(coordinator.reports).toMatchObject([
    { outcome: 'failed', detail: expect.stringContaining('ECONNREFUSED') },
  ]);
});

test('a proof that can’t be made is no fault of the witness', async () => {
  const alice = await honest();
  const reports: WitnessReport[] = [];
  const witnesses = createWitnesses({
    witnesses: [alice],
    origin: log.key.name,
    timeoutMs: TIMEOUT_MS,
    now: () => 0,
    report: report => reports.push(report),
  });
  const checkpoint = { note: await log.checkpoint(10), size: 10 };
  await expect(witnesses.cosign(checkpoint, () => Promise.reject(new Error('no store')))).rejects.toThrow(
    'no store',
  );
  expect(reports).toEqual([]);
  expect(await witnesses.cosign(checkpoint, from => log.proof(from, 10))).toHaveLength(1);
});

const VKEY = formatVkey(MALLORYS_KEY);

test.each([
  ['https://witness.example', 'https://witness.example'],
  ['https://witness.example/', 'https://witness.example'],
  ['http://127.0.0.1:8100/some/path/', 'http://127.0.0.1:8100/some/path'],
  ['https://witness.example/a%3Db', 'https://witness.example/a%3Db'],
])('a witness at %s is named with its key', (url, read) => {
  expect(parseWitness(`${url}=${VKEY}`)).toEqual({ url: read, key: MALLORYS_KEY });
});

test('the name of a key may have an = in it', () => {
  const key = verifierKey('a=b', 'cosignature/v1', MALLORY.keyId);
  expect(parseWitness(`https://witness.example=${formatVkey(key)}`)).toEqual({
    url: 'https://witness.example',
    key,
  });
});

test.each([
  ['no key', 'https://witness.example', 'must be URL=VKEY'],
  ['an empty key', 'https://witness.example=', 'must be URL=VKEY'],
  ['no address', `=${VKEY}`, 'must begin with http:// or https://'],
  ['another kind of address', `ftp://witness.example=${VKEY}`, 'must begin with http:// or https://'],
  ['an address with a query', `https://witness.example/?a=${VKEY}`, 'without query'],
  [
    'an address with a password',
    `https://me:secret@witness.example=${VKEY}`,
    'without query, fragment and password',
  ],
  ['a key that is none', 'https://witness.example=nothing', 'must have a verifier key behind the ='],
  ['the key of a log', `https://witness.example=${log.vkey}`, "must have a witness's key"],
  [
    'a witness called none',
    `https://witness.example=${formatVkey(verifierKey('none', 'cosignature/v1', MALLORY.keyId))}`,
    'must not have a witness called none',
  ],
])('%s is refused', (_, text, message) => {
  expect(() => parseWitness(text)).toThrow(message);
});

test.each([
  [
    'of one key',
    `https://other.example=${formatVkey(verifierKey('other', 'cosignature/v1', MALLORY.keyId))}`,
  ],
  [
    'of one name',
    `https://other.example=${formatVkey(verifierKey(MALLORYS_KEY.name, 'cosignature/v1', parseVkey(log.vkey).publicKey))}`,
  ],
])('two witnesses %s are refused', (_, other) => {
  expect(() => parseWitnesses([`https://witness.example=${VKEY}`, other])).toThrow(
    'must not be twice the same',
  );
});
