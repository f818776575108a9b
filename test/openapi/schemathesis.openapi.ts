import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createKey, type RunningCoordinator, type StartOptions, startCoordinator } from '@aitbc/coordinator';
import { echoBackend, startMiner } from '@aitbc/miner';
import { generateSigner } from '@aitbc/receipts';
import { CoordinatorClient } from '@aitbc/sdk';
import { type TestContext, test } from 'vitest';
import { requirement } from '../requirement.ts';
import { type Keys, prepare } from './prepare.ts';

/*
 * Schemathesis makes valid and invalid requests from /openapi.json, and checks the answers against it.
 * hooks.py has what a schema can not say.
 */

const run = promisify(execFile);
const schemathesis = process.env.SCHEMATHESIS ?? 'schemathesis';
/** Other seeds make other requests. */
const seed = process.env.SEED ?? '1';
/** A regular expression for the paths to test, instead of all. */
const paths = process.env.PATHS;

const OPTIONS: StartOptions = {
  port: 0,
  logLevel: 'silent',
  // Requests that wait for something that never happens would take most of the time.
  maxWaitSeconds: 1,
  ttlSeconds: 1,
};

/** The scopes that have keys. In open mode clients and miners need none. */
const SCOPES = {
  open: ['admin', 'keys', 'metrics'],
  keyed: ['client', 'miner', 'admin', 'keys', 'metrics'],
} as const;

test.concurrent.for(['open', 'keyed'] as const)(
  'all routes answer as described, in %s mode',
  async (mode, context) => {
    requirement(context, await hasSchemathesis(), 'SCHEMATHESIS must name the command of Schemathesis');
    const data = await mkdtemp(join(tmpdir(), 'aitbc-openapi-'));
    context.onTestFinished(() => rm(data, { recursive: true }));
    const coordinator = await startCoordinator({ ...OPTIONS, data, mode });
    context.onTestFinished(() => coordinator.close());
    const keys = await createKeys(coordinator, SCOPES[mode]);
    await mine(context, coordinator.url, keys.miner);
    const there = await prepare(coordinator, keys);
    const env = { URL: coordinator.url, KEYS: JSON.stringify(keys), THERE: JSON.stringify(there) };
    context.expect(await findings(env, data, context.signal)).toBe('');
  },
);

const hasSchemathesis = () =>
  run(schemathesis, ['--version']).then(
    () => true,
    () => false,
  );

async function createKeys({ modules }: RunningCoordinator, scopes: readonly (keyof Keys)[]): Promise<Keys> {
  const keys: Keys = {};
  for (const scope of scopes) {
    const given = { id: `key-${scope}`, name: null, scopes: [scope], expiresAt: null };
    keys[scope] = (await createKey(modules.store, given)).key;
  }
  return keys;
}

/** Runs the jobs for the model of the examples. */
async function mine({ onTestFinished }: TestContext, url: string, apiKey: string | undefined): Promise<void> {
  const miner = await startMiner({
    client: new CoordinatorClient(url, { ...(apiKey !== undefined && { apiKey }) }),
    backend: echoBackend({ models: ['llama3.2'] }),
    identity: { minerId: 'echo', signer: await generateSigner() },
  });
  onTestFinished(() => miner.quit());
}

/** Returns what Schemathesis reports when it fails; otherwise an empty text. */
async function findings(given: { URL: string }, cwd: string, signal: AbortSignal): Promise<string> {
  const config = join(import.meta.dirname, 'schemathesis.toml');
  const env = {
    ...{ ...process.env, ...given },
    ...{ PYTHONPATH: import.meta.dirname, PYTHONDONTWRITEBYTECODE: '1', SCHEMATHESIS_HOOKS: 'hooks' },
  };
  return await run(
    schemathesis,
    [
      ...['--config-file', config, 'run', `${given.URL}/openapi.json`, '--url', given.URL],
      ...['--seed', seed, '--no-color'],
      ...(paths === undefined ? [] : ['--include-path-regex', paths]),
    ],
    { cwd, env, signal, maxBuffer: 64 * 1024 * 1024 },
  ).then(
    () => '',
    ({ message, stdout = '' }: Error & { stdout?: string }) => `${stdout}\n${message}`,
  );
}
