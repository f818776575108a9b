import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIdentity } from '@aitbc/miner';
import { addressFromPublicKey, signAttestation, textHash } from '@aitbc/receipts';
import { beforeAll, expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();

/** The miner of this machine, which is paid at the address of its key. */
let state: string;
let address: string;
let admin: { AITBC_API_KEY: string };

beforeAll(async () => {
  admin = { AITBC_API_KEY: await coordinator.key('admin') };
  state = join(coordinator.folder, 'miner');
  const { signer, minerId: miner_id } = await loadIdentity({ state });
  address = addressFromPublicKey(signer.keyId);
  const { client } = coordinator;
  await client.miners.register({ miner_id, capabilities: ['own'], public_key: signer.keyId });
  const { job_id } = await client.jobs.submit({ model: 'own', prompt: 'Hello' });
  const { salt, model } = await client.jobs.claim(job_id, miner_id);
  const hashes = { prompt_hash: textHash(salt, 'Hello'), artifact_hash: textHash(salt, 'Hello, you!') };
  const signed = { job_id, model, ...hashes };
  const signature = await signAttestation(signed, signer);
  await client.jobs.complete(job_id, { miner_id, result: 'Hello, you!', signature });
});

const create = async (amount: string, ...more: string[]) => {
  const argv = ['payout', 'create', address, amount, '--method', 'SEPA transfer', ...more];
  return await coordinator.aitbc(argv, { env: admin });
};

test('is recorded by an administrator, answered with the miner’s key, and verified by anyone', async () => {
  const { stdout } = await create('0.000002', '--reference', '2026-01/17');
  const id = stdout.match(/^Payout +(payout-\w+)$/m)?.[1] ?? '';
  expect(stdout).toMatch(/^Method +SEPA transfer\nReference +2026-01\/17\nMade .*Z\nStatus +unanswered$/m);
  const disputed = await coordinator.aitbc(['payout', 'dispute', id, '--reason', 'Nothing has arrived'], {
    env: { AITBC_MINER_STATE: state },
  });
  expect(disputed.stdout).toMatch(
    /^Status +disputed\nSince .*Z\nReason +Nothing has arrived\nSigned by +\S+$/m,
  );
  const list = await coordinator.aitbc(['payout', 'list', '--status', 'disputed']);
  expect(list.stdout).toMatch(new RegExp(`^${id} +${address} .* disputed +Nothing has arrived$`, 'm'));
  await coordinator.aitbc(['payout', 'confirm', id], { env: { AITBC_MINER_STATE: state } });

  const shown = JSON.parse((await coordinator.aitbc(['payout', 'show', id, '--json'])).stdout);
  expect(shown).toMatchObject({ status: 'confirmed', payout: { payout_id: id } });
  const vkey = await coordinator.client.ledger.vkey();
  for (const statement of [id, shown.updates[1].update_id]) {
    const proof = await coordinator.aitbc(['receipt', 'proof', statement, '--wait', '20']);
    const path = join(coordinator.folder, `${statement}.tlog-proof`);
    await writeFile(path, proof.stdout);
    const offline = { env: { AITBC_COORDINATOR: 'http://127.0.0.1:2' } };
    const verified = await coordinator.aitbc(['receipt', 'verify', path, '--vkey', vkey], offline);
    expect({ statement, exitCode: verified.exitCode, stderr: verified.stderr }).toEqual({
      ...{ statement, exitCode: 0, stderr: '' },
    });
    const fetched = JSON.parse((await coordinator.aitbc(['receipt', 'get', statement, '--bundle'])).stdout);
    expect(fetched.inclusion).not.toBe(null);
    expect(await coordinator.aitbc(['receipt', 'verify', statement])).toMatchObject({ exitCode: 0 });
  }
  const forged = join(coordinator.folder, 'forged.json');
  await writeFile(forged, JSON.stringify({ ...shown.payout, amount: 1 }));
  const refused = await coordinator.aitbc(['receipt', 'verify', forged, '--vkey', vkey]);
  expect(refused.stderr).toContain('The payout is not valid: ');
});

test('is withdrawn by an administrator, and what was earned and paid stands with the earnings', async () => {
  const before = await coordinator.client.explorer.address(address);
  const made = JSON.parse((await create('0.000003', '--json')).stdout);
  const env = { AITBC_MINER_STATE: state };
  const argv = ['payout', 'withdraw', made.payout.payout_id, '--reason', 'Mistyped'];
  expect((await coordinator.aitbc(argv, { env: admin })).stdout).toMatch(/^Status +withdrawn$/m);
  const { stdout } = await coordinator.aitbc(['earnings'], { env });
  expect(stdout).toContain(
    `\nAccount    ${address}\nEarned     ${before.earned}\nPaid out   ${before.paid}\n`,
  );
  expect(stdout).toMatch(/^Confirmed +0.000002\nOpen +\d/m);
  expect((await coordinator.aitbc(['account', address], { env: admin })).stdout).toMatch(/^Payable +\d/m);
});

test('that is too large, or that nobody can sign, says so', async () => {
  const tooLarge = await create('1000');
  expect([tooLarge.exitCode, tooLarge.stderr]).toEqual([1, expect.stringContaining('can be paid out')]);
  const id = JSON.parse((await create('0.000001', '--json')).stdout).payout.payout_id;
  const elsewhere = { env: { AITBC_MINER_STATE: join(coordinator.folder, 'nothing') } };
  const unsigned = await coordinator.aitbc(['payout', 'confirm', id], elsewhere);
  expect([unsigned.exitCode, unsigned.stderr]).toEqual([1, expect.stringContaining('no key to sign with')]);
  const stranger = await coordinator.aitbc(['payout', 'confirm', id], { env: admin });
  expect([stranger.exitCode, stranger.stderr]).toEqual([1, expect.stringContaining('AUTH_INSUFFICIENT')]);
});

test.each([
  ['without a method', ['create', 'ait1m05xcuv9pfqrzfdxxg2gmqmdwfn4827fzgztyk', '1']],
  ['to a mistyped address', ['create', 'ait1m', '1', '--method', 'cash']],
  ['disputed without a reason', ['dispute', 'payout-1']],
  ['of an unknown status', ['list', '--status', 'paid']],
])('%s is a wrong call', async (_, argv) => {
  expect(await coordinator.aitbc(['payout', ...argv])).toMatchObject({ exitCode: 2, stdout: '' });
});
