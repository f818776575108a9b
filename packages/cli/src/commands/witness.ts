import { parseVkey, type VerifierKey } from '@aitbc/tlog';
import { type RunningWitness, startWitness, WitnessError } from '@aitbc/witness';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { port, words } from '../arguments.ts';
import { wantsJson } from '../connection.ts';
import { CommandFailure, UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { listeningError } from '../listening.ts';
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
export function witness(program: Command, io: Io): void {
  const command = program.command('witness').description('run a witness: vouch that ledgers rewrite nothing');
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
  option('--log <vkey>', 'a log to watch, by its verifier key; as often as needed').argParser(vkeys);
  option(
    '--log-from <url>',
    'a log to watch, by its address: its key is read there at the first start',
  ).argParser(urls);
  option('--name <name>', 'what the witness is called, such as witness.example/alice; never changes');
  option('--data <dir>', 'folder of its key, made at the first start, and of what it has signed').default(
    './witness',
  );
  option('--host <address>', 'address to listen on').default('127.0.0.1');
  option('--port <port>', 'port to listen on; 0 takes a free one').argParser(port).default(8100);
  // When they are complete: a default counts only if the option has it by now.
  for (const made of options) command.addOption(made.env(variableOf(made)));
  command.option('--verbose', 'tell of every request');
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
    throw new InvalidArgumentError('An address looks like https://coordinator.example/ledger.');
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
                    with the address at which the coordinator reaches it

Never run it on an older copy of ${data}: a witness that forgets can't be believed.
`;
}

/** The first signal lets requests in flight finish, the second ends the process at once. */
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
A witness signs a ledger's checkpoints when each begins with the one before, and refuses forks and rewritten pasts. Run
by somebody else than the ledger, it spares everyone who trusts it from keeping checkpoints. It speaks C2SP tlog-witness.

Every option can also stand in the environment, as AITBC_WITNESS_ and its name; several logs with spaces between them.

Examples:
  $ aitbc witness --name witness.example/alice --log-from https://coordinator.example/ledger
  $ aitbc witness --name witness.example/alice --log coordinator.example/ledger+f492c0ad+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
  $ aitbc witness --log-from https://coordinator.example/ledger --data /var/lib/witness --port 9000 --json

The name is needed at the first start only. The operator of the ledger adds the witness by its address and its key,
which it shows at its start and at /vkey.`;
