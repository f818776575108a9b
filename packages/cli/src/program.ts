import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { DEFAULT_COORDINATOR } from './connection.ts';
import { exitCodeOf, explain } from './failure.ts';
import type { Io } from './io.ts';

/** Adds a command to the program. */
type Register = (program: Command, io: Io) => void;

/** Loaded when called, or for the help: the server alone takes longer to load than most commands to run. */
const COMMANDS: Record<string, () => Promise<Register>> = {
  serve: async () => (await import('./commands/serve.ts')).serve,
  keys: async () => (await import('./commands/keys.ts')).keys,
  migrate: async () => (await import('./commands/migrate.ts')).migrate,
  backup: async () => (await import('./commands/backup.ts')).backup,
  restore: async () => (await import('./commands/restore.ts')).restore,
  store: async () => (await import('./commands/store.ts')).store,
  submit: async () => (await import('./commands/submit.ts')).submit,
  jobs: async () => (await import('./commands/jobs.ts')).jobs,
  miner: async () => (await import('./commands/miner.ts')).miner,
  miners: async () => (await import('./commands/miners.ts')).miners,
  account: async () => (await import('./commands/account.ts')).account,
  credits: async () => (await import('./commands/credits.ts')).credits,
  stats: async () => (await import('./commands/stats.ts')).stats,
  witness: async () => (await import('./commands/witness.ts')).witness,
  receipt: async () => (await import('./commands/receipt.ts')).receipt,
  explorer: async () => (await import('./commands/explorer.ts')).explorer,
  ledger: async () => (await import('./commands/ledger.ts')).ledger,
};

/**
 * Runs one command line.
 *
 * @param argv what follows the name of the command
 * @returns the exit code: 0 fine, 1 failed, 2 wrongly called, 130 interrupted
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const program = createProgram(io, argv.includes('--json'));
  const named = Object.keys(COMMANDS).filter(name => argv.includes(name));
  const isKnown = named.length > 0 || /^(-V|--version)$/.test(argv[0] ?? '');
  for (const name of isKnown ? named : Object.keys(COMMANDS)) (await COMMANDS[name]?.())?.(program, io);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its own errors, and help, by now.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    io.stderr.write(explain(error, { json: program.opts().json === true }));
    return exitCodeOf(error);
  }
}

function createProgram(io: Io, json: boolean): Command {
  const program = new Command('aitbc')
    .description(
      'Run AI inference on other people’s GPUs, or lend yours: the AITBC coordinator and its clients.',
    )
    .version(manifest.version)
    .option(
      '--coordinator <url>',
      `the coordinator to talk to (env AITBC_COORDINATOR, else ${DEFAULT_COORDINATOR})`,
    )
    .option('--api-key <key>', 'your key (better in env AITBC_API_KEY, as others can read a command line)')
    .option('--json', 'print JSON, errors too')
    .exitOverride()
    .showHelpAfterError(json ? false : '(--help tells how it is called)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: text => io.stdout.write(text),
      writeErr: text => io.stderr.write(text),
      outputError: (text, write) => write(json ? explain(text.trim(), { json }) : text),
    })
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc submit "Explain quantum computing" --wait
  $ aitbc jobs list --status running
  $ aitbc receipt verify rcpt-01kc0pq5w8e4z9k3v7t2m6n1rx

Exit codes: 0 fine, 1 failed, 2 wrongly called, 130 interrupted.`,
    );
  return program;
}
