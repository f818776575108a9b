import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  createLog,
  forged,
  LOG,
  LOG_COSIGNER,
  type Log,
  ORIGIN,
  STRANGER,
  serveLog,
  someEntries,
  WITNESS,
} from '../../../test/log.ts';
import { COORDINATOR, nodeSigner, receiptBytesOf, receiptEntries } from '../../../test/statements.ts';
import { mineOne, withCoordinator } from './coordinator.ts';
import { aitbc, type Terminal } from './terminal.ts';

const SIZE = 257;
let receipts: Uint8Array[] = [];
/** The same log except for entry 17, which the coordinator has signed too. */
let otherLog: Log;
beforeAll(async () => {
  receipts = await receiptEntries(SIZE);
  otherLog = createLog(receipts.with(17, await receiptBytesOf(17, { units: 5 })));
});

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aitbc-ledger-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Serves a log with this many receipts, and returns the command that verifies it. */
async function withLog(size = SIZE) {
  const server = await serveLog(createLog(receipts.slice(0, size)));
  const verify = (argv: string[] = [], terminal: Terminal = {}) =>
    aitbc(['ledger', 'verify', server.ledgerUrl, '--vkey', LOG.vkey, ...argv], terminal);
  const kept = (argv: string[] = []) => verify(['--checkpoints', folder, ...argv]);
  /** Serves these paths from another log. */
  const lie = (log: Log, ...paths: string[]) => {
    for (const path of paths) server.lies.set(path, log.content(path) ?? '');
  };
  return { ...server, verify, kept, lie };
}

test.each([0, 1, 255, 256, 257])('a ledger of %i receipts verifies', async size => {
  const { verify } = await withLog(size);
  const { exitCode, stdout, bars } = await verify([], { isTTY: true });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    new RegExp(`^✓ +checkpoint +${ORIGIN} \\([0-9a-f]{8}\\) signed the tree of ${size}$`, 'm'),
  );
  expect(stdout).toMatch(/^✓ +witnesses +none is demanded$/m);
  expect(stdout).toMatch(/^· +history +not compared: --checkpoints FOLDER keeps/m);
  expect(stdout).toMatch(/^✓ +tiles +each hashes to its entry in the tile above/m);
  expect(stdout).toMatch(new RegExp(`^✓ +entries +${size} entr(y|ies), as signed$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^✓ +statements +${size} receipts? and 0 grants: each adds up`, 'm'));
  expect(bars).toEqual([{ label: 'Verifying', done: size, total: size }]);
});

test('another log is verified without checking its entries', async () => {
  const server = await serveLog(createLog(someEntries(300)));
  const argv = ['ledger', 'verify', `${server.url}/`, '--vkey', LOG.vkey];
  expect(await aitbc(argv)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('verify: statements'),
  });
  const { exitCode, stdout } = await aitbc([...argv, '--no-statements']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^· +statements +not checked/m);
});

test('a saved checkpoint is compared with the next one', async () => {
  const { served, kept } = await withLog(200);
  expect((await kept()).stdout).toMatch(/^· +history +no earlier checkpoint/m);
  served.log.append(receipts.slice(200));
  const { exitCode, stdout, stderr } = await kept();
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^✓ +history +it begins with the trees signed before: 1 saved checkpoint$/m);
  const file = join(folder, 'log.example%2Fledger.checkpoint');
  expect(stderr).toContain(`kept in ${file}`);
  expect(await readFile(file, 'utf8')).toBe(await served.log.checkpoint());
});

test('--json has the whole result', async () => {
  const { kept, ledgerUrl } = await withLog();
  const { stdout } = await kept(['--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    valid: true,
    url: ledgerUrl,
    ledger: { origin: ORIGIN, tree_size: SIZE, root_hash: expect.stringMatching(/=$/), witnesses: [] },
    ...{ receipts: SIZE, grants: 0, faults: [], compared: [] },
    kept: expect.stringContaining(folder),
    evidence: null,
  });
});

type Server = Awaited<ReturnType<typeof withLog>>;
const BUNDLE = 'tile/entries/000';
const TILE = 'tile/0/000';
const ABOVE = 'tile/1/000.p/1';

