import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSigner, signReceipt } from '@aitbc/receipts';
import type { PublishedReceipt, Receipt } from '@aitbc/sdk';
import { formatTlogProof, parseTlogProof } from '@aitbc/tlog';
import { beforeAll, expect, test } from 'vitest';
import { LOG_COSIGNER, party, WITNESS } from '../../../test/log.ts';
import { mineOne, withCoordinator } from './coordinator.ts';
import { aitbc, type Terminal } from './terminal.ts';

const coordinator = withCoordinator();
const NOWHERE: Terminal = { env: { AITBC_COORDINATOR: 'http://127.0.0.1:2' } };
let receipt: Receipt;
let vkey = '';
/** Saved files. */
const saved = { bundle: '', published: '', plain: '', keys: '' };

beforeAll(async () => {
  const { client } = coordinator;
  await client.jobs.submit({ prompt: 'Hello!', model: 'ledger' });
  receipt = await mineOne(client, 'ledger');
  vkey = await client.ledger.vkey();
  const proof = await coordinator.aitbc(['receipt', 'proof', receipt.job_id, '--wait', '20']);
  const published = await coordinator.aitbc(['receipt', 'get', receipt.receipt_id, '--bundle']);
  saved.bundle = await save('receipt.tlog-proof', proof.stdout);
  saved.published = await save('published.json', published.stdout);
  saved.plain = await save('receipt.json', JSON.stringify(receipt));
  saved.keys = await save('keys.json', JSON.stringify({ keys: await client.signingKeys.list() }));
});

async function save(name: string, text: string): Promise<string> {
  const path = join(coordinator.folder, name);
  await writeFile(path, text);
  return path;
}

const verify = (argv: string[], terminal = NOWHERE) => aitbc(['receipt', 'verify', ...argv], terminal);
/** Returns what a check found: whether it passed, and its words. */
async function found(name: string, run: ReturnType<typeof verify>) {
  const { checks } = JSON.parse((await run).stdout);
  return checks.find((check: { name: string }) => check.name === name);
}

test.each([
  ['a .tlog-proof file', () => [saved.bundle]],
  ['a published receipt', () => [saved.published]],
  ['a receipt with the proof beside it', () => [saved.plain, '--proof', saved.bundle]],
])('%s is checked offline by the key of the ledger alone', async (_, files) => {
  const { exitCode, stdout, stderr } = await verify([...files(), '--vkey', vkey]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^✓ +key +\S+ is the key that the receipt names, and the receipt is in the ledger/m);
  expect(stdout).toMatch(/^✓ +inclusion +it is entry 0 of 1$/m);
  expect(stdout).toMatch(/^✓ +checkpoint +\S+ \([0-9a-f]{8}\) signed the tree of 1$/m);
  expect(stdout).toMatch(/^✓ +witnesses +none is demanded$/m);
});

test('a bundle from the standard input is checked', async () => {
  const { stdout: proof } = await coordinator.aitbc(['receipt', 'proof', receipt.receipt_id]);
  expect(await verify(['-', '--vkey', vkey], { ...NOWHERE, stdin: proof })).toMatchObject({ exitCode: 0 });
});

test('with keys too, the receipt is checked with those', async () => {
  const argv = [saved.bundle, '--vkey', vkey];
  expect(await verify([...argv, '--keys', saved.keys])).toMatchObject({ exitCode: 0 });
  const other = await verify([...argv, '--key', generateSigner().keyId]);
  expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('not valid: key\n') });
});

test('with keys alone the ledger is not checked, and the output says so', async () => {
  const { exitCode, stdout } = await verify([saved.bundle, '--keys', saved.keys]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^· +inclusion +not checked without the ledger's key/m);
});

test('without any key the coordinator is asked, and the output says what that is worth', async () => {
  const { exitCode, stdout, stderr } = await coordinator.aitbc(['receipt', 'verify', receipt.receipt_id]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^✓ +inclusion +it is entry 0 of 1$/m);
  expect(stderr).toContain('keys are those that the coordinator itself publishes');
});

test('a file without a proof is completed by the coordinator', async () => {
  const { exitCode, stdout } = await coordinator.aitbc(['receipt', 'verify', saved.plain, '--vkey', vkey]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^✓ +inclusion +it is entry 0 of 1$/m);
});

test('a file without a proof and without a coordinator fails with advice to use --proof', async () => {
  const { exitCode, stderr } = await verify([saved.plain, '--vkey', vkey]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('--proof FILE') });
});

test('--json has the place in the ledger', async () => {
  const { stdout } = await verify([saved.bundle, '--vkey', vkey, '--json']);
  const { valid, ledger } = JSON.parse(stdout);
  expect(valid).toBe(true);
  expect(ledger).toEqual({ origin: vkey.split('+')[0], index: 0, tree_size: 1, witnesses: [] });
});

test("another ledger's key is not enough", async () => {
  const argv = [saved.bundle, '--vkey', party('other.example', 'Ed25519', 7).vkey];
  const { exitCode, stderr } = await verify(argv);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('not valid: key, inclusion, checkpoint, witnesses'),
  });
  expect(await found('checkpoint', verify([...argv, '--json']))).toMatchObject({
    detail: 'No known key has signed',
  });
});

test('a witness that has not cosigned fails the check', async () => {
  const argv = [saved.bundle, '--vkey', vkey, '--witness', WITNESS.vkey];
  expect(await verify(argv)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('not valid: key, witnesses'),
  });
  expect(await found('witnesses', verify([...argv, '--json']))).toMatchObject({
    ok: false,
    detail: expect.stringContaining('No witness signed'),
  });
});

async function readBundle() {
  return (await coordinator.aitbc(['receipt', 'proof', receipt.receipt_id])).stdout;
}

