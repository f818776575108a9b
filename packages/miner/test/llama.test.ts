import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { BackendError, llamaBackend } from '../src/index.ts';
import { rejection } from './rejection.ts';

const isInstalled = existsSync(new URL('../../../node_modules/node-llama-cpp', import.meta.url));

test('the error names a missing model file', async () => {
  const failure = await rejection(llamaBackend({ gguf: '/nowhere/model.gguf' }));
  expect(failure).toBeInstanceOf(BackendError);
  expect(failure).toMatchObject({
    message: expect.stringMatching(/can not be read: .*\/nowhere\/model\.gguf/),
  });
});

test.skipIf(isInstalled)('without node-llama-cpp the error says how to install it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-llama-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'model.gguf'), 'GGUF');
  // This needs its own process, as the test runner resolves missing packages differently.
  const program = `import { llamaBackend } from '${new URL('../src/index.ts', import.meta.url)}';
    await llamaBackend({ gguf: 'model.gguf' }).catch(error => console.log(error.name, error.message));`;
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: folder,
  });
  expect((await run).stdout).toMatch(/^BackendError .*\n {2}npm install --no-save node-llama-cpp\n$/);
});
