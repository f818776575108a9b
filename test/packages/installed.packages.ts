import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as sdk from '@aitbc/sdk';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PUBLISHED, readManifest } from '../../scripts/packages.ts';
import { packAll } from '../../scripts/tarballs.ts';
import { withBrowser } from '../browser.ts';
import { runPytest } from '../pytest.ts';
import { readSamples } from '../samples.ts';
import { createProject, nodeOf, type Project, type Running, readBytes, typeFaults } from './projects.ts';

/*
 * Packs the published packages, installs the tarballs in empty projects, and uses them as their users do: the
 * libraries on each supported Node.js, in a browser and from TypeScript, and the command in a folder that is
 * not a checkout.
 */

declare const bundle: typeof sdk;

const LIBRARIES = PUBLISHED.filter(({ name }) => name.startsWith('@aitbc/')).map(({ name }) => name);
const NODES = ['20', '22'];
const VERSION = readManifest('.').version;

let folder: string;
let tarballs: Record<string, string>;
let libraries: Project;
let command: Project;
let coordinator: Running;
let miner: Running;
let url: string;

const browser = withBrowser();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aitbc-tarballs-'));
  tarballs = await packAll(folder);
  const ofLibraries = Object.fromEntries(LIBRARIES.map(name => [name, `file:${tarballs[name]}`]));
  const nodes = Object.fromEntries(NODES.map(version => [`node${version}`, nodeOf(version)]));
  [libraries, command] = await Promise.all([
    createProject({ ...ofLibraries, ...nodes }),
    createProject({ ...ofLibraries, aitbc: `file:${tarballs.aitbc}` }),
  ]);
  coordinator = command.start('npx', ['aitbc', 'serve', '--port', '0', '--data', 'data']);
  url = (await coordinator.line(/http:\/\/127\.0\.0\.1:\d+/))[0];
  const options = ['--coordinator', url, '--backend', 'echo', '--model', 'llama3.2'];
  miner = command.start('npx', ['aitbc', 'miner', ...options], {
    AITBC_MINER_STATE: join(command.folder, 'miner'),
  });
  await miner.line(/Waiting for jobs/);
});

afterAll(async () => {
  await miner?.stop();
  await coordinator?.stop();
  await Promise.all([libraries?.remove(), command?.remove()]);
  await rm(folder, { recursive: true, force: true });
});

describe.each(PUBLISHED.map(({ name }) => name))('the tarball of %s', name => {
  test('is one that publint finds nothing wrong with', async () => {
    const tarball = (await readBytes(tarballs[name] ?? '')).buffer;
    expect((await publint({ pack: { tarball }, strict: true })).messages).toEqual([]);
  });

  test('has types that fit what it exports, wherever they are imported', async () => {
    const checked = await checkPackage(createPackageFromTarballData(await readBytes(tarballs[name] ?? '')));
    if (!checked.types) throw new Error('It has no types');
    // The packages are ES modules, so CommonJS and resolution without `exports` are not supported.
    const problems = checked.problems.filter(
      problem => !('resolutionKind' in problem && /^node10$|^node16-cjs$/.test(problem.resolutionKind)),
    );
    expect(problems).toEqual([]);
  });
});

const USE = `
import { verifyReceipt } from '@aitbc/receipts';
import { CoordinatorClient, requireCompleted } from '@aitbc/sdk';
import { leafHash, parseVkey, verifyTlogProof } from '@aitbc/tlog';
import { LIMITS } from '@aitbc/protocol';

const client = new CoordinatorClient(process.argv[2]);
const { job_id } = await client.jobs.submit({ prompt: 'Hello!', model: 'llama3.2' });
const job = requireCompleted(await client.jobs.wait(job_id, 60_000));
const receipt = await client.jobs.receipt(job_id);
const { valid } = await verifyReceipt(receipt, { keys: await client.signingKeys.list() });
const proof = await client.receipts.waitForProof(receipt.receipt_id);
let text = '';
for await (const { event, data } of client.jobs.stream({ prompt: 'a b', model: 'llama3.2' }))
  if (event === 'chunk') text += data.text;
const { id } = await client.batches.submit([
  { custom_id: 'one', url: '/v1/chat/completions', body: { model: 'llama3.2', messages: [{ role: 'user', content: 'x' }] } },
]);
await client.batches.wait(id, { poll: 0.1 });
const answers = [];
for await (const { response } of client.batches.results(id)) answers.push(response.status_code);
const tree = await client.ledger.open({ vkey: await client.ledger.vkey() });
console.log(JSON.stringify({ major: process.versions.node.split('.')[0], result: job.result, valid, text, answers,
  proof: proof.split('\\n')[0], entries: (await tree.checkpoint()).size > 0, limit: LIMITS.batchJobs,
  functions: [leafHash, parseVkey, verifyTlogProof].map(each => typeof each) }));
`;

test.each([...NODES, '24'])('the libraries run on Node.js %s', async major => {
  await libraries.write({ 'use.mjs': USE });
  const node =
    major === '24' ? process.execPath : join(libraries.folder, `node_modules/node${major}/bin/node`);
  const printed = JSON.parse(await libraries.run(node, ['use.mjs', url]));
  expect(printed).toEqual({
    major,
    result: 'Echo, no model ran: Hello!',
    valid: true,
    text: 'Echo, no model ran: a b',
    answers: [200],
    proof: 'c2sp.org/tlog-proof@v1',
    entries: true,
    limit: 1000,
    functions: ['function', 'function', 'function'],
  });
});

