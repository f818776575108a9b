import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startCoordinator } from '@aitbc/coordinator';
import { expect, onTestFinished, test } from 'vitest';
import { requirement } from './requirement.ts';

const run = promisify(execFile);

/**
 * Runs the unchanged clients of the integration tutorial. They are beside the checkout, with the contract.
 */
const check = fileURLToPath(new URL('../../shared/contract/tutorial/check', import.meta.url));
const python = process.env.PYTHON ?? 'python3';

const hasHttpx = () =>
  run(python, ['-c', 'import httpx']).then(
    () => true,
    () => false,
  );

test('every client of the tutorial runs as printed', { timeout: 120_000 }, async context => {
  requirement(context, existsSync(check), 'the tutorial of the contract is not beside this checkout');
  requirement(context, await hasHttpx(), 'PYTHON must name a Python 3 that has httpx');
  const data = await mkdtemp(join(tmpdir(), 'aitbc-tutorial-'));
  const coordinator = await startCoordinator({ port: 0, data, logLevel: 'silent' });
  onTestFinished(async () => {
    await coordinator.close();
    await rm(data, { recursive: true });
  });
  const { stdout } = await run('bash', [check, `${coordinator.url}/api`]);
  expect(stdout).toContain('tutorial: all passed');
});
