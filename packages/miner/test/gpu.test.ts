import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readGpuInfo } from '../src/index.ts';

/** A program that prints what nvidia-smi would, when it is asked as it must be. */
async function nvidiaSmi(lines: string[], exitCode = 0): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-gpu-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'nvidia-smi');
  const asked = '--query-gpu=name,memory.total,driver_version --format=csv,noheader,nounits';
  const script = [
    '#!/bin/sh',
    `test "$*" = '${asked}' || exit 2`,
    "cat <<'END'",
    ...lines,
    'END',
    `exit ${exitCode}`,
  ];
  await writeFile(path, script.join('\n'));
  await chmod(path, 0o755);
  return path;
}

test('a GPU is told by name, memory and driver', async () => {
  expect(await readGpuInfo(await nvidiaSmi(['NVIDIA GeForce RTX 4090, 24564, 550.54.14']))).toEqual({
    ...{ name: 'NVIDIA GeForce RTX 4090', memory: '24564 MiB', driver_version: '550.54.14', count: 1 },
  });
});

test('of several GPUs the memory is summed up', async () => {
  const lines = [
    'NVIDIA A100, 40960, 550.54.14',
    'NVIDIA A100, 40960, 550.54.14',
    'NVIDIA L4, 23034, 550.54.14',
  ];
  expect(await readGpuInfo(await nvidiaSmi(lines))).toMatchObject({
    ...{ name: '2 x NVIDIA A100, NVIDIA L4', memory: '104954 MiB', count: 3 },
  });
});

test('a GPU that shares the memory of the machine is told without any', async () => {
  const gpu = await readGpuInfo(await nvidiaSmi(['NVIDIA GB10, [N/A], 580.95.05']));
  expect(gpu).toEqual({ name: 'NVIDIA GB10', driver_version: '580.95.05', count: 1 });
});

test.each([
  ['has failed', ["NVIDIA-SMI has failed because it couldn't communicate with the driver."], 9],
  ['finds no devices', ['No devices were found'], 0],
])('where nvidia-smi %s there is no GPU', async (_, lines, exitCode) => {
  expect(await readGpuInfo(await nvidiaSmi(lines, exitCode))).toBeUndefined();
});

test('where there is no nvidia-smi there is no GPU', async () => {
  expect(await readGpuInfo(join(tmpdir(), 'no-such-program'))).toBeUndefined();
});
