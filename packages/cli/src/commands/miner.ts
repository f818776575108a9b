import { readFile } from 'node:fs/promises';
import {
  type Backend,
  BackendError,
  claimedPassports,
  createClock,
  defaultStateFolder,
  echoBackend,
  type Identity,
  llamaBackend,
  loadIdentity,
  OLLAMA_URL,
  OPENAI_URL,
  ollamaBackend,
  openAiBackend,
  type PassportsByModel,
  type RunningMiner,
  readGpuInfo,
  type StatedAbilities,
  startMiner,
  stateGpu,
} from '@aitbc/miner';
import { LIMITS } from '@aitbc/protocol';
import { isCoordinatorError } from '@aitbc/sdk';
import { openTracing, type Tracing } from '@aitbc/tracing';
import { type Command, InvalidArgumentError, Option } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { integerFrom, nameList, positiveInteger, positiveNumber } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import { CommandFailure, UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { abilities, combineAbilities, contextLengths } from '../miner-abilities.ts';
import { minerLog } from '../miner-log.ts';
import { note } from '../output.ts';
import { verifyAnswers } from './verify-answers.ts';

const BACKENDS = ['ollama', 'openai', 'llama', 'echo'] as const;

interface MinerFlags {
  backend?: (typeof BACKENDS)[number];
  backendUrl?: string;
  backendKey?: string;
  gguf?: string;
  contextSize?: number;
  threads?: number;
  model?: string[];
  contextLength?: StatedAbilities;
  abilities?: StatedAbilities;
  passports?: string;
  concurrency: number;
  maxJobs?: number;
  region?: string;
  address?: string;
  minerId?: string;
  state?: string;
  vram?: number;
  gpuName?: string;
  shutdownSeconds: number;
  verify?: boolean;
}

/** `aitbc miner`: runs jobs on this machine's engine until a signal stops it. */
export function addMinerCommand(program: Command, io: Io): void {
  const command = program.command('miner').description('lend a GPU: run jobs of a coordinator');
  addOptions(command);
  command.addHelpText('after', HELP).action(async (flags: MinerFlags, command: Command) => {
    const { minerId, state = defaultStateFolder(io.env) } = flags;
    const identity = await loadIdentity({ state, ...(minerId !== undefined && { minerId }) });
    if (flags.verify) {
      await verifyAnswers({ ...flags, state }, { identity, command, io }).catch(rejectPlainly);
      return;
    }
    const tracing = await openTraces(io);
    const backend = await openBackend({ ...flags, state }, io);
    try {
      await run(await start({ backend, identity, tracing, flags, command, io }), io);
    } finally {
      await backend.close();
      await tracing?.close();
    }
  });
}

function addOptions(command: Command): void {
  const options: Option[] = [];
  const option = (flags: string, about: string) => {
    const made = new Option(flags, about);
    options.push(made);
    return made;
  };
  option('-b, --backend <name>', 'the engine; default: llama with --gguf, otherwise ollama').choices(
    BACKENDS,
  );
  option(
    '--backend-url <url>',
    `the engine's address (default ${OLLAMA_URL} for ollama, ${OPENAI_URL} for openai)`,
  );
  option('--backend-key <key>', 'the engine’s API key (better in the environment)');
  option('--gguf <file>', 'the model file of the llama backend');
  option('--context-size <tokens>', 'for the llama backend: tokens of prompt and answer together').argParser(
    positiveInteger,
  );
  option('--threads <n>', 'for the llama backend: processor threads').argParser(positiveInteger);
  option(
    '-m, --model <names>',
    'offer only these models of the engine; for llama: the model’s names',
  ).argParser(nameList);
  option(
    '--context-length <[model=]tokens>',
    'tokens of prompt and answer together, for all models or one; with ollama the most that a job may load',
  ).argParser(contextLengths);
  option(
    '--abilities <[model=]list>',
    'what models can do, of text, embeddings, tools, images and json_schema, instead of what the engine reports',
  ).argParser(abilities);
  option(
    '--passports <file>',
    'JSON of what models are, for what the engine does not tell: {"MODEL": {"weights": "sha256:…"}}',
  );
  option('-c, --concurrency <n>', 'how many jobs run at once').argParser(positiveInteger).default(1);
  option('--max-jobs <n>', 'end after this many jobs').argParser(positiveInteger);
  option('--region <name>', 'the region of this machine, for jobs that require one');
  option('--vram <gb>', 'GPU memory for a model, instead of what the GPU’s tools report').argParser(
    gigabytes,
  );
  option('--gpu-name <name>', 'the name of the GPU, instead of what its tools report').argParser(gpuName);
  option('--address <ait1…>', 'the address that earnings go to, instead of the API key owner’s');
  option('--miner-id <id>', 'the id of the miner; several miners on one machine need different ones');
  option('--state <dir>', 'folder of its key, which signs results and is created at the first start');
  option(
    '--verify',
    'run no jobs: read other miners’ answers with the model of --gguf, to tell whether they come from it',
  );
  option('--shutdown-seconds <n>', 'how long running jobs may finish after a stop')
    .argParser(integerFrom(0))
    .default(30);
  // Options are added last, because a default only counts if the option already has it.
  for (const made of options) command.addOption(made.env(variableOf(made)));
}

function gigabytes(text: string): number {
  // Some tools count in MB, and a value copied from them is more likely than a machine with that many GB.
  const value = positiveNumber(text);
  if (value > LIMITS.vramGb.max)
    throw new InvalidArgumentError(`It must be in GB, at most ${LIMITS.vramGb.max}.`);
  return value;
}

function gpuName(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > 128) throw new InvalidArgumentError('It must have 1 to 128 characters.');
  return name;
}

