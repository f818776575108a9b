import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningCoordinator, startCoordinator } from '@aitbc/coordinator';
import type { Restore } from '@aitbc/protocol';
import { CoordinatorClient } from '@aitbc/sdk';
import { parseVkey } from '@aitbc/tlog';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { violations } from '../../coordinator/test/invariants/violations.ts';
import { runWitness } from '../../witness/test/witnesses.ts';
import { mineOne } from './coordinator.ts';
import { aitbc } from './terminal.ts';

let folder = '';
beforeEach(async context => {
  const made = await mkdtemp(join(tmpdir(), 'aitbc-restore-'));
  folder = made;
  // This must run after the coordinators have closed, which they do when the test ends.
  context.onTestFinished(() => rm(made, { recursive: true, force: true }));
});
const path = (name: string) => join(folder, name);

interface Served {
  running: RunningCoordinator;
  client: CoordinatorClient;
  /** Runs this many jobs, which become ledger entries, and publishes them. */
  earn(jobs: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a coordinator on a data folder. It publishes when the test says so. */
async function serve(data: string, { witness = [] as string[], port = 0 } = {}): Promise<Served> {
  const options = { port, data: path(data), witness, logLevel: 'silent', ledgerInterval: 3600 } as const;
  const webhookAllow = ['127.0.0.1'];
  const running = await startCoordinator({ ...options, webhookAllow, witnessTimeoutSeconds: 30 });
  const client = new CoordinatorClient(running.url);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= running.close();
    return closing;
  };
  onTestFinished(close);
  return {
    running,
    client,
    close,
    async earn(jobs) {
      for (let job = 0; job < jobs; job++) {
        await client.jobs.submit({ prompt: 'What is 6 times 7?', model: 'm' });
        await mineOne(client, 'm', '42');
      }
      await running.publish();
    },
  };
}

const backup = () => aitbc(['backup', path('backup'), '--data', path('data')]);
const restore = (...flags: string[]) =>
  aitbc(['restore', path('backup'), '--data', path('restored'), '--json', ...flags]);

async function vkeyOf({ client }: Served): Promise<string> {
  return await client.ledger.vkey();
}

const balancesOf = async ({ running }: Served) =>
  await running.modules.store.read
    .selectFrom('account')
    .select(['address', 'balance'])
    .orderBy('address')
    .execute();

test('serve does not start on a backup, and names the command to restore it', async () => {
  const before = await serve('data');
  await before.earn(1);
  await backup();
  await mkdir(path('copy'));
  await copyFile(path('backup/coordinator.db'), path('copy/coordinator.db'));
  for (const data of ['backup', 'copy']) {
    const run = await aitbc(['serve', '--port', '0', '--data', path(data)]);
    expect(run).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`\`aitbc restore ${path(data)} --data DIR\``),
    });
  }
  // The backup itself is unchanged.
  expect(await readFile(path('backup/coordinator.db'))).toEqual(await readFile(path('copy/coordinator.db')));
  expect(await readdir(path('copy'))).toEqual(['coordinator.db']);
});

test('what webhooks are yet to be told in a backup is said, since it may have been told meanwhile', async () => {
  const before = await serve('data');
  const { client } = before;
  // Nobody listens there.
  await client.webhooks.create({ url: 'http://127.0.0.1:9/', events: ['job.completed'] });
  await before.earn(1);
  await backup();
  await before.close();
  const { stderr } = await aitbc(['restore', path('backup'), '--data', path('restored')]);
  expect(stderr).toContain('It has 1 webhook delivery to make.');
});

test('a ledger continues when the surviving file shows that nothing was signed since', async () => {
  const before = await serve('data');
  await before.earn(2);
  await backup();
  const vkey = await vkeyOf(before);
  await before.close();
  const { exitCode, stdout } = await restore('--ledger-checkpoint', path('data/ledger-checkpoint'));
  expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { ledger: 'continued', entries: 2, vkey }]);
  const after = await serve('restored');
  await after.earn(1);
  const argv = ['ledger', 'verify', `${after.running.url}/ledger`, '--vkey', vkey];
  expect((await aitbc(argv)).exitCode).toBe(0);
});

