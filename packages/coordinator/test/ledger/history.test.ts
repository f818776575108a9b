import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importStore } from '../../src/index.ts';
import { actions, startTestCoordinator, type TestCoordinator } from '../harness/coordinator.ts';
import { type Database, describeEachEngine } from '../harness/engines.ts';
import { exported } from '../harness/exports.ts';

async function earn(coordinator: TestCoordinator): Promise<void> {
  const { register, submit, claims, complete } = actions(coordinator);
  await register('earner');
  const { job_id } = await submit();
  await claims('earner');
  await complete(job_id, 'earner');
}

describeEachEngine('a store', engine => {
  let coordinator: TestCoordinator;
  let databases: Database[];
  beforeEach(async () => {
    databases = [];
    coordinator = await startTestCoordinator(engine);
    await earn(coordinator);
    await coordinator.publish();
  });
  afterEach(async () => {
    await coordinator.stop();
    await Promise.all(databases.map(({ remove }) => remove()));
  });
  const checkpointFile = () => join(coordinator.running.config.data, 'ledger-checkpoint');

  /** As an operator restores a backup: another store, with what lies beside this one. */
  async function startOn(backup: Buffer, files = ['signing-key.pem', 'ledger-checkpoint']) {
    const { config } = coordinator.running;
    const database = await engine.prepare();
    databases.push(database);
    await importStore({ ...config, databaseUrl: undefined, ...database.options }, [backup]);
    for (const file of files) await cp(join(config.data, file), join(database.options.data, file));
    await coordinator.restart({ seconds: 0 }, database.options);
    return database.options;
  }

  test('that has what was signed last goes on', async () => {
    const backup = await exported(coordinator.running.config);
    await startOn(backup);
    await earn(coordinator);
    await coordinator.publish();
    expect((await coordinator.running.modules.ledger.latest())?.size).toBe(2);
  });

  test('that is older than what was signed last is refused', async () => {
    const backup = await exported(coordinator.running.config);
    await earn(coordinator);
    await coordinator.publish();
    await expect(startOn(backup)).rejects.toThrow(
      /The ledger in the store has 1 entries, but the checkpoint that was signed last \(.*ledger-checkpoint\) is over 2/,
    );
  });

  test('that was published from is refused without the file', async () => {
    const backup = await exported(coordinator.running.config);
    await expect(startOn(backup, ['signing-key.pem'])).rejects.toThrow(
      /ledger-checkpoint is missing.* has published 1 entries.*`aitbc restore`/,
    );
  });

  test('that went another way since then is refused', async () => {
    const backup = await exported(coordinator.running.config);
    const before = await readFile(checkpointFile());
    await earn(coordinator);
    await coordinator.publish();
    const signed = await readFile(checkpointFile());
    await writeFile(checkpointFile(), before);
    const options = await startOn(backup);
    await earn(coordinator);
    await coordinator.publish();
    await writeFile(checkpointFile(), signed);
    await expect(coordinator.restart({ seconds: 0 }, options)).rejects.toThrow(
      /has other entries than the checkpoint that was signed last/,
    );
  });

  test('is refused beside a file that is no checkpoint of its ledger', async () => {
    await writeFile(checkpointFile(), 'nothing of the kind');
    await expect(coordinator.restart()).rejects.toThrow(
      /ledger-checkpoint is no checkpoint of coord-.*\/ledger/,
    );
  });

  test('is of one ledger: under another name it does not start', async () => {
    await expect(coordinator.restart({ seconds: 0 }, { ledgerOrigin: 'another.example' })).rejects.toThrow(
      /--ledger-origin another\.example: the ledger in this store is coord-/,
    );
  });

  test('keeps the last checkpoint where the operator wants it', async () => {
    const ledgerCheckpoint = join(coordinator.running.config.data, 'elsewhere');
    await coordinator.restart({ seconds: 0 }, { ledgerCheckpoint });
    await earn(coordinator);
    await coordinator.publish();
    expect(await readFile(ledgerCheckpoint, 'utf8')).toBe(
      (await coordinator.running.modules.ledger.latest())?.note,
    );
  });
});
