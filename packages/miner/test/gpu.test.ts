import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readGpuInfo, stateGpu } from '../src/index.ts';

interface Tool {
  prints: string;
  exitCode?: number;
}

/** Returns the sources of a machine whose tools print these texts. */
async function machine(
  tools: Record<string, string | Tool>,
  { env = {}, ...files }: { env?: NodeJS.ProcessEnv; meminfo?: string; board?: string } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-gpu-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, tool] of Object.entries(tools)) {
    const { prints, exitCode = 0 } = typeof tool === 'string' ? { prints: tool } : tool;
    const script = ['#!/bin/sh', "/bin/cat <<'END'", prints, 'END', `exit ${exitCode}`];
    await writeFile(join(folder, name), script.join('\n'));
    await chmod(join(folder, name), 0o755);
  }
  const sources: { meminfo: string; board: string } = { meminfo: '', board: '', ...files };
  await writeFile(join(folder, 'meminfo.txt'), sources.meminfo);
  await writeFile(join(folder, 'board.txt'), sources.board);
  return await readGpuInfo('nvidia-smi', {
    env: { PATH: folder, ...env },
    meminfo: join(folder, 'meminfo.txt'),
    board: join(folder, 'board.txt'),
  });
}

const FOUR = [
  'NVIDIA A100-SXM4-40GB, 40960, 550.54.14, 0, GPU-8932f937-d72c-4106-c12f-20bd9faed9f6',
  'NVIDIA A100-SXM4-40GB, 40960, 550.54.14, 1, GPU-5e2c4b4c-a1d0-4be3-9a3d-2b7cbb7e0b9b',
  'NVIDIA L4, 23034, 550.54.14, 2, GPU-0d7d2c64-3d0f-4e43-ae03-0d4b8c9c1d2e',
  'Quadro P400, 2048, 550.54.14, 3, GPU-f1c2d3e4-0000-4be3-9a3d-2b7cbb7e0b9b',
].join('\n');

test('a GPU has a name, memory and a driver', async () => {
  const prints = 'NVIDIA GeForce RTX 4090, 24564, 550.54.14, 0, GPU-8932f937-d72c-4106-c12f-20bd9faed9f6';
  expect(await machine({ 'nvidia-smi': prints })).toEqual({
    ...{ name: 'NVIDIA GeForce RTX 4090', memory: '24564 MiB', driver_version: '550.54.14', count: 1 },
  });
});

test('the memory of several GPUs is that of the largest, as an unsplit model must fit one', async () => {
  expect(await machine({ 'nvidia-smi': FOUR })).toMatchObject({
    name: '2 x NVIDIA A100-SXM4-40GB, NVIDIA L4, Quadro P400',
    ...{ memory: '40960 MiB', memory_total: '107002 MiB', count: 4 },
  });
});

test.each([
  ['2', { name: 'NVIDIA L4', memory: '23034 MiB', count: 1 }],
  ['1,2', { name: 'NVIDIA A100-SXM4-40GB, NVIDIA L4', memory: '40960 MiB', count: 2 }],
  ['GPU-0d7d2c64', { name: 'NVIDIA L4', count: 1 }],
  ['2,-1,0', { name: 'NVIDIA L4', count: 1 }],
])('CUDA_VISIBLE_DEVICES=%s leaves these GPUs visible', async (devices, gpu) => {
  const env = { CUDA_VISIBLE_DEVICES: devices };
  expect(await machine({ 'nvidia-smi': FOUR }, { env })).toMatchObject(gpu);
});

test.each(['', '-1', 'NoDevFiles'])('CUDA_VISIBLE_DEVICES="%s" hides all GPUs', async devices => {
  expect(await machine({ 'nvidia-smi': FOUR }, { env: { CUDA_VISIBLE_DEVICES: devices } })).toBeUndefined();
});

const SPARK = 'NVIDIA GB10, [N/A], 580.95.05, 0, GPU-2dee1e25-b3b5-007e-2b55-79f2d0f2ebe5';

test('a GPU that shares the memory of the machine has that', async () => {
  const meminfo = 'MemTotal:       127600748 kB\nMemFree:        118566368 kB\n';
  expect(await machine({ 'nvidia-smi': SPARK }, { meminfo })).toEqual({
    ...{ name: 'NVIDIA GB10', memory: '124610 MiB', memory_shared: true },
    ...{ driver_version: '580.95.05', count: 1 },
  });
  expect(await machine({}, { meminfo, board: 'NVIDIA Jetson AGX Orin Developer Kit\0' })).toMatchObject({
    name: 'NVIDIA Jetson AGX Orin Developer Kit',
    memory: '124610 MiB',
  });
});

test('a card whose memory the driver does not report has none', async () => {
  const prints = 'GRID T4-16Q, [N/A], 550.54.14, 0, GPU-8932f937';
  const meminfo = 'MemTotal:       127600748 kB\n';
  expect(await machine({ 'nvidia-smi': prints }, { meminfo })).toEqual({
    ...{ name: 'GRID T4-16Q', driver_version: '550.54.14', count: 1 },
  });
});

test.each([
  [
    'has failed',
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
    9,
  ],
  [
    'meets another library',
    'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.183, 1, 2',
    18,
  ],
  ['finds no devices', 'No devices were found', 0],
  [
    'has lost a GPU',
    'Unable to determine the device handle for GPU0000:0A:00.0: GPU is lost.  Reboot the system, to recover, this GPU',
    0,
  ],
  ['knows nothing of it', '[Unknown Error], [Unknown Error], [Unknown Error], 0, GPU-1', 0],
])('no GPU is found when nvidia-smi %s', async (_, prints, exitCode) => {
  expect(await machine({ 'nvidia-smi': { prints, exitCode } })).toBeUndefined();
});