test('a restore that lacks signed entries begins a new ledger, which a monitor and a witness notice', {
  timeout: 120_000,
}, async () => {
  const first = await serve('data');
  const { port } = new URL(first.running.url);
  const witnessed = await runWitness({ logs: [], logsFrom: [`${first.running.url}/ledger`] });
  await first.close();
  const witness = [`${witnessed.url}=${witnessed.vkey}`];
  const before = await serve('data', { witness, port: Number(port) });
  const url = `${before.running.url}/ledger`;
  const vkey = await vkeyOf(before);
  const watch = (...flags: string[]) =>
    aitbc(['ledger', 'monitor', url, '--vkey', vkey, '--checkpoints', path('kept'), '--once', ...flags]);

  await before.earn(3);
  await backup();
  const balances = await balancesOf(before);
  await before.earn(2);
  expect((await watch()).exitCode).toBe(0);
  await before.close();

  // Only the backup and the witness's state survive.
  const { exitCode, stdout } = await restore('--witness', witness[0] ?? '');
  const restored = JSON.parse(stdout) as { ledger: string; vkey: string; restore: Restore };
  expect([exitCode, restored]).toMatchObject([
    0,
    { ledger: 'new', restore: { previous: { tree_size: 3 }, newest: { tree_size: 5 } } },
  ]);
  const after = await serve('restored', { witness, port: Number(port) });
  await after.running.publish();
  expect(await balancesOf(after)).toEqual(balances);
  expect(await violations(after.running.modules.store.read)).toEqual([]);
  await after.earn(2);

  // A user who checks the ledger by its key is told what was cut, and continues with the new one.
  const watched = await watch('--json');
  const events = watched.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  expect(watched.exitCode).toBe(1);
  expect(events).toMatchObject([
    {
      event: 'restored',
      vkey: restored.vkey,
      detail: expect.stringContaining('2 entries from 3 on are cut'),
    },
    {
      event: 'checkpoint',
      total: 0,
      from: 0,
      receipts: 2,
      others: { restore: 1, opening: restored.restore.accounts },
    },
  ]);
  expect(await aitbc(['ledger', 'verify', url, '--vkey', vkey])).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/✗ {2}restore .* is a new ledger: .*--vkey '.*\/restored-/),
  });
  const verify = ['ledger', 'verify', url, '--vkey', restored.vkey, '--checkpoints', path('kept')];
  expect(await aitbc(verify)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining(
      `1 restore, ${restored.restore.accounts} opening${restored.restore.accounts === 1 ? '' : 's'}`,
    ),
  });

  // The witness rejected only the ledger that it did not know yet, and cosigns once it does.
  expect(witnessed.events).not.toContainEqual(expect.objectContaining({ code: 'FORK' }));
  await after.close();
  await witnessed.close();
  const logs = [vkey, restored.vkey].map(parseVkey);
  const second = await runWitness({ data: witnessed.data, logs });
  const again = await serve('restored', {
    witness: [`${second.url}=${second.vkey}`],
    port: Number(port),
  });
  await again.earn(1);
  expect((await aitbc([...verify, '--witness', second.vkey])).stdout).toContain(
    'cosigned by witness.example/alice',
  );
  // Earlier receipts still exist, but in no published ledger.
  const receipts = await Array.fromAsync(again.client.receipts.list({ limit: 3 }));
  expect(receipts).toHaveLength(3 + 2 + 1);
  const [oldest] = receipts.slice(-1);
  expect(await again.client.receipts.get(oldest?.receipt_id ?? '')).toMatchObject({ inclusion: null });
});

test('without a known last checkpoint a new ledger begins', async () => {
  const before = await serve('data');
  await before.earn(1);
  await backup();
  await before.close();
  const { stdout } = await restore();
  expect(JSON.parse(stdout)).toMatchObject({ ledger: 'new', shown: [] });
  const human = await aitbc(['restore', path('backup'), '--data', path('again')]);
  expect(human.stderr).toContain('The newest checkpoint is unknown');
  // Two restores of one backup are two ledgers.
  const [one, two] = [await serve('restored'), await serve('again')];
  expect(await vkeyOf(one)).not.toBe(await vkeyOf(two));
});

test('a ledger can be restored again, and names its predecessor', async () => {
  const before = await serve('data');
  await before.earn(1);
  await backup();
  const origin = (await vkeyOf(before)).split('+')[0];
  await before.close();
  const once = JSON.parse((await restore()).stdout);
  const between = await serve('restored');
  await between.earn(1);
  await between.close();
  // The data folder is copied by other means, without this file.
  await rm(path('restored/ledger-checkpoint'));
  const refused = await aitbc(['serve', '--port', '0', '--data', path('restored')]);
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('`aitbc restore`') });
  const twice = JSON.parse((await aitbc(['restore', '--data', path('restored'), '--json'])).stdout);
  expect(twice.restore.previous.origin).toBe(once.restore.ledger);
  expect(twice.restore.ledger).toMatch(new RegExp(`^${origin}/restored-\\d{8}-[0-9a-f]{6}$`));
  const after = await serve('restored');
  await after.earn(1);
  expect(await violations(after.running.modules.store.read)).toEqual([]);
});