test.each<[string, (server: Server) => unknown, string, RegExp]>([
  [
    'a forged entry',
    ({ lie }) => lie(otherLog, BUNDLE),
    'entries',
    /^✗ +entries +Entry 17, in tile\/entries\/000, is not the entry that was signed$/m,
  ],
  [
    'a forged tile',
    ({ lies, served }) => lies.set(TILE, forged(served.log.content(TILE))),
    'tiles',
    /^✗ +tiles +tile\/0\/000 has other hashes than the signed tree of 257 entries$/m,
  ],
  [
    'a forged entry whose tile fits it',
    ({ lie }) => lie(otherLog, BUNDLE, TILE),
    'tiles, entries',
    /^✗ +entries +tile\/entries\/000 has other entries than the signed tree of 257 entries$/m,
  ],
  [
    'a forged entry whose tiles all fit it',
    ({ lie }) => lie(otherLog, BUNDLE, TILE, ABOVE),
    'tiles, entries',
    /^✗ +entries +The entries hash to another root/m,
  ],
  [
    'an entry that is withheld',
    ({ lies }) => lies.set(BUNDLE, response => response.writeHead(404).end()),
    'entries',
    /^✗ +entries +tile\/entries\/000 is missing/m,
  ],
  [
    'a checkpoint by another key',
    async ({ lies, served }) => lies.set('checkpoint', await served.log.checkpoint({ by: [STRANGER] })),
    'checkpoint, witnesses',
    /^✗ +checkpoint +No known key has signed$/m,
  ],
  [
    "another log's checkpoint",
    async ({ lies }) => lies.set('checkpoint', await otherLog.checkpoint({ origin: 'other.example' })),
    'checkpoint, witnesses',
    /^✗ +checkpoint +The origin is "other.example", not "log.example\/ledger"$/m,
  ],
  [
    'a checkpoint of other entries',
    async ({ lies }) => lies.set('checkpoint', await otherLog.checkpoint()),
    'tiles, entries',
    /^✗ +tiles +\S+, tile\/1\/000.p\/1: they do not lead to the signed root of 257 entries$/m,
  ],
])('%s is detected', async (_, forge, failed, line) => {
  const server = await withLog();
  await forge(server);
  const { exitCode, stdout, stderr } = await server.kept();
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`aitbc: The ledger does not verify: ${failed}\n`),
  });
  expect(stdout).toMatch(line);
  expect(await readdir(folder)).toEqual([]);
});

test.each<[string, (server: Server) => unknown, RegExp, string]>([
  [
    'rolled back',
    async ({ served }) => {
      served.log = createLog(receipts.slice(0, 200));
    },
    /^✗ +history +The log has 200 entries, but had 257 before \(\S+\.checkpoint\)$/m,
    'rollback-log.example%2Fledger-257-200.txt',
  ],
  [
    'forked, with all its tiles as they are signed',
    ({ served }) => {
      served.log = otherLog;
    },
    /^✗ +history +The log had another tree of 257 entries before/m,
    'fork-log.example%2Fledger-257-257.txt',
  ],
  [
    'forked, and grown since',
    async ({ served }) => {
      served.log = createLog([...otherLog.entries, ...(await receiptEntries(2, SIZE))]);
    },
    /^✗ +history +The log of 259 entries does not begin with the 257 entries that it had before/m,
    'fork-log.example%2Fledger-257-259.txt',
  ],
])('a ledger that was %s is detected, and the evidence is kept', async (_, change, line, evidence) => {
  const server = await withLog();
  await server.kept();
  const before = await server.served.log.checkpoint();
  await change(server);
  const { exitCode, stdout, stderr } = await server.kept();
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(line);
  expect(stdout.match(/✗/g)).toHaveLength(1);
  expect(stderr).toContain(`are in ${join(folder, evidence)}: publish them`);
  expect(await readFile(join(folder, evidence), 'utf8')).toBe(
    `${before}\n${await server.served.log.checkpoint()}`,
  );
  expect(await readFile(join(folder, 'log.example%2Fledger.checkpoint'), 'utf8')).toBe(before);
});

test('a checkpoint from somebody else is compared, whatever its file’s name', async () => {
  const { kept } = await withLog();
  await writeFile(join(folder, 'from-alice.checkpoint'), await otherLog.checkpoint());
  await writeFile(
    join(folder, 'elsewhere.checkpoint'),
    await otherLog.checkpoint({ origin: 'other.example' }),
  );
  const { exitCode, stdout } = await kept();
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^✗ +history +The log had .*from-alice\.checkpoint\)$/m);
});