/** `--backend-url` is `AITBC_MINER_BACKEND_URL`, `--miner-id` is `AITBC_MINER_ID`. */
function variableOf(option: Option): string {
  const name = option
    .name()
    .replace(/^miner-/, '')
    .replaceAll('-', '_');
  return `AITBC_MINER_${name.toUpperCase()}`;
}

async function openBackend(flags: MinerFlags & { state: string }, io: Io): Promise<Backend> {
  const { gguf, backend = gguf === undefined ? 'ollama' : 'llama', model: models } = flags;
  const server = { url: flags.backendUrl, key: flags.backendKey };
  const { concurrency, contextSize, threads, contextLength = {}, state } = flags;
  const contextLimit = (model: string) =>
    (contextLength.byModel?.get(model) ?? contextLength.all)?.context_length;
  switch (backend) {
    case 'ollama':
      return ollamaBackend({ ...server, contextLimit });
    case 'openai':
      return openAiBackend({ ...server, contextLimit, state });
    case 'echo':
      return echoBackend(models && { models });
    case 'llama': {
      if (gguf === undefined) throw new UsageError('The llama backend needs a model: --gguf FILE');
      const spinner = io.spinner(`Loading ${gguf}`);
      return await llamaBackend({ gguf, models, concurrency, contextSize, threads, state })
        .catch(rejectPlainly)
        .finally(() => spinner.stop());
    }
  }
}

/** Exports the miner's part of traces where OpenTelemetry's standard variables say so. */
async function openTraces(io: Io): Promise<Tracing | undefined> {
  let isTold = false;
  const onFault = ({ message }: Error) => {
    if (!isTold) note(io, `Traces could not be exported: ${message}`);
    isTold = true;
  };
  return await openTracing({ service: 'aitbc-miner', version: manifest.version, onFault }).catch(error => {
    throw new UsageError((error as Error).message);
  });
}

interface Start {
  backend: Backend;
  identity: Identity;
  tracing: Tracing | undefined;
  flags: MinerFlags;
  command: Command;
  io: Io;
}

async function start({ backend, identity, tracing, flags, command, io }: Start): Promise<RunningMiner> {
  const clock = createClock(io.client?.fetch);
  const client = clientFor(command, { ...io, client: { ...io.client, fetch: clock.fetch } });
  const { concurrency, model: models, region, address, maxJobs } = flags;
  return await startMiner({
    ...{ client, backend, identity, tracing, concurrency, models, region, address, maxJobs },
    abilities: combineAbilities(flags.contextLength, flags.abilities),
    passports: await readPassports(flags.passports),
    gpuInfo: stateGpu(await readGpuInfo('nvidia-smi', { env: io.env }), {
      vramGb: flags.vram,
      name: flags.gpuName,
    }),
    shutdownTimeout: flags.shutdownSeconds * 1000,
    onEvent: minerLog(io, { backend: backend.name, json: wantsJson(command) }),
    now: clock.now,
  }).catch(rejectPlainly);
}

/** @throws {UsageError} when the file can not be read, or claims what no passport may have */
async function readPassports(path: string | undefined): Promise<PassportsByModel | undefined> {
  if (path === undefined) return undefined;
  try {
    return claimedPassports(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new UsageError(`--passports ${path}: ${(error as Error).message}`);
  }
}

/** The first signal lets jobs finish, the second hands them back, the third ends the process at once. */
async function run(miner: RunningMiner, io: Io): Promise<void> {
  let signals = 0;
  const unsubscribe = io.onSignal(signal => {
    signals++;
    if (signals > 2) process.exit(1);
    if (signals === 2) note(io, `${signal}: handing jobs back…`);
    (signals === 1 ? miner.stop() : miner.quit()).catch(() => {});
  });
  await miner.done.catch(rejectPlainly).finally(unsubscribe);
}

/**
 * This exit code differs from other failures, so that a service manager does not start the miner again to
 * take the id back.
 */
class Superseded extends CommandFailure {
  override name = 'Superseded';
  override readonly exitCode = 3;
}

function rejectPlainly(error: unknown): never {
  if (error instanceof BackendError) throw new CommandFailure(error.message);
  if (isCoordinatorError(error, 'MINER_SUPERSEDED')) throw new Superseded(error.detail);
  throw error;
}

const HELP = `
Every option can also be set in the environment, as AITBC_MINER_ and its name: AITBC_MINER_BACKEND=ollama. Separate
several values for single models by spaces.

Backends:
  ollama   Ollama, through its own API
  openai   any server that speaks OpenAI's API: vLLM, llama.cpp's server, LM Studio
  llama    a GGUF file in this process; needs \`npm install --no-save node-llama-cpp\`
  echo     repeats prompts and says so, for trials

Examples:
  $ aitbc miner --coordinator https://coordinator.example
  $ aitbc miner --backend openai --backend-url http://127.0.0.1:8000/v1 --concurrency 8
  $ aitbc miner --gguf SmolLM2-135M-Instruct.gguf --model smollm2
  $ aitbc miner --context-length 32768 --abilities text,tools --abilities nomic-embed-text=embeddings
  $ aitbc miner --backend echo --model llama3.2 --max-jobs 1
  $ aitbc miner --verify --gguf SmolLM2-135M-Instruct.gguf

OpenTelemetry’s standard variables, such as OTEL_EXPORTER_OTLP_ENDPOINT, export traces of jobs that belong to one.

Ctrl-C lets running jobs finish; pressed again, it hands them back to the coordinator.`;
