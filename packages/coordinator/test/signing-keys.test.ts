import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublicKeys, Receipt } from '@aitbc/protocol';
import { verifyReceipt } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('a signing key', engine => {
  const coordinator = withCoordinator(engine);
  const { register, submit, claims, complete } = actions(coordinator);
  const file = () => join(coordinator.running.config.data, 'signing-key.pem');
  const ledgerKey = () => join(coordinator.running.config.data, 'ledger-key.pem');
  const keys = async () => (await coordinator.call<PublicKeys>('GET', '/v1/keys')).body.keys;

  async function earn(): Promise<Receipt> {
    await register('signs');
    const { job_id } = await submit();
    await claims('signs');
    return await complete(job_id, 'signs');
  }

  test('is kept where only the operator reads it', async () => {
    expect((await stat(file())).mode & 0o777).toBe(0o600);
  });

  test('that is replaced is published as retired: its receipts still verify, and it can be taken back', async () => {
    const before = await earn();
    const first = await readFile(file());
    await rename(file(), ledgerKey());
    await coordinator.restart({ seconds: 60 }, { rotateSigningKey: true });
    const replacedAt = new Date(coordinator.now()).toISOString();
    const after = await earn();
    expect(await keys()).toMatchObject([
      { key_id: after.signature.key_id, created_at: replacedAt, retired_at: null },
      { key_id: before.signature.key_id, retired_at: replacedAt },
    ]);
    for (const receipt of [before, after])
      expect((await verifyReceipt(receipt, { keys: await keys() })).valid).toBe(true);

    await writeFile(file(), first, { mode: 0o600 });
    await coordinator.restart({ seconds: 60 }, { rotateSigningKey: true });
    expect((await earn()).signature.key_id).toBe(before.signature.key_id);
    const current = (await keys()).filter(({ retired_at }) => retired_at === null);
    expect(current.map(({ key_id }) => key_id)).toEqual([before.signature.key_id]);
  });

  test('whose file is gone takes the ledger with it, until that file is back as the key of the ledger', async () => {
    const vkey = (await coordinator.call('GET', '/ledger/vkey')).body;
    const first = await readFile(file());
    for (const path of [file(), ledgerKey()]) await rm(path, { force: true });
    const refused = coordinator.restart({ seconds: 0 }, { rotateSigningKey: true });
    await expect(refused).rejects.toThrow(/is signed with another key.* as ledger-key\.pem/);
    await writeFile(ledgerKey(), first, { mode: 0o600 });
    await coordinator.restart({ seconds: 0 }, { rotateSigningKey: true });
    expect((await coordinator.call('GET', '/ledger/vkey')).body).toBe(vkey);
  });

  test('that is not the one of the database is refused at start, and nothing signs with it', async () => {
    const first = await earn();
    const signingKey = join(coordinator.running.config.data, 'other.pem');
    const refused = coordinator.restart({ seconds: 0 }, { signingKey });
    await expect(refused).rejects.toThrow(
      new RegExp(`--signing-key ${signingKey}.* signed with ${first.signature.key_id}.*--rotate-signing-key`),
    );
    await coordinator.restart();
    expect((await earn()).signature.key_id).toBe(first.signature.key_id);
  });

  test('may lie elsewhere than the data', async () => {
    const first = await earn();
    const signingKey = join(coordinator.running.config.data, 'moved.pem');
    await rename(file(), signingKey);
    await coordinator.restart({ seconds: 0 }, { signingKey });
    expect((await earn()).signature.key_id).toBe(first.signature.key_id);
  });
});
