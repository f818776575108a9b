import {
  type Config,
  ConfigError,
  flagOf,
  OPTIONS,
  type OptionName,
  type RunningCoordinator,
  startCoordinator,
  variableOf,
} from '@aitbc/coordinator';
import { type Command, Option } from 'commander';
import { UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { listeningError } from '../listening-error.ts';
import { note } from '../output.ts';
import { printable } from '../printable.ts';
import { collectAfterStart } from '../small-heap.ts';

interface ServeFlags extends Partial<Record<OptionName, unknown>> {
  config?: string;
}

/** `aitbc serve`: runs the coordinator until a signal stops it. */
export function addServeCommand(program: Command, io: Io): void {
  const command = program
    .command('serve')
    .description('run a coordinator')
    .option('--config <file>', 'JSON file with options by name, such as {"port": 9000} (env AITBC_CONFIG)')
    .addHelpText('after', HELP);
  addConfigOptions(command, Object.keys(OPTIONS) as OptionName[]);
  command.action(async ({ config: file = io.env.AITBC_CONFIG, ...given }: ServeFlags) => {
    const coordinator = await start(given, file, io);
    collectAfterStart();
    note(io, welcome(coordinator));
    await stopOnSignal(coordinator, io);
  });
}

/**
 * Adds options of the coordinator's configuration as flags. The configuration checks them, like its other
 * sources.
 */
export function addConfigOptions(command: Command, names: readonly OptionName[]): void {
  for (const name of names) {
    const {
      about,
      kind,
      unit = kind === 'text' ? 'VALUE' : 'NUMBER',
      default: standard,
    } = OPTIONS[name] as Described;
    const value = kind === 'proxies' ? `[${unit}]` : `<${unit}>`;
    const flags = kind === 'switch' ? flagOf(name) : `${flagOf(name)} ${value}`;
    const unless = standard === undefined || typeof standard === 'object' ? '' : `, default ${standard}`;
    const option = new Option(flags, `${about} (env ${variableOf(name)}${unless})`);
    command.addOption(REPEATABLE.includes(kind) ? option.argParser(collect) : option);
  }
}

/** Kinds of options that may be given several times. */
const REPEATABLE = ['witnesses', 'networks', 'aliases'];

/** Collects a repeated option in order. */
const collect = (text: string, before: readonly string[] = []) => [...before, text];

interface Described {
  about: string;
  kind: string;
  unit?: string;
  default: unknown;
}

async function start(given: Partial<Record<OptionName, unknown>>, configFile: string | undefined, io: Io) {
  try {
    const options = given as Partial<Config>;
    return await startCoordinator({
      ...options,
      env: io.env,
      readableLog: { open: openReadableStream, isTerminal: io.stdout.isTTY === true },
      ...(configFile !== undefined && { configFile }),
    });
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message);
    throw listeningError(error);
  }
}

/** Prints readable log lines. Programs get JSON lines. Strangers wrote some of the texts. */
async function openReadableStream() {
  const { PinoPretty } = await import('pino-pretty');
  const pretty = PinoPretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' });
  const shown = (_name: string, value: unknown) => (typeof value === 'string' ? printable(value) : value);
  return {
    write(line: string) {
      pretty.write(`${JSON.stringify(JSON.parse(line, shown))}\n`);
    },
  };
}

function welcome({ url, open, config }: RunningCoordinator): string {
  const key = open ? '' : " -H 'X-Api-Key: KEY'";
  return `
The coordinator listens on ${url}, with its data in ${config.databaseUrl === undefined ? config.data : 'PostgreSQL'}.
${open ? 'It is open: requests need no key.' : `Requests need a key: \`${createKeyCommand(config)}\` creates one.`}

  Submit a job    curl ${url}/v1/jobs${key} -H 'Content-Type: application/json' \\
                    -d '{"prompt": "Hello!", "model": "llama3.2"}'
  Lend a GPU      npx aitbc miner --coordinator ${url} --backend ollama
  API reference   ${url}/docs
`;
}

/** Keys are created in the coordinator's own store, wherever it is. */
function createKeyCommand({ data, databaseUrl }: Config): string {
  const flags = databaseUrl === undefined && data !== OPTIONS.data.default ? ` --data ${quoted(data)}` : '';
  // A database's URL contains a password, which must not appear on a terminal.
  const same = databaseUrl === undefined ? '' : ' --database-url …';
  return `npx aitbc keys create --scope client${flags}${same}`;
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** The first signal drains. A second one, or a drain that takes too long, ends the process at once. */
async function stopOnSignal(coordinator: RunningCoordinator, io: Io): Promise<void> {
  const { drainSeconds, stopDelaySeconds } = coordinator.config;
  const mostSeconds = drainSeconds + stopDelaySeconds;
  const giveUp = (why: string) => {
    note(io, `${why}: leaving requests unanswered. All answered requests are stored.`);
    process.exit(1);
  };
  await new Promise<void>(resolve => {
    let isDraining = false;
    io.onSignal(signal => {
      if (isDraining) giveUp(signal);
      isDraining = true;
      note(io, `${signal}: finishing requests under way…`);
      setTimeout(() => giveUp(`Not finished after ${mostSeconds} s`), mostSeconds * 1000).unref();
      resolve();
    });
  });
  await coordinator.close();
}

const HELP = `
Every option can also be set in the environment or in the configuration file. The command line overrides the
environment, which overrides the file.

Examples:
  $ aitbc serve
  $ aitbc serve --host 0.0.0.0 --data /var/lib/aitbc
  $ AITBC_PORT=9000 aitbc serve --rates llama3.2=0.02,codellama=0.03`;
