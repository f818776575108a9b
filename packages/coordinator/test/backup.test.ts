import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { backup, migrateStore, readConfig } from '../src/index.ts';

test('a backup goes on where it was, and keeps to its moment, when somebody writes after each of its steps', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-backup-'));
  const config = readConfig({ given: { data: join(folder, 'data') } });
  await migrateStore(config);
  const writer = new DatabaseSync(join(config.data, 'coordinator.db'));
  writer.exec(`INSERT INTO setting VALUES ('large', printf('%4000000d', 0)), ('step', 'none')`);
  const steps: number[] = [];
  await backup(config, join(folder, 'backup'), {
    onProgress(copied) {
      steps.push(copied);
      writer.prepare(`UPDATE setting SET value = ? WHERE name = 'step'`).run(String(steps.length));
      if (steps.length > 100) throw new Error('It begins anew with each write');
    },
  });
  writer.close();
  expect(steps.length).toBeGreaterThan(1);
  expect(steps).toEqual([...new Set(steps)].toSorted((a, b) => a - b));
  const copy = new DatabaseSync(join(folder, 'backup/coordinator.db'));
  expect(copy.prepare(`SELECT value FROM setting WHERE name = 'step'`).get()).toEqual({ value: 'none' });
  copy.close();
  await rm(folder, { recursive: true });
});