test('an error about one GPU does not hide the others', async () => {
  const prints = `Unable to determine the device handle for GPU0000:0A:00.0: Unknown Error\n${FOUR}`;
  expect(await machine({ 'nvidia-smi': prints })).toMatchObject({ count: 4 });
});

test('no GPU is found without any tool', async () => {
  expect(await machine({})).toBeUndefined();
});

const amdSmi = (list: unknown) =>
  `/usr/lib/python3.14/site-packages/amdsmi/amdsmi_interface.py:3569: SyntaxWarning: 'return' in a 'finally' block\n  return return_dictionary\n${JSON.stringify(list, null, 4)}`;

const RX_7800 = {
  gpu: 0,
  asic: { market_name: 'AMD Radeon RX 7800 XT', vendor_id: '0x1002', num_compute_units: 60 },
  driver: { name: 'amdgpu', version: '6.16.13' },
  vram: { type: 'GDDR6', vendor: 'HYNIX', size: { value: 16368, unit: 'MB' }, bit_width: 256 },
};

const RAPHAEL = {
  gpu: 1,
  asic: { market_name: 'AMD Radeon Graphics' },
  vram: { type: 'DDR5', size: { value: 512, unit: 'MB' } },
};

test.each([
  ['a list', [RX_7800, RAPHAEL]],
  ['gpu_data', { gpu_data: [RX_7800, RAPHAEL] }],
])('amd-smi reports cards in %s, and the display’s is ignored', async (_, told) => {
  expect(await machine({ 'amd-smi': amdSmi(told) })).toEqual({
    ...{ name: 'AMD Radeon RX 7800 XT', memory: '16368 MiB', driver_version: '6.16.13', count: 1 },
  });
});

test('the graphics of a processor that runs models have the memory of the machine', async () => {
  const told = [
    { gpu: 0, asic: { market_name: 'AMD Radeon 8060S' }, vram: { size: { value: 512, unit: 'MB' } } },
  ];
  const meminfo = 'MemTotal:       131072000 kB\n';
  expect(await machine({ 'amd-smi': amdSmi(told) }, { meminfo })).toMatchObject({
    ...{ name: 'AMD Radeon 8060S', memory: '128000 MiB', memory_shared: true },
  });
});

const ROCM = {
  card0: {
    'VRAM Total Memory (B)': '21458059264',
    'VRAM Total Used Memory (B)': '27856896',
    'Card Series': 'Radeon RX 7900 XT',
    'Card Model': '0x744c',
    'Card Vendor': 'Advanced Micro Devices, Inc. [AMD/ATI]',
    'GFX Version': 'gfx1100',
  },
  card1: { 'Card series': 'N/A', 'Card model': '0x73bf', 'VRAM Total Memory (B)': '17163091968' },
  system: { 'Driver version': '6.7.0' },
};

test('rocm-smi reports cards when amd-smi is missing', async () => {
  const prints = `WARNING: AMD GPU device(s) is/are in a low-power state. Check power control/runtime_status\n\n${JSON.stringify(ROCM)}`;
  expect(await machine({ 'rocm-smi': prints })).toEqual({
    ...{ name: 'Radeon RX 7900 XT, AMD GPU', memory: '20464 MiB', memory_total: '36832 MiB' },
    ...{ driver_version: '6.7.0', count: 2 },
  });
  expect(await machine({ 'rocm-smi': prints }, { env: { HIP_VISIBLE_DEVICES: '0' } })).toMatchObject({
    ...{ name: 'Radeon RX 7900 XT', count: 1 },
  });
});

const displays = (...cards: object[]) => JSON.stringify({ SPDisplaysDataType: cards }, null, 2);

test('a Mac’s GPU has the memory of the machine', async () => {
  const m2 = {
    ...{ _name: 'Apple M2 Pro', sppci_model: 'Apple M2 Pro', sppci_cores: '19' },
    ...{ spdisplays_vendor: 'sppci_vendor_Apple', sppci_device_type: 'spdisplays_gpu' },
    spdisplays_ndrvs: [{ _name: 'Color LCD', _spdisplays_pixels: '3024 x 1964' }],
  };
  expect(await machine({ system_profiler: displays(m2), sysctl: '34359738368' })).toEqual({
    ...{ name: 'Apple M2 Pro', memory: '32768 MiB', memory_shared: true, count: 1 },
  });
});

test('an older Mac has the card with its own memory', async () => {
  const cards = [
    { sppci_model: 'Intel Iris Pro', spdisplays_vram_shared: '1536 MB' },
    { sppci_model: 'Radeon Pro 5500M', spdisplays_vram: '4 GB' },
  ];
  expect(await machine({ system_profiler: displays(...cards) })).toEqual({
    ...{ name: 'Radeon Pro 5500M', memory: '4096 MiB', count: 1 },
  });
});

test('the owner’s values override the tools’', async () => {
  const found = { name: 'NVIDIA L4', memory: '23034 MiB', count: 1 };
  expect(stateGpu(found, { vramGb: 48 })).toEqual({ name: 'NVIDIA L4', memory: '48 GB', count: 1 });
  expect(stateGpu(undefined, { vramGb: 16, name: 'Intel Arc A770' })).toEqual({
    name: 'Intel Arc A770',
    memory: '16 GB',
  });
  expect(stateGpu(undefined, {})).toBeUndefined();
});
