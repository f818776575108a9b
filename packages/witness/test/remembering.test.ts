import { cp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatAddCheckpoint } from '@aitbc/tlog';
import { expect, test } from 'vitest';
import { startWitness } from '../src/index.ts';
import { testLog } from './log.ts';
import { addCheckpoint, NAME, runWitness, testFolder } from './witnesses.ts';

const log = testLog();
const KEY = 'witness-key.pem';
const STATE = 'witness.db';

/** Returns the folder and the key of a stopped witness that has cosigned ten leaves. */
async function folderOfTen() {
  const { url, data, vkey, close } = await runWitness();
  await addCheckpoint(url, await log.request(0, 10));
  await close();
  return { data, vkey };
}

const start = (data: string, name?: string) =>
  startWitness({ data, logs: [log.key], port: 0, ...(name !== undefined && { name }) });

test('a restarted witness keeps its name, key and checkpoints', async () => {
  const { data, vkey } = await folderOfTen();
  const again = await runWitness({ data, name: undefined });
  expect(again).toMatchObject({ vkey, name: NAME });
  expect(await addCheckpoint(again.url, await log.request(10, 25))).toMatchObject({ status: 200 });
});

test('only the owner can read key and state', async () => {
  const { data } = await folderOfTen();
  const modes = await Promise.all(
    [KEY, STATE].map(async file => (await stat(join(data, file))).mode & 0o777),
  );
  expect(modes).toEqual([0o600, 0o600]);
});

test('a fork is rejected after a restart too', async () => {
  const { data } = await folderOfTen();
  const { url } = await runWitness({ data });
  expect(await addCheckpoint(url, await log.forkedAt(4).request(10, 25))).toMatchObject({ status: 422 });
  expect(await addCheckpoint(url, await log.forkedAt(4).request(0, 25))).toMatchObject({ status: 409 });
});

test('a second witness can not use the same folder', async () => {
  const { data } = await runWitness();
  await expect(start(data)).rejects.toThrow(`Another witness runs on ${data}`);
});

test('a new witness needs a name', async () => {
  await expect(start(await testFolder())).rejects.toThrow('A new witness needs a name');
});

test('an invalid name is rejected, and a valid one then accepted', async () => {
  const data = await testFolder();
  await expect(start(data, 'Alice in Wonderland')).rejects.toThrow(
    '"Alice in Wonderland" can\'t be a key\'s name',
  );
  expect(await runWitness({ data })).toMatchObject({ name: NAME });
});

test('a witness keeps its name', async () => {
  const { data } = await folderOfTen();
  await expect(start(data, 'witness.example/bob')).rejects.toThrow(
    `is called ${NAME}, not witness.example/bob`,
  );
});

test('a key whose state is missing no longer signs', async () => {
  const { data } = await folderOfTen();
  await rm(join(data, STATE));
  await expect(start(data)).rejects.toThrow('what it has signed is not known');
});

test('a key whose state is empty no longer signs', async () => {
  const { data } = await folderOfTen();
  await truncate(join(data, STATE));
  await expect(start(data)).rejects.toThrow('what it has signed is not known');
});

test('a missing key is not replaced', async () => {
  const { data } = await folderOfTen();
  await rm(join(data, KEY));
  await expect(start(data)).rejects.toThrow(`${KEY} is missing`);
});

test('a foreign key file is rejected', async () => {
  const { data } = await folderOfTen();
  const other = await folderOfTen();
  await cp(join(other.data, KEY), join(data, KEY));
  await expect(start(data)).rejects.toThrow(`is not the key of ${NAME}`);
});

test('the error names a key file that holds no key', async () => {
  const { data } = await folderOfTen();
  await writeFile(join(data, KEY), 'nothing');
  await expect(start(data)).rejects.toThrow(`${KEY} holds no Ed25519 key`);
});

test('a changed state is detected', async () => {
  const { data } = await folderOfTen();
  const bytes = await readFile(join(data, STATE));
  const at = bytes.indexOf('\n10\n');
  await writeFile(join(data, STATE), bytes.fill('9', at + 1, at + 2));
  await expect(start(data)).rejects.toThrow('The state is damaged, at coordinator.example/ledger');
});

test('a folder older than a cosignature of its own no longer signs for the log', async () => {
  const { data } = await folderOfTen();
  const backup = join(await testFolder(), 'backup');
  await cp(data, backup, { recursive: true });
  const newer = await runWitness({ data });
  const { text } = await addCheckpoint(newer.url, await log.request(10, 25));
  const published = (await log.checkpoint(25)) + text;

  const restored = await runWitness({ data: backup });
  const body = { old: 10, proof: await log.proof(10, 25), checkpoint: published };
  expect(await addCheckpoint(restored.url, formatAddCheckpoint(body))).toEqual({
    status: 503,
    type: 'text/plain; charset=utf-8',
    text: `${NAME} has signed size 25 of ${log.key.name} and remembers 10 only, so it can't vouch for it any more\n`,
  });
  await restored.close();
  const again = await runWitness({ data: backup });
  expect(await addCheckpoint(again.url, await log.request(10, 12))).toMatchObject({ status: 503 });
});

test('a forged cosignature of its own is ignored', async () => {
  const { data } = await folderOfTen();
  const impostor = await runWitness();
  const { text } = await addCheckpoint(impostor.url, await log.request(0, 25));
  const witness = await runWitness({ data });
  const body = { old: 10, proof: await log.proof(10, 25), checkpoint: (await log.checkpoint(25)) + text };
  expect(await addCheckpoint(witness.url, formatAddCheckpoint(body))).toMatchObject({ status: 200 });
});
