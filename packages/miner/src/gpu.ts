import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { GpuInfo } from '@aitbc/protocol';
import { type Gpu, parseAmdSmi, parseNvidiaSmi, parseRocmSmi, parseSystemProfiler } from './gpu-tools.ts';

/** Where GPUs are looked for. The defaults are this machine's. */
export interface GpuSources {
  /** `PATH` finds the tools; variables such as `CUDA_VISIBLE_DEVICES` choose among the GPUs. */
  env?: NodeJS.ProcessEnv;
  /** The file with the memory of a Linux machine. */
  meminfo?: string;
  /** The file with the board's name on a Linux machine without nvidia-smi, such as a Jetson. */
  board?: string;
}

/**
 * Returns the GPUs of this machine as their makers' tools report them: `nvidia-smi`, `amd-smi`, `rocm-smi`,
 * `system_profiler`. `memory` is that of the largest GPU, since a model that an engine does not split must
 * fit one card; `memory_total` is the sum. Undefined when no tool reports a GPU.
 */
export async function readGpuInfo(
  nvidiaSmi = 'nvidia-smi',
  { env = process.env, meminfo = '/proc/meminfo', board = '/proc/device-tree/model' }: GpuSources = {},
): Promise<GpuInfo | undefined> {
  const cuda = env.CUDA_VISIBLE_DEVICES;
  const run = async (command: string, ...args: string[]) => await outputOf(command, args, env);
  const machineMib = async () =>
    mebibytesIn(await read(meminfo)) ?? bytesIn(await run('sysctl', '-n', 'hw.memsize'));
  const looks = [
    async () => visible(parseNvidiaSmi(await run(nvidiaSmi, ...nvidia(cuda !== undefined))), cuda),
    async () => boardIn(await read(board)),
    async () => visible(parseAmdSmi(await run('amd-smi', ...AMD)), amdDevices(env)),
    async () => visible(parseRocmSmi(await run('rocm-smi', ...ROCM)), amdDevices(env)),
    async () => parseSystemProfiler(await run('system_profiler', 'SPDisplaysDataType', '-json')),
  ];
  for (const look of looks) {
    const found = withoutDisplays(await look());
    if (found.length === 0) continue;
    const shared = found.some(gpu => gpu.isShared) ? await machineMib() : undefined;
    return describe(found.map(gpu => (gpu.isShared && shared ? { ...gpu, mib: shared } : gpu)));
  }
  return undefined;
}

/** Lets the owner's values replace what the tools report. */
export function stateGpu(
  found: GpuInfo | undefined,
  { vramGb, name }: { vramGb?: number | undefined; name?: string | undefined },
): GpuInfo | undefined {
  const stated = {
    ...(name !== undefined && { name }),
    ...(vramGb !== undefined && { memory: `${vramGb} GB` }),
  };
  return found || Object.keys(stated).length > 0 ? { ...found, ...stated } : undefined;
}

const nvidia = (isChosen: boolean) => [
  `--query-gpu=name,memory.total,driver_version${isChosen ? ',index,uuid' : ''}`,
  '--format=csv,noheader,nounits',
];
const AMD = ['static', '--asic', '--vram', '--driver', '--json'];
const ROCM = ['--showproductname', '--showmeminfo', 'vram', '--showdriverversion', '--json'];

/**
 * Returns a tool's output; an empty text when the tool is missing, hangs or fails, since it then prints an
 * error.
 */
async function outputOf(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { timeout: 10_000, env })).stdout;
  } catch {
    return '';
  }
}

const read = (file: string) => readFile(file, 'utf8').catch(() => '');

function mebibytesIn(meminfo: string): number | undefined {
  const kibibytes = /^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1];
  return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024);
}

const bytesIn = (text: string) => (/^\d+\s*$/.test(text) ? Math.round(Number(text) / 1024 ** 2) : undefined);

/** Reads the board's name, such as `NVIDIA Jetson AGX Orin Developer Kit`, which ends in a zero byte. */
function boardIn(model: string): Gpu[] {
  const name = model.replaceAll('\0', '').trim();
  return /jetson/i.test(name) ? [{ name, isShared: true }] : [];
}

const amdDevices = (env: NodeJS.ProcessEnv) => env.ROCR_VISIBLE_DEVICES ?? env.HIP_VISIBLE_DEVICES;

/**
 * Returns the GPUs that a list such as `0,2` or `GPU-8932f937` leaves visible to programs. By the drivers'
 * rule the list ends at the first entry that names no GPU, and an empty list hides all.
 */
function visible(gpus: readonly Gpu[], devices: string | undefined): Gpu[] {
  if (devices === undefined) return [...gpus];
  const chosen: Gpu[] = [];
  for (const device of devices.split(',').map(text => text.trim())) {
    const gpu = gpus.find(({ index, uuid }, place) =>
      /^\d+$/.test(device) ? (index ?? place) === Number(device) : device !== '' && uuid?.startsWith(device),
    );
    if (!gpu || chosen.includes(gpu)) break;
    chosen.push(gpu);
  }
  return chosen;
}

/** A GPU with less memory beside a larger one is a processor's own graphics, which drives a display. */
const DISPLAY_MIB = 1_024;

function withoutDisplays(gpus: readonly Gpu[]): Gpu[] {
  const cards = gpus.filter(gpu => gpu.isShared || gpu.mib === undefined || gpu.mib >= DISPLAY_MIB);
  return cards.length > 0 ? cards : [...gpus];
}

/** Coordinators keep and show fields beyond the contract's too. */
function describe(gpus: readonly Gpu[]): GpuInfo {
  const sizes = gpus.flatMap(({ mib }) => (mib === undefined ? [] : [mib]));
  const total = sizes.reduce((sum, mib) => sum + mib, 0);
  const driver = gpus.find(gpu => gpu.driver !== undefined)?.driver;
  const gpuInfo = {
    name: namesOf(gpus.map(({ name }) => name)),
    ...(total > 0 && { memory: `${Math.max(...sizes)} MiB` }),
    ...(sizes.length > 1 && { memory_total: `${total} MiB` }),
    ...(gpus.some(gpu => gpu.isShared) && { memory_shared: true }),
    ...(driver !== undefined && { driver_version: driver }),
    count: gpus.length,
  };
  return gpuInfo;
}

function namesOf(names: readonly string[]): string {
  const counted = [...Map.groupBy(names, name => name)].map(([name, { length }]) =>
    length === 1 ? name : `${length} x ${name}`,
  );
  return counted.join(', ').slice(0, 128);
}
