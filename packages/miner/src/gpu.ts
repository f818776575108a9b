import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { GpuInfo } from '@aitbc/protocol';
import { type Gpu, parseAmdSmi, parseNvidiaSmi, parseRocmSmi, parseSystemProfiler } from './gpu-tools.ts';

/** Where GPUs are looked for. The defaults are this machine. */
export interface GpuSources {
  /** `PATH` finds the tools; `CUDA_VISIBLE_DEVICES` and its like choose among the GPUs. */
  env?: NodeJS.ProcessEnv;
  /** Tells the memory of a Linux machine. */
  meminfo?: string;
  /** Names the board of a Linux machine that has no nvidia-smi, as a Jetson. */
  board?: string;
}

/**
 * The GPUs of this machine, as the tools of their makers tell: `nvidia-smi`, `amd-smi`, `rocm-smi`, `system_profiler`.
 * `memory` is that of the largest one, since a model that an engine does not split must fit one card; `memory_total`
 * tells all of several. Undefined where no tool tells of a GPU.
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

/** What an owner says of the GPU goes before what its tools tell. */
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

/** What a tool prints; nothing where it is missing, hangs or fails: what it prints then is about its failure. */
async function outputOf(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { timeout: 10_000, env })).stdout;
  } catch {
    return '';
  }
}

const read = (file: string) => readFile(file, 'utf8').catch(() => '');

/** `MemTotal:       127600748 kB` */
function mebibytesIn(meminfo: string): number | undefined {
  const kibibytes = /^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1];
  return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024);
}

const bytesIn = (text: string) => (/^\d+\s*$/.test(text) ? Math.round(Number(text) / 1024 ** 2) : undefined);

/** `NVIDIA Jetson AGX Orin Developer Kit`, with a zero byte at its end. */
function boardIn(model: string): Gpu[] {
  const name = model.replaceAll('\0', '').trim();
  return /jetson/i.test(name) ? [{ name, isShared: true }] : [];
}

const amdDevices = (env: NodeJS.ProcessEnv) => env.ROCR_VISIBLE_DEVICES ?? env.HIP_VISIBLE_DEVICES;

/**
 * The GPUs that `0,2` or `GPU-8932f937` leaves to programs, by their drivers' rule: the list ends at the first entry
 * that names no GPU, and an empty one hides all.
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

/** Less than this beside a real card is a processor's own graphics, which drives a display. */
const DISPLAY_MIB = 1_024;

function withoutDisplays(gpus: readonly Gpu[]): Gpu[] {
  const cards = gpus.filter(gpu => gpu.isShared || gpu.mib === undefined || gpu.mib >= DISPLAY_MIB);
  return cards.length > 0 ? cards : [...gpus];
}

/** Beside the contract’s fields, coordinators keep and show any others. */
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
