import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLog, forged, LOG, type Log, STRANGER, serveLog, WITNESS } from '../../../test/log.ts';
import { receiptBytesOf, receiptEntries } from '../../../test/statements.ts';
import { mineOne, withCoordinator } from './coordinator.ts';
import { aitbc, type Terminal } from './terminal.ts';

let receipts: Uint8Array[] = [];
beforeAll(async () => {
  receipts = await receiptEntries(600);
});

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aitbc-monitor-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const KEPT = 'log.example%2Fledger.checkpoint';

async function withLog(size: number) {
  const server = await serveLog(createLog(receipts.slice(0, size)));
  const monitor = (argv: string[] = [], terminal: Terminal = {}) =>
    aitbc(
      ['ledger', 'monitor', server.ledgerUrl, '--vkey', LOG.vkey, '--checkpoints', folder, ...argv],
      terminal,
    );
  /** Follows the log. After each event the next step runs, and after the last one comes a signal. */
  const follow = async (argv: string[], ...steps: ((event: Event) => unknown)[]) => {
    let send: (signal: NodeJS.Signals) => void = () => {};
    const events: Event[] = [];
    const run = await monitor([...argv, '--json'], {
      signal: given => {
        send = given;
      },
      onOutput: text => {
        const event = JSON.parse(text);
        const step = steps[events.push(event) - 1];
        if (step) step(event);
        else send('SIGINT');
      },
    });
    return { ...run, events };
  };
  return { ...server, monitor, follow, grow: (to: number) => grow(server.served.log, to) };
}

type Event = Record<string, unknown>;

function grow(log: Log, to: number) {
  log.append(receipts.slice(log.size, to));
}

const seen = (size: number, from: number, more: object = {}) => ({
  ...{ event: 'checkpoint', from, receipts: size - from, total: 0 },
  ...more,
  ledger: expect.objectContaining({ tree_size: size }),
});

test('each new checkpoint is reported with its new entries, until a signal', async () => {
  const { follow, grow, asked } = await withLog(250);
  const { exitCode, events, stderr } = await follow(
    [],
    () => grow(257),
    () => grow(600),
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(events).toMatchObject([seen(250, 250), seen(257, 250), seen(600, 257)]);
  expect(asked.filter(path => path.startsWith('tile/entries/000'))).toEqual(['tile/entries/000']);
});

test('it continues from the saved checkpoint', async () => {
  const { monitor, grow, served } = await withLog(5);
  const first = await monitor(['--once']);
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).toMatch(
    /^\d\d:\d\d:\d\d {2}✓ 5 entries, 0 checked: 0 receipts, 0 grants, root \S+=$/m,
  );
  grow(8);
  const { exitCode, stdout } = await monitor(['--once']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^\S+ {2}✓ 8 entries, 3 checked: 3 receipts, 0 grants, root \S+=$/m);
  expect(await readFile(join(folder, KEPT), 'utf8')).toBe(await served.log.checkpoint());
});

test('a fork is reported at once, and the evidence is kept', async () => {
  const { follow, served } = await withLog(300);
  const before = await served.log.checkpoint();
  const other = createLog(receipts.slice(0, 300).with(17, await receiptBytesOf(17, { units: 5 })));
  const { exitCode, events, stderr } = await follow([], () => {
    served.log = other;
  });
  const evidence = join(folder, 'fork-log.example%2Fledger-300-300.txt');
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining(`in ${evidence}`) });
  expect(events.at(-1)).toMatchObject({ event: 'breach', code: 'FORKED', evidence });
  expect(await readFile(evidence, 'utf8')).toBe(`${before}\n${await other.checkpoint()}`);
  expect(await readFile(join(folder, KEPT), 'utf8')).toBe(before);
});

test.each<[string, (log: Log) => Log, string, string]>([
  ['rolls back', () => createLog(receipts.slice(0, 299)), 'ROLLED_BACK', 'rollback'],
  ['grows on another past', () => createLog(receipts.slice(1, 400)), 'FORKED', 'fork'],
])('a ledger that %s is reported at once', async (_, change, code, evidence) => {
  const { monitor, served } = await withLog(300);
  await monitor(['--once']);
  served.log = change(served.log);
  const { exitCode, stdout } = await monitor();
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(new RegExp(`^\\S+ {2}✗ ${code}: `, 'm'));
  expect(await readdir(folder)).toEqual(
    expect.arrayContaining([expect.stringMatching(`^${evidence}-`), KEPT]),
  );
});