test('a receipt with another price is not the one that the ledger has', async () => {
  const path = await save('dearer.json', JSON.stringify({ ...receipt, price: 1 }));
  const { exitCode, stderr } = await verify([path, '--proof', saved.bundle, '--vkey', vkey]);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('not valid: key, signature, arithmetic, inclusion'),
  });
});

test('the ledger does not vouch for a receipt that a stranger signed', async () => {
  const path = await save('stranger.json', JSON.stringify(await signReceipt(receipt, generateSigner())));
  const argv = [path, '--proof', saved.bundle, '--vkey', vkey];
  expect(await verify(argv)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('key, inclusion'),
  });
  expect(await found('key', verify([...argv, '--json']))).toMatchObject({
    detail: expect.stringContaining('is not proven to be in the ledger'),
  });
});

test('another receipt in a bundle is not the one that the ledger has', async () => {
  const { extra, ...proof } = parseTlogProof(await readBundle());
  const text = Buffer.from(extra ?? [])
    .toString()
    .replace('"unit_type":"gpu_second"', '"unit_type":"gpu_minute"');
  const path = await save('swapped.tlog-proof', formatTlogProof({ ...proof, extra: Buffer.from(text) }));
  const { exitCode, stderr } = await verify([path, '--vkey', vkey]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('inclusion') });
});

test.each<[string, (inclusion: NonNullable<PublishedReceipt['inclusion']>) => unknown, string]>([
  ['no form', () => 'here', 'inclusion is malformed'],
  [
    'another index',
    inclusion => ({ ...inclusion, logIndex: '7' }),
    'the logIndex of inclusion contradicts the rest',
  ],
  [
    'another size',
    ({ inclusionProof, ...rest }) => ({ ...rest, inclusionProof: { ...inclusionProof, treeSize: '2' } }),
    'the treeSize of inclusion contradicts the rest',
  ],
  [
    'another root',
    ({ inclusionProof, ...rest }) => ({ ...rest, inclusionProof: { ...inclusionProof, rootHash: 'AAAA' } }),
    'the rootHash of inclusion contradicts the rest',
  ],
  [
    'another entry',
    inclusion => ({ ...inclusion, canonicalizedBody: 'e30=' }),
    'the canonicalizedBody of inclusion contradicts the rest',
  ],
  [
    'no base64',
    inclusion => ({ ...inclusion, canonicalizedBody: '???' }),
    'inclusion contains something other than base64',
  ],
  [
    'more hashes',
    ({ inclusionProof, ...rest }) => ({ ...rest, inclusionProof: { ...inclusionProof, hashes: ['AAAA'] } }),
    'it is not entry 0 of 1',
  ],
])('a published receipt whose inclusion has %s is not in the ledger', async (_, change, detail) => {
  const published = await coordinator.client.receipts.get(receipt.receipt_id);
  if (!published.inclusion) throw new Error('not published');
  const path = await save(
    'wrong.json',
    JSON.stringify({ ...published, inclusion: change(published.inclusion) }),
  );
  expect(await found('inclusion', verify([path, '--vkey', vkey, '--json']))).toMatchObject({
    ok: false,
    detail: expect.stringContaining(detail),
  });
});

test.each([
  [
    'a proof that is cut',
    () => save('cut.tlog-proof', 'c2sp.org/tlog-proof@v1\nindex 0\n'),
    'is not a .tlog-proof file',
  ],
  ['a proof without a receipt', bare, 'contains no receipt'],
  ['a proof of something else', () => withEntry('"Hello!'), 'contains no receipt'],
])('%s is a failure that names it', async (_, make, reason) => {
  const path = await make();
  const { exitCode, stderr } = await verify([path, '--vkey', vkey]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(reason) });
  expect(stderr).toContain(path);
});

async function bare(): Promise<string> {
  const { extra, ...proof } = parseTlogProof(await readBundle());
  return await save('bare.tlog-proof', formatTlogProof(proof));
}

async function withEntry(text: string): Promise<string> {
  const proof = parseTlogProof(await readBundle());
  return await save('other.tlog-proof', formatTlogProof({ ...proof, extra: Buffer.from(text) }));
}

test.each([
  ['a key that is none', ['--vkey', 'ledger+0+x'], 'no verifier key'],
  ['a witness without a log', ['--witness', WITNESS.vkey], 'add --vkey'],
  [
    'a witness with a key of a log',
    ['--witness', party('a', 'Ed25519', 4).vkey],
    'not a key for cosignatures',
  ],
  ['a witness twice', ['--witness', WITNESS.vkey, '--witness', WITNESS.vkey], 'already in the list'],
  ['a proof beside a proof', ['--vkey', LOG_COSIGNER.vkey, '--proof', 'BUNDLE'], 'omit --proof'],
])('%s is a wrong call', async (_, flags, reason) => {
  const argv = flags.map(flag => (flag === 'BUNDLE' ? saved.bundle : flag));
  const { exitCode, stderr } = await verify([saved.bundle, ...argv]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(reason) });
});

test('an invalid policy is an error that names the line', async () => {
  const path = await save('wrong.policy', 'quorum me\n');
  const { exitCode, stderr } = await verify([saved.bundle, '--policy', path]);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('Line 1: No line'),
  });
});

test('a policy without a log takes it from --vkey', async () => {
  const path = await save('witnesses.policy', 'quorum none\n');
  expect(await verify([saved.bundle, '--policy', path])).toMatchObject({ exitCode: 2 });
  expect(await verify([saved.bundle, '--policy', path, '--vkey', vkey])).toMatchObject({ exitCode: 0 });
});

test('--wait of get goes with --bundle', async () => {
  expect(await coordinator.aitbc(['receipt', 'get', receipt.receipt_id, '--wait'])).toMatchObject({
    exitCode: 2,
  });
});
