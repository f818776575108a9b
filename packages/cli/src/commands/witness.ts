import { parseVkey, type VerifierKey } from '@aitbc/tlog';
import { type RunningWitness, startWitness, WitnessError } from '@aitbc/witness';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { port, words } from '../arguments.ts';
import { wantsJson } from '../connection.ts';
import { CommandFailure, UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { listeningError } from '../listening-error.ts';
import { note } from '../output.ts';
import { witnessLog } from '../witness-log.ts';

interface WitnessFlags {
  log?: VerifierKey[];
  logFrom?: string[];
  name?: string;
  data: string;
  host: string;
  port: number;
  verbose?: boolean;
}

/** `aitbc witness`: cosigns the checkpoints of logs until a signal stops it. */
export function addWitnessCommand(program: Command, io: Io): void {
  const command = program
    .command('witness')
    .description('run a witness, which vouches that ledgers rewrite nothing');
  addOptions(command);
  command.addHelpText('after', HELP).action(async (flags: WitnessFlags, command: Command) => {
    if (!flags.log && !flags.logFrom) throw new UsageError(NO_LOG);
    const json = wantsJson(command);
    const running = await start(flags, io, json);
    if (json) io.stdout.write(`${JSON.stringify(startedEvent(running))}\n`);
    else note(io, welcome(running, flags));
    await stopOnSignal(running, io);
  });
}

function addOptions(command: Command): void {
  const options: Option[] = [];
  const option = (flags: string, about: string) => {
    const made = new Option(flags, about);
    options.push(made);
    return made;
  };
  option('--log <vkey>', 'a log to watch, by its verifier key; can be repeated').argParser(vkeys);
  option(
    '--log-from <url>',
    'a log to watch, by its address; its key is read there at the first start',
  ).argParser(urls);
  option('--name <name>', 'the name of the witness, such as witness.example/alice; it never changes');
  option('--data <dir>', 'folder of its key, created at the first start, and of its checkpoints').default(
    './witness',
  );
  option('--host <address>', 'address to listen on').default('127.0.0.1');
  option('--port <port>', 'port to listen on; 0 takes a free port').argParser(port).default(8100);
  // Options are added last, because a default only counts if the option already has it.
  for (const made of options) command.addOption(made.env(variableOf(made)));
  command.option('--verbose', 'print every request');
}

/** `--log-from` is `AITBC_WITNESS_LOG_FROM`. */
const variableOf = (option: Option) => `AITBC_WITNESS_${option.name().replaceAll('-', '_').toUpperCase()}`;

function vkeys(text: string, before: readonly VerifierKey[] = []): VerifierKey[] {
  const parse = (vkey: string) => {
    try {
      return parseVkey(vkey);
    } catch (error) {
      throw new InvalidArgumentError(
        `${(error as Error).message}. A coordinator shows its own at /ledger/vkey.`,
      );
    }
  };
  return [...before, ...words(text).map(parse)];
}

function urls(text: string, before: readonly string[] = []): string[] {
  const urls = words(text);
  const wrong = urls.find(url => !/^https?:$/.test(URL.parse(url)?.protocol ?? ''));
  if (wrong !== undefined) {
    throw new InvalidArgumentError('It must be an address such as https://coordinator.example/ledger.');
  }
  return [...before, ...urls];
}

async function start(flags: WitnessFlags, io: Io, json: boolean): Promise<RunningWitness> {
  const { log: logs = [], logFrom: logsFrom = [], name, data, host, port, verbose = false } = flags;
  try {
    const onEvent = witnessLog(io, { json, verbose });
    return await startWitness({ data, name, logs, logsFrom, host, port, onEvent });
  } catch (error) {
    if (error instanceof WitnessError) throw new CommandFailure(error.message);
    throw listeningError(error);
  }
}

const startedEvent = ({ url, name, vkey, logs }: RunningWitness) => ({
  time: new Date().toISOString(),
  event: 'started',
  ...{ url, name, vkey, logs },
});

function welcome({ url, name, vkey, logs }: RunningWitness, { data }: WitnessFlags): string {
  return `
${name} listens on ${url}, with its data in ${data}.
It watches ${logs.join(', ')}.

  Its key           ${vkey}
  In a coordinator  npx aitbc serve --witness '${url}=${vkey}'
                    using the address at which the coordinator reaches it

Never run it on an older copy of ${data}: a witness that forgets can't be trusted.
`;
}

/** The first signal lets requests under way finish, the second ends the process at once. */
async function stopOnSignal(running: RunningWitness, io: Io): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isStopping = false;
  const unsubscribe = io.onSignal(() => {
    if (isStopping) process.exit(1);
    isStopping = true;
    resolve();
  });
  await promise;
  await running.close().finally(unsubscribe);
}

const NO_LOG =
  'A witness needs a log to watch: --log-from https://coordinator.example/ledger, or --log VKEY with the key that a ' +
  'coordinator shows there at /vkey';

const HELP = `
A witness signs a ledger's checkpoint when its tree begins with the tree before, and not when the ledger has forked or
rewritten its past. People who trust a witness of another operator need not keep checkpoints themselves. It speaks C2SP
tlog-witness.

Every option can also be set in the environment, as AITBC_WITNESS_ and its name. Separate several logs by spaces.

Examples:
  $ aitbc witness --name witness.example/alice --log-from https://coordinator.example/ledger
  $ aitbc witness --name witness.example/alice --log coordinator.example/ledger+f492c0ad+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
  $ aitbc witness --log-from https://coordinator.example/ledger --data /var/lib/witness --port 9000 --json

The name is only needed at the first start. The operator of the ledger adds the witness by its address and its key,
which it prints at its start and serves at /vkey.`;
