import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { GpuInfo } from '@aitbc/protocol';

const ARGUMENTS = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader,nounits'];

/** NVIDIA's GPUs as `nvidia-smi` tells of them, their memory summed up. Undefined where there is none. */
export async function readGpuInfo(command = 'nvidia-smi'): Promise<GpuInfo | undefined> {
  try {
    const { stdout } = await promisify(execFile)(command, ARGUMENTS, { timeout: 10_000 });
    return parseGpus(stdout);
  } catch {
    return undefined;
  }
}

/** One line for each GPU: `NVIDIA GeForce RTX 4090, 24564, 550.54.14`, the memory in MiB. */
function parseGpus(csv: string): GpuInfo | undefined {
  const gpus = csv
    .split('\n')
    .map(line => line.split(',').map(cell => cell.trim()))
    .filter(cells => cells.length >= 3);
  const [first] = gpus;
  if (!first) return undefined;
  // A GPU that shares the machine's memory says [N/A].
  const mebibytes = gpus.reduce((sum, [, memory]) => sum + (Number(memory) || 0), 0);
  // Beside the contract’s fields, coordinators keep and show any others.
  const gpuInfo = {
    name: namesOf(gpus.map(([name]) => name ?? '')),
    ...(mebibytes > 0 && { memory: `${mebibytes} MiB` }),
    driver_version: first[2],
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
