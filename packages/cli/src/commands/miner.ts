import {
  type Backend,
  BackendError,
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
  type RunningMiner,
  readGpuInfo,
  type StatedAbilities,
  startMiner,
  stateGpu,
} from '@aitbc/miner';
import { LIMITS } from '@aitbc/protocol';
import { isCoordinatorError } from '@aitbc/sdk';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { integerFrom, list, positiveInteger, positiveNumber } from '../arguments.ts';
import { connect, wantsJson } from '../connection.ts';
import { CommandFailure, UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { abilities, contextLengths, together } from '../miner-abilities.ts';
import { minerLog } from '../miner-log.ts';
import { note } from '../output.ts';

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
  concurrency: number;
  maxJobs?: number;
  region?: string;
  address?: string;
  minerId?: string;
  state?: string;
  vram?: number;
  gpuName?: string;
  shutdownSeconds: number;
}

/** `aitbc miner`: runs jobs on this machine's engine until a signal stops it. */
export function miner(program: Command, io: Io): void {
  const command = program.command('miner').description('lend a GPU: run the jobs of a coordinator');
  addOptions(command);
  command.addHelpText('after', HELP).action(async (flags: MinerFlags, command: Command) => {
    const { minerId, state = defaultStateFolder(io.env) } = flags;
    const identity = await loadIdentity({ state, ...(minerId !== undefined && { minerId }) });
    const backend = await openBackend(flags, io);
    try {
      await run(await start({ backend, identity, flags, command, io }), io);
    } finally {
      await backend.close();
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
  option('-b, --backend <name>', 'the engine: llama with --gguf, else ollama by default').choices(BACKENDS);
  option('--backend-url <url>', `where it listens (${OLLAMA_URL} for ollama, ${OPENAI_URL} for openai)`);
  option('--backend-key <key>', 'the key that it asks for (better in the environment)');
  option('--gguf <file>', 'the model file of the llama backend');
  option('--context-size <tokens>', 'of the llama backend: prompt and answer together').argParser(
    positiveInteger,
  );
  option('--threads <n>', 'of the llama backend').argParser(positiveInteger);
  option('-m, --model <names>', 'only these of the engine’s models; what jobs call it for llama').argParser(
    list,
  );
  option(
    '--context-length <[model=]tokens>',
    'prompt and answer together, of all models or of one; with ollama the most that a job may have it load',
  ).argParser(contextLengths);
  option(
    '--abilities <[model=]list>',
    'all that models can do of text, embeddings, tools, images and json_schema, rather than what the engine tells',
  ).argParser(abilities);
  option('-c, --concurrency <n>', 'jobs at once').argParser(positiveInteger).default(1);
  option('--max-jobs <n>', 'end after so many jobs').argParser(positiveInteger);
  option('--region <name>', 'where this machine is, for jobs that ask for it');
  option(
    '--vram <gb>',
    'GPU memory that a model can have here, rather than what the GPU’s tools tell',
  ).argParser(gigabytes);
  option('--gpu-name <name>', 'what the GPU is called, rather than what its tools tell').argParser(gpuName);
  option('--address <ait1…>', 'where the earnings go, rather than to the owner of the API key');
  option('--miner-id <id>', 'a name of your own; several miners on one machine need one each');
  option('--state <dir>', 'where its key is kept, which signs results and is made at the first start');
  option('--shutdown-seconds <n>', 'what running jobs get to finish when it is stopped')
    .argParser(integerFrom(0))
    .default(30);
  // When they are complete: a default counts only if the option has it by now.
  for (const made of options) command.addOption(made.env(variableOf(made)));
}

function gigabytes(text: string): number {
  // Tools that count in MB, and people who copy from them, are more likely than machines of so many GB.
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

async function openBackend(flags: MinerFlags, io: Io): Promise<Backend> {
  const { gguf, backend = gguf === undefined ? 'ollama' : 'llama', model: models } = flags;
  const server = { url: flags.backendUrl, key: flags.backendKey };
  const { concurrency, contextSize, threads, contextLength = {} } = flags;
  const contextLimit = (model: string) =>
    (contextLength.byModel?.get(model) ?? contextLength.all)?.context_length;
  switch (backend) {
    case 'ollama':
      return ollamaBackend({ ...server, contextLimit });
    case 'openai':
      return openAiBackend({ ...server, contextLimit });
    case 'echo':
      return echoBackend(models && { models });
    case 'llama': {
      if (gguf === undefined) throw new UsageError('The llama backend needs a model: --gguf FILE');
      const spinner = io.spinner(`Loading ${gguf}`);
      return await llamaBackend({ gguf, models, concurrency, contextSize, threads })
        .catch(rejectPlainly)
        .finally(() => spinner.stop());
    }
  }
}

interface Start {
  backend: Backend;
  identity: Identity;
  flags: MinerFlags;
  command: Command;
  io: Io;
}

async function start({ backend, identity, flags, command, io }: Start): Promise<RunningMiner> {
  const clock = createClock(io.client?.fetch);
  const client = connect(command, { ...io, client: { ...io.client, fetch: clock.fetch } });
  const { concurrency, model: models, region, address, maxJobs } = flags;
  return await startMiner({
    ...{ client, backend, identity, concurrency, models, region, address, maxJobs },
    abilities: together(flags.contextLength, flags.abilities),
    gpuInfo: stateGpu(await readGpuInfo('nvidia-smi', { env: io.env }), {
      vramGb: flags.vram,
      name: flags.gpuName,
    }),
    shutdownTimeout: flags.shutdownSeconds * 1000,
    onEvent: minerLog(io, { backend: backend.name, json: wantsJson(command) }),
    now: clock.now,
  }).catch(rejectPlainly);
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

/** Apart from other failures, so that a service manager does not start it again to take the id back. */
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
Every option can also stand in the environment, as AITBC_MINER_ and its name: AITBC_MINER_BACKEND=ollama.
Of options for single models, several stand there with spaces between them.

Backends:
  ollama   Ollama, by its own API
  openai   any server that speaks OpenAI's API: vLLM, llama.cpp's server, LM Studio
  llama    a GGUF file in this process; needs \`npm install --no-save node-llama-cpp\`
  echo     repeats prompts and says so: for trying things

Examples:
  $ aitbc miner --coordinator https://coordinator.example
  $ aitbc miner --backend openai --backend-url http://127.0.0.1:8000/v1 --concurrency 8
  $ aitbc miner --gguf SmolLM2-135M-Instruct.gguf --model smollm2
  $ aitbc miner --context-length 32768 --abilities text,tools --abilities nomic-embed-text=embeddings
  $ aitbc miner --backend echo --model llama3.2 --max-jobs 1

Ctrl-C lets running jobs finish; pressed again, it hands them back to the coordinator.`;
