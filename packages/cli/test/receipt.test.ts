import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSigner, signReceipt } from '@aitbc/receipts';
import type { Receipt } from '@aitbc/sdk';
import { beforeAll, expect, test } from 'vitest';
import { mineOne, withCoordinator } from './coordinator.ts';
import { aitbc } from './terminal.ts';

const PROMPT = 'What is 6 times 7?';
const coordinator = withCoordinator();
let receipt: Receipt;
let key = '';
let salt = '';
let receiptFile = '';
let keysFile = '';

beforeAll(async () => {
  const { client, url } = coordinator;
  const { job_id } = await client.jobs.submit({ prompt: PROMPT, model: 'receipts' });
  receipt = await mineOne(client, 'receipts', '42');
  salt = (await client.jobs.get(job_id)).salt;
  key = receipt.signature.key_id;
  receiptFile = await save('receipt.json', JSON.stringify(receipt, null, 2));
  keysFile = await save('keys.json', await (await fetch(`${url}/v1/keys`)).text());
});

async function save(name: string, text: string): Promise<string> {
  const path = join(coordinator.folder, name);
  await writeFile(path, text);
  return path;
}

test('a receipt by its id is valid', async () => {
  const { exitCode, stdout, stderr } = await coordinator.aitbc(['receipt', 'verify', receipt.receipt_id]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^✓ +signature +it fits/m);
  expect(stdout).not.toContain('✗');
  expect(stderr).toContain('coordinator itself publishes');
});

test('a receipt by the id of its job is compared with the texts of the job', async () => {
  const { exitCode, stdout } = await coordinator.aitbc(['receipt', 'verify', receipt.job_id]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^✓ +prompt .*\n✓ +result /m);
});

test('a receipt fetched into a file is valid', async () => {
  const { stdout } = await coordinator.aitbc(['receipt', 'get', receipt.receipt_id]);
  const path = await save('fetched.json', stdout);
  expect(await coordinator.aitbc(['receipt', 'verify', path])).toMatchObject({ exitCode: 0 });
});

test('a receipt from the standard input is valid', async () => {
  const argv = ['receipt', 'verify', '-', '--key', key];
  expect(await coordinator.aitbc(argv, { stdin: JSON.stringify(receipt) })).toMatchObject({ exitCode: 0 });
});

test('with --json the standard output is every check', async () => {
  const { stdout } = await coordinator.aitbc(['receipt', 'verify', receiptFile, '--json']);
  const { valid, checks } = JSON.parse(stdout);
  expect(valid).toBe(true);
  expect(checks).toContainEqual({ name: 'key', ok: true, detail: `${key} is trusted` });
});

test('a receipt with another price is not valid, and says why', async () => {
  const path = await save('tampered.json', JSON.stringify({ ...receipt, units: 1000, price: 10 }));
  const { exitCode, stdout, stderr } = await coordinator.aitbc(['receipt', 'verify', path]);
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^✗ +signature +it does not fit/m);
  expect(stderr).toContain('The receipt is not valid: signature, arithmetic');
});

test('with --json an invalid receipt is an error in JSON', async () => {
  const path = await save('tampered-json.json', JSON.stringify({ ...receipt, price: 10 }));
  const { exitCode, stdout, stderr } = await coordinator.aitbc(['receipt', 'verify', path, '--json']);
  expect({ exitCode, valid: JSON.parse(stdout).valid }).toEqual({ exitCode: 1, valid: false });
  expect(JSON.parse(stderr).error.detail).toContain('signature');
});

test('a receipt that a stranger signed is not valid', async () => {
  const path = await save('forged.json', JSON.stringify(await signReceipt(receipt, generateSigner())));
  const { exitCode, stderr } = await coordinator.aitbc(['receipt', 'verify', path]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('not valid: key') });
});