test('a single file is compared and replaced', async () => {
  const { verify, served } = await withLog(200);
  const file = join(folder, 'new', 'last.txt');
  await verify(['--checkpoints', file]);
  served.log.append(receipts.slice(200));
  const { stdout } = await verify(['--checkpoints', file]);
  expect(stdout).toMatch(/^✓ +history +it begins/m);
  expect(await readFile(file, 'utf8')).toBe(await served.log.checkpoint());
});

test.each<[string, () => Promise<string>, string]>([
  ['is none', async () => 'nothing', 'is not a checkpoint'],
  [
    'a stranger has signed',
    () => otherLog.checkpoint({ by: [STRANGER] }),
    'is not a checkpoint of this ledger: No known',
  ],
])('the error names a saved checkpoint that %s', async (_, make, reason) => {
  const { kept } = await withLog(3);
  await writeFile(join(folder, 'a.checkpoint'), await make());
  const { exitCode, stderr } = await kept();
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringContaining(`a.checkpoint ${reason}`),
  });
});

test('receipts are checked with the given keys', async () => {
  const { verify } = await withLog(20);
  const own = await verify(['--key', COORDINATOR.keyId]);
  expect(own.stdout).toMatch(/^✓ +statements +20 receipts .* signed by a key that you trust$/m);
  const { exitCode, stdout } = await verify(['--key', nodeSigner(7).keyId]);
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^✗ +statements +Entry 0, in \S+, is not a valid statement: key: \S+ is not among/m);
  expect(stdout).toMatch(/^✗ +statements +and 15 more$/m);
});

test('named witnesses must have cosigned', async () => {
  const { verify, lies, served } = await withLog(3);
  const argv = ['--witness', WITNESS.vkey];
  expect((await verify(argv)).stdout).toMatch(/^✗ +witnesses +No witness signed/m);
  lies.set('checkpoint', await served.log.checkpoint({ by: [LOG, LOG_COSIGNER, WITNESS] }));
  const { exitCode, stdout } = await verify(argv);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^✓ +witnesses +the quorum is met: cosigned by witness.example \(2025-/m);
});

test.each([
  ['no URL', ['ledger', 'verify', 'log.example/ledger'], 'not the address of a ledger'],
  ['a log whose key nobody has told', ['ledger', 'verify', 'http://127.0.0.1:2/log'], 'is needed: --vkey'],
])('%s is a wrong call', async (_, argv, reason) => {
  expect(await aitbc(argv)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(reason) });
});

test('a ledger that does not answer is an error', async () => {
  const { exitCode, stderr } = await aitbc([
    'ledger',
    'verify',
    'http://127.0.0.1:2/ledger',
    '--vkey',
    LOG.vkey,
  ]);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringContaining('No answer from http://127.0.0.1:2'),
  });
});

test('an interrupted verification says that there is no result', async () => {
  const { verify } = await withLog(3);
  const { exitCode, stdout, stderr } = await verify([], { interrupt: pressed => pressed() });
  expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
  expect(stderr).toContain('there is no result');
});

const coordinator = withCoordinator();

test('the whole ledger of a coordinator verifies, with its own key or saved ones', async () => {
  const { client } = coordinator;
  await client.jobs.submitBatch(Array.from({ length: 3 }, () => ({ prompt: 'p', model: 'whole' })));
  for (let job = 0; job < 3; job++) await mineOne(client, 'whole');
  const { items } = await client.receipts.list({ limit: 1 }).page();
  await client.receipts.waitForProof(items[0]?.receipt_id ?? '', { timeout: 20_000 });
  const own = await coordinator.aitbc(['ledger', 'verify']);
  expect(own).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining("use the same key next time: --vkey '"),
  });
  expect(own.stdout).toMatch(/^✓ +statements +3 receipts and 0 grants/m);
  const keys = (await client.signingKeys.list()).flatMap(({ key_id }) => ['--key', key_id]);
  const argv = [`${coordinator.url}/ledger/`, '--vkey', await client.ledger.vkey(), ...keys];
  expect(await aitbc(['ledger', 'verify', ...argv])).toMatchObject({ exitCode: 0, stderr: '' });
});

test('the address of a coordinator leads to its ledger', async () => {
  const own = await aitbc(['ledger', 'verify', coordinator.url]);
  expect(own).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining("use the same key next time: --vkey '"),
  });
});
