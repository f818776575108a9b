import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIdentity } from '@aitbc/miner';
import { addressFromLabel, addressFromPublicKey } from '@aitbc/receipts';
import { beforeAll, expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();
const TO = addressFromLabel('the web shop');

let env: { AITBC_API_KEY: string };
beforeAll(async () => {
  env = { AITBC_API_KEY: await coordinator.key('admin') };
});

test('an administrator gives credits to an address, and sees that it has them', async () => {
  const { stdout } = await coordinator.aitbc(['credits', 'grant', TO, '12.5', '--reason', 'Welcome'], {
    env,
  });
  const grant = stdout.match(/^Grant +(grant-\w+)$/m)?.[1];
  expect(stdout).toMatch(new RegExp(`^To +${TO}\\nAmount +12.5\\nReason +Welcome\\n`, 'm'));
  expect((await coordinator.aitbc(['account', TO], { env })).stdout).toMatch(/^Available +12.5$/m);
  const list = await coordinator.aitbc(['credits', 'list', '--limit', '1']);
  expect(list.stdout).toMatch(new RegExp(`^${grant} +${TO} +12.5 +\\d.*Z +Welcome$`, 'm'));
});

test('a grant is JSON for programs, and the same one for the same key', async () => {
  const argv = ['credits', 'grant', TO, '1', '--idempotency-key', 'monday', '--json'];
  const first = await coordinator.aitbc(argv, { env });
  const { inclusion, ...grant } = await coordinator.client.grants.get(JSON.parse(first.stdout).grant_id);
  expect(JSON.parse(first.stdout)).toEqual(grant);
  expect((await coordinator.aitbc(argv, { env })).stdout).toBe(first.stdout);
});

test('without the key of an administrator nothing is given, nor shown', async () => {
  for (const argv of [
    ['credits', 'grant', TO, '1'],
    ['account', TO],
  ]) {
    const { exitCode, stderr } = await coordinator.aitbc(argv);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('AUTH_INSUFFICIENT_SCOPE');
    expect(stderr).toContain('--api-key');
  }
});

test.each([
  [
    'a mistyped address',
    [TO.replace(/.$/, last => (last === 'q' ? 'p' : 'q')), '1'],
    'its checksum is wrong',
  ],
  ['an address in capitals', [TO.toUpperCase(), '1'], 'it has capitals'],
  ['a name', ['alice', '1'], 'it does not begin with ait1'],
  ['a part of an address', [TO.slice(0, -2), '1'], 'it has 40 characters, not 42'],
  ['nothing', [TO, '0'], 'above 0'],
])('%s is a wrong call', async (_, argv, words) => {
  const { exitCode, stdout, stderr } = await coordinator.aitbc(['credits', 'grant', ...argv], { env });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(words);
});

test('an error of the coordinator is shown with its reason', async () => {
  const { exitCode, stderr } = await coordinator.aitbc(['credits', 'grant', TO, '0.0000015'], { env });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('amount must have at most 6 decimals');
});

test('a grant is verified like a receipt: by its id, and offline from a file', async () => {
  const made = await coordinator.aitbc(['credits', 'grant', TO, '3', '--json'], { env });
  const { grant_id } = JSON.parse(made.stdout);
  const bundle = await coordinator.aitbc(['receipt', 'proof', grant_id, '--wait', '20']);
  const published = await coordinator.aitbc(['receipt', 'get', grant_id, '--bundle']);
  expect(await coordinator.aitbc(['receipt', 'verify', grant_id])).toMatchObject({ exitCode: 0 });
  const vkey = await coordinator.client.ledger.vkey();
  const offline = { env: { AITBC_COORDINATOR: 'http://127.0.0.1:2' } };
  for (const [name, text] of Object.entries({
    'grant.tlog-proof': bundle.stdout,
    'grant.json': published.stdout,
  })) {
    const path = join(coordinator.folder, name);
    await writeFile(path, text);
    const { exitCode, stdout } = await coordinator.aitbc(
      ['receipt', 'verify', path, '--vkey', vkey],
      offline,
    );
    expect({ exitCode, inclusion: /^✓ +inclusion/m.test(stdout) }).toEqual({ exitCode: 0, inclusion: true });
  }
  const forged = join(coordinator.folder, 'forged.json');
  await writeFile(forged, published.stdout.replace('"amount": 3', '"amount": 300'));
  const refused = await coordinator.aitbc(['receipt', 'verify', forged, '--vkey', vkey], offline);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain('The grant is not valid: ');
});

test('without an API key the shared account is shown, and this machine’s miner’s', async () => {
  const state = join(coordinator.folder, 'miner');
  const asking = { env: { AITBC_MINER_STATE: state } };
  const before = await coordinator.aitbc(['account'], asking);
  expect(before.stderr).toContain('the account that all callers without a key share');
  expect(before.stdout.match(/^Address/gm)).toHaveLength(1);

  const { signer, minerId } = await loadIdentity({ state });
  const address = addressFromPublicKey(signer.keyId);
  const { client } = coordinator;
  await client.miners.register({ miner_id: minerId, capabilities: ['own'], public_key: signer.keyId });
  const { stdout, stderr } = await coordinator.aitbc(['account'], asking);
  expect(stdout).toMatch(new RegExp(`^Address +${address}\\nBalance +0$`, 'm'));
  expect(stderr).toContain('The miner of this machine');
  const { miner } = JSON.parse((await coordinator.aitbc(['account', '--json'], asking)).stdout);
  expect(miner).toMatchObject({ address, balance: 0 });
  const keyed = await coordinator.aitbc(['account'], { env: { ...asking.env, ...env } });
  expect(keyed.stdout).not.toContain(address);
});
