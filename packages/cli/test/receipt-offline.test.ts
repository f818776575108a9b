import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCoordinator } from '@aitbc/coordinator';
import { CoordinatorClient } from '@aitbc/sdk';
import { expect, onTestFinished, test } from 'vitest';
import { mineOne } from './coordinator.ts';
import { aitbc } from './terminal.ts';

test('saved files verify after the coordinator has closed, and not after a change', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const running = await startCoordinator({ port: 0, data: join(folder, 'data'), logLevel: 'silent' });
  const client = new CoordinatorClient(running.url);
  await client.jobs.submit({ prompt: 'Hello!', model: 'offline' });
  const receipt = await mineOne(client, 'offline');
  const [receiptFile, keysFile, tamperedFile] = ['receipt.json', 'keys.json', 'tampered.json'].map(name =>
    join(folder, name),
  ) as [string, string, string];
  await writeFile(keysFile, JSON.stringify({ keys: await client.signingKeys.list() }));
  await writeFile(receiptFile, JSON.stringify(receipt));
  await writeFile(tamperedFile, JSON.stringify({ ...receipt, model: 'another' }));
  await running.close();

  const verify = (file: string) =>
    aitbc(['receipt', 'verify', file, '--keys', keysFile, '--coordinator', running.url]);

  expect(await verify(receiptFile)).toMatchObject({ exitCode: 0 });
  expect(await verify(tamperedFile)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('not valid: signature'),
  });
});