const PROGRAM = `
import { ERROR_STATUS, type Job } from '@aitbc/protocol';
import { LIMITS } from '@aitbc/protocol/limits';
import { canonicalJson, verifyReceipt } from '@aitbc/receipts';
import { CoordinatorClient, isCoordinatorError, NotFoundError, type Receipt, requireCompleted } from '@aitbc/sdk';
import { parseVkey } from '@aitbc/tlog';

const client: CoordinatorClient = new CoordinatorClient('http://127.0.0.1:8000', { timeout: 5_000 });
export async function ask(prompt: string, signal: AbortSignal): Promise<Receipt> {
  try {
    const { job_id } = await client.jobs.submit({ prompt, model: 'llama3.2' }, { signal });
    const job: Job = await client.jobs.wait(job_id, { signal });
    const text: string = requireCompleted(job).result;
    const receipt = await client.jobs.receipt(job_id);
    const checked = await verifyReceipt(receipt, { keys: await client.signingKeys.list() });
    if (!checked.valid || text.length > LIMITS.tokens) throw new Error(canonicalJson(job.params));
    for await (const { custom_id } of client.batches.results('batch-1')) parseVkey(custom_id ?? '');
    return receipt;
  } catch (error) {
    if (isCoordinatorError(error, 'JOB_*')) throw new Error(error.errorCode satisfies keyof typeof ERROR_STATUS);
    if (error instanceof NotFoundError) throw new TypeError(error.detail);
    throw error;
  }
}
// @ts-expect-error A job needs a model.
client.jobs.submit({ prompt: 'Hello!' });
`;

test.each(['node16', 'bundler'] as const)(
  'the libraries are typed for TypeScript, strictly, resolved as by %s',
  async resolution => {
    await libraries.write({ 'program.ts': PROGRAM });
    expect(typeFaults(libraries, 'program.ts', resolution)).toEqual([]);
  },
);

test('what the command exports to programs is typed', async () => {
  await command.write({
    'program.ts': `
      import { runCli } from 'aitbc';
      import { type Coordinator, startCoordinator } from 'aitbc/coordinator';
      import { echoBackend, startMiner } from 'aitbc/miner';
      import { startWitness, WitnessError } from 'aitbc/witness';

      export const running: Promise<Coordinator> = startCoordinator({ port: 0, maxStreams: 100 });
      export const functions = [runCli, echoBackend, startMiner, startWitness, WitnessError];
      // @ts-expect-error A port is a number.
      startCoordinator({ port: '8000' });`,
  });
  expect(typeFaults(command, 'program.ts', 'node16')).toEqual([]);
});

test('a page bundles the client, submits a job and verifies its receipt', async context => {
  const source = "export * from '@aitbc/sdk'; export { verifyReceipt } from '@aitbc/receipts';";
  const page = await browser.open(context, { source, folder: libraries.folder });
  const answers = await page.evaluate(async url => {
    const { CoordinatorClient, verifyReceipt } = bundle as typeof sdk & {
      verifyReceipt(receipt: unknown, options: object): Promise<{ valid: boolean }>;
    };
    const client = new CoordinatorClient(url);
    const { job_id } = await client.jobs.submit({ prompt: 'Hello!', model: 'llama3.2' });
    const { result } = await client.jobs.wait(job_id);
    const options = { keys: await client.signingKeys.list() };
    return { result, valid: (await verifyReceipt(await client.jobs.receipt(job_id), options)).valid };
  }, url);
  expect(answers).toEqual({ result: 'Echo, no model ran: Hello!', valid: true });
});

test('the command submits, watches and verifies from a folder that is no checkout', async () => {
  const env = { AITBC_COORDINATOR: url };
  const id = (await command.run('npx', ['aitbc', 'submit', 'Hi', '--model', 'llama3.2'], env)).trim();
  const watched = await command.run('npx', ['aitbc', 'jobs', 'watch', id], env);
  expect(watched).toContain('Echo, no model ran: Hi');
  expect(await command.run('npx', ['aitbc', 'receipt', 'verify', id, '--wait'], env)).toContain('signature');
  expect(await readdir(join(command.folder, 'data'))).toContain('signing-key.pem');
});

test("the Python client's tests pass with the installed command", { timeout: 300_000 }, async context => {
  const binary = join(command.folder, 'node_modules/aitbc/bin/aitbc.mjs');
  const tests = ['tests/test_client.py', 'tests/test_verify_command.py'];
  await runPytest(context, tests, { AITBC_COMMAND: `${process.execPath} ${binary}` });
});

test('an older Node.js hands the command over to the one that npm has brought along', async () => {
  const node = join(libraries.folder, 'node_modules/node20/bin/node');
  const binary = join(command.folder, 'node_modules/aitbc/bin/aitbc.mjs');
  expect((await command.run(node, [binary, '--version'])).trim()).toBe(VERSION);
  await expect(command.run(node, [binary, 'nope'])).rejects.toMatchObject({ code: 2 });
});

test.each([
  ['packages/protocol', 'true false\n1000 404\n'],
  ['packages/cli', /^http:\/\/127\.0\.0\.1:\d+\n$/],
] as const)('the sample in the README of %s does what it says', async (folder, expected) => {
  const [sample = ''] = readSamples(new URL(`../../${folder}/README.md`, import.meta.url));
  await command.write({ 'sample.mjs': sample.replaceAll('./data', './sample') });
  expect(await command.run(process.execPath, ['sample.mjs'])).toEqual(
    typeof expected === 'string' ? expected : expect.stringMatching(expected),
  );
});
