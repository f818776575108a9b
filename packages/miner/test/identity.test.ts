import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePublicKey, signAttestation, verifyAttestation } from '@aitbc/receipts';
import { expect, onTestFinished, test } from 'vitest';
import { defaultStateFolder, loadIdentity } from '../src/index.ts';

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-identity-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('the first start creates a key that only its owner can read', async () => {
  const state = join(await temporary(), 'not', 'there', 'yet');
  await loadIdentity({ state });
  expect(await readdir(state)).toEqual(['miner-key.pem']);
  expect((await stat(join(state, 'miner-key.pem'))).mode & 0o777).toBe(0o600);
  expect((await stat(state)).mode & 0o777).toBe(0o700);
});

test('the next start finds the same id and key', async () => {
  const state = await temporary();
  const first = await loadIdentity({ state });
  const second = await loadIdentity({ state });
  expect(second.minerId).toBe(first.minerId);
  expect(second.signer.keyId).toBe(first.signer.keyId);
});

test('concurrent starts use the same key', async () => {
  const folder = await temporary();
  for (let round = 0; round < 100; round++) {
    const state = join(folder, String(round));
    const all = await Promise.all(Array.from({ length: 8 }, () => loadIdentity({ state })));
    expect(new Set(all.map(({ signer }) => signer.keyId)).size).toBe(1);
    expect(await readdir(state)).toEqual(['miner-key.pem']);
  }
});

test('the default id is made from host and key', async () => {
  const host = hostname().split('.')[0]?.toLowerCase();
  const { minerId } = await loadIdentity({ state: await temporary() });
  expect(minerId).toMatch(/^[a-z0-9][a-z0-9-]*-[0-9a-f]{8}$/);
  expect(minerId.startsWith(host?.slice(0, 4) ?? '')).toBe(true);
  expect(await loadIdentity({ state: await temporary(), minerId: 'mine' })).toMatchObject({
    minerId: 'mine',
  });
});

test('signatures of the key verify', async () => {
  const { signer } = await loadIdentity({ state: await temporary() });
  const statement = {
    job_id: 'job-1',
    model: 'llama3.2',
    prompt_hash: 'a'.repeat(64),
    artifact_hash: 'b'.repeat(64),
  };
  expect(decodePublicKey(signer.keyId)).toHaveLength(32);
  expect(await verifyAttestation(statement, await signAttestation(statement, signer))).toBe(true);
});

const { privateKey: rsaKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

test.each([
  ['is broken', '-----BEGIN PRIVATE KEY-----\nMC4CAQ'],
  ['is empty', ''],
  ['holds another kind of key', String(rsaKey.export({ type: 'pkcs8', format: 'pem' }))],
])('an error names a key file that %s, and the file is unchanged', async (_, text) => {
  const state = await temporary();
  const path = join(state, 'miner-key.pem');
  await writeFile(path, text);
  await expect(loadIdentity({ state })).rejects.toThrow(path);
  expect((await stat(path)).size).toBe(text.length);
});

test('state is kept in the platform’s usual folder', () => {
  expect(defaultStateFolder({ HOME: '/home/ada', XDG_STATE_HOME: '/state', LOCALAPPDATA: 'C:\\local' })).toBe(
    { win32: 'C:\\local\\aitbc', darwin: '/home/ada/Library/Application Support/aitbc' }[
      process.platform as string
    ] ?? '/state/aitbc',
  );
});