test('a receipt with a repeated field is rejected', async () => {
  const text = JSON.stringify(receipt).replace('"price":', '"price":1000000,"price":');
  const path = await save('ambiguous.json', text);
  const { exitCode, stderr } = await coordinator.aitbc(['receipt', 'verify', path, '--key', key]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('"price" occurs twice');
});

test('control characters in a receipt are escaped on a terminal', async () => {
  const path = await save('escapes.json', JSON.stringify({ ...receipt, version: '\u001b[2Jcleared' }));
  const { stdout } = await coordinator.aitbc(['receipt', 'verify', path, '--key', key], { isTTY: true });
  expect(stdout).not.toContain('\u001b');
});

const NOWHERE = { env: { AITBC_COORDINATOR: 'http://127.0.0.1:2' } };

test('with a key a file is checked offline', async () => {
  const { exitCode, stderr } = await aitbc(['receipt', 'verify', receiptFile, '--key', key], NOWHERE);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('with saved keys a file is checked offline', async () => {
  const { exitCode, stderr } = await aitbc(['receipt', 'verify', receiptFile, '--keys', keysFile], NOWHERE);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('one of several keys is enough', async () => {
  const argv = ['receipt', 'verify', receiptFile, '--key', generateSigner().keyId, '--key', key];
  expect(await aitbc(argv, NOWHERE)).toMatchObject({ exitCode: 0 });
});

test('another coordinator’s key does not make it valid', async () => {
  const argv = ['receipt', 'verify', receiptFile, '--key', generateSigner().keyId];
  expect(await aitbc(argv, NOWHERE)).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/^✗ +key +\S+ is not among the trusted keys/m),
  });
});

test('without a key and a coordinator, the error says how to check offline', async () => {
  const { exitCode, stderr } = await aitbc(['receipt', 'verify', receiptFile], NOWHERE);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('--keys FILE');
});

function disclose(...texts: string[]) {
  const argv = ['receipt', 'verify', receiptFile, '--key', key, '--salt', salt, ...texts];
  return aitbc(argv, NOWHERE);
}

test('disclosed texts are compared with the hashes', async () => {
  const { exitCode, stdout } = await disclose('--prompt', PROMPT, '--result', '42');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^✓ +prompt .*\n✓ +result /m);
});

test('one text can be disclosed without the other', async () => {
  const { exitCode, stdout } = await disclose('--result', '42');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^✓ +result /m);
  expect(stdout).not.toMatch(/^. +prompt /m);
});

test('a different disclosed text fails the check', async () => {
  const { exitCode, stdout } = await disclose('--prompt', PROMPT, '--result', '43');
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^✓ +prompt .*\n✗ +result /m);
});

test.each([
  ['a key that is none', ['--key', 'abc']],
  ['a text without its salt', ['--prompt', PROMPT]],
  ['a salt without a text', ['--salt', '00112233445566778899aabbccddeeff']],
])('%s is a wrong call', async (_, flags) => {
  const { exitCode, stdout } = await aitbc(['receipt', 'verify', receiptFile, ...flags], NOWHERE);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test.each([
  ['a file that does not exist', 'none.json', 'can not be read'],
  ['a file that is not JSON', 'text.txt', 'is not valid JSON'],
])('%s is a failure that names it', async (_, name, reason) => {
  await save('text.txt', 'no JSON');
  const path = join(coordinator.folder, name);
  const { exitCode, stderr } = await aitbc(['receipt', 'verify', path, '--key', key], NOWHERE);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`${path} ${reason}`);
});

test('a file without keys is a failure that names it', async () => {
  const argv = ['receipt', 'verify', receiptFile, '--keys', receiptFile];
  const { exitCode, stderr } = await aitbc(argv, NOWHERE);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`${receiptFile} is not an answer of GET /v1/keys`);
});

test('a receipt that does not exist is a failure', async () => {
  const { exitCode, stderr } = await coordinator.aitbc(['receipt', 'verify', 'rcpt-none']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('RECEIPT_NOT_FOUND');
});