test.each<[string, (server: Awaited<ReturnType<typeof withLog>>) => unknown, object]>([
  [
    'a forged entry',
    ({ lies }) =>
      lies.set(
        'tile/entries/001.p/144',
        createLog(receipts.slice(1, 401)).content('tile/entries/001.p/144') ?? '',
      ),
    { code: 'ENTRIES_INVALID', path: 'tile/entries/001.p/144' },
  ],
  [
    'a forged tile',
    ({ lies, served }) => lies.set('tile/0/001.p/144', forged(served.log.content('tile/0/001.p/144'))),
    { code: 'TILE_INVALID', path: 'tile/0/001.p/144, tile/1/000.p/1' },
  ],
  [
    'a checkpoint by another key',
    async ({ lies, served }) => lies.set('checkpoint', await served.log.checkpoint({ by: [STRANGER] })),
    { code: 'CHECKPOINT_INVALID', detail: 'No known key has signed' },
  ],
])('%s is reported once, not accepted, and checked again', async (_, forge, fault) => {
  const server = await withLog(300);
  await server.monitor(['--once']);
  server.grow(400);
  await forge(server);
  const { exitCode, events, stderr } = await server.follow([], () => server.lies.clear());
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('does not verify'),
  });
  expect(events[0]?.faults).toMatchObject([fault, ...((events[0]?.faults ?? []) as object[]).slice(1)]);
  expect(events.at(-1)).toMatchObject(seen(400, 300));
});

test('an invalid new receipt is reported once, and later entries are checked', async () => {
  const { follow, served, grow } = await withLog(3);
  const { exitCode, events } = await follow(
    [],
    () => served.log.append([Buffer.from('{"price":1}')]),
    () => grow(6),
  );
  expect(exitCode).toBe(1);
  expect(events).toMatchObject([
    seen(3, 3),
    seen(4, 3, { receipts: 0, total: 1, faults: [{ code: 'STATEMENT_INVALID', index: 3 }] }),
    seen(6, 4),
  ]);
});

test('missing witnesses are reported until they have cosigned', async () => {
  const { follow, lies, served } = await withLog(3);
  const cosigned = await served.log.checkpoint({ by: [LOG, WITNESS] });
  const { events } = await follow(['--witness', WITNESS.vkey], () => lies.set('checkpoint', cosigned));
  expect(events).toMatchObject([
    {
      total: 1,
      faults: [{ code: 'CHECKPOINT_INVALID', detail: expect.stringContaining('witnesses: No witness') }],
    },
    { total: 0, ledger: { tree_size: 3, witnesses: [{ name: 'witness.example' }] } },
  ]);
});

test('a ledger that does not answer is asked less and less often, and then followed again', async () => {
  const { follow, lies, grow } = await withLog(3);
  const { exitCode, events } = await follow(
    ['--interval', '600'],
    () => lies.set('checkpoint', response => response.destroy()),
    () => {},
    () => {
      lies.clear();
      grow(5);
    },
  );
  expect(exitCode).toBe(0);
  expect(events).toMatchObject([
    seen(3, 3),
    { event: 'unreachable', retry_seconds: 600, detail: expect.stringContaining('No answer') },
    { event: 'unreachable', retry_seconds: 900 },
    seen(5, 3),
  ]);
});

test('--once does not wait for a ledger that does not answer', async () => {
  const { monitor, lies } = await withLog(3);
  lies.set('checkpoint', response => response.destroy());
  const { exitCode, stderr } = await monitor(['--once']);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('No answer') });
});

const coordinator = withCoordinator();

test('the ledger of a coordinator is followed as it grows', async () => {
  const { client } = coordinator;
  const complete = async () => {
    await client.jobs.submit({ prompt: 'p', model: 'followed' });
    const { receipt_id } = await mineOne(client, 'followed');
    await client.receipts.waitForProof(receipt_id, { timeout: 20_000 });
  };
  await complete();
  const monitor = () => coordinator.aitbc(['ledger', 'monitor', '--once', '--checkpoints', folder]);
  expect((await monitor()).stdout).toContain('✓ 1 entry, 0 checked');
  await complete();
  const { exitCode, stdout } = await monitor();
  expect(exitCode).toBe(0);
  expect(stdout).toContain('✓ 2 entries, 1 checked: 1 receipt, 0 grants');
});
