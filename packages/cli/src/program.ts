import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { DEFAULT_COORDINATOR } from './connection.ts';
import { exitCodeOf, explain } from './failure.ts';
import type { Io } from './io.ts';

/** Adds a command to the program. */
type Register = (program: Command, io: Io) => void;

/**
 * Commands are loaded when called, or for the help. Loading the server alone takes longer than most commands.
 */
const COMMANDS: Record<string, () => Promise<Register>> = {
  serve: async () => (await import('./commands/serve.ts')).addServeCommand,
  keys: async () => (await import('./commands/keys.ts')).addKeysCommand,
  migrate: async () => (await import('./commands/migrate.ts')).addMigrateCommand,
  backup: async () => (await import('./commands/backup.ts')).addBackupCommand,
  restore: async () => (await import('./commands/restore.ts')).addRestoreCommand,
  store: async () => (await import('./commands/store.ts')).addStoreCommand,
  submit: async () => (await import('./commands/submit.ts')).addSubmitCommand,
  jobs: async () => (await import('./commands/jobs.ts')).addJobsCommand,
  batch: async () => (await import('./commands/batch.ts')).addBatchCommand,
  miner: async () => (await import('./commands/miner.ts')).addMinerCommand,
  miners: async () => (await import('./commands/miners.ts')).addMinersCommand,
  'api-keys': async () => (await import('./commands/api-keys.ts')).addApiKeysCommand,
  'audit-log': async () => (await import('./commands/audit-log.ts')).addAuditLogCommand,
  invite: async () => (await import('./commands/invite.ts')).addInviteCommand,
  join: async () => (await import('./commands/invite.ts')).addJoinCommand,
  notices: async () => (await import('./commands/notices.ts')).addNoticesCommand,
  usage: async () => (await import('./commands/usage.ts')).addUsageCommand,
  earnings: async () => (await import('./commands/usage.ts')).addEarningsCommand,
  account: async () => (await import('./commands/account.ts')).addAccountCommand,
  credits: async () => (await import('./commands/credits.ts')).addCreditsCommand,
  payout: async () => (await import('./commands/payout.ts')).addPayoutCommand,
  webhooks: async () => (await import('./commands/webhooks.ts')).addWebhooksCommand,
  stats: async () => (await import('./commands/stats.ts')).addStatsCommand,
  witness: async () => (await import('./commands/witness.ts')).addWitnessCommand,
  receipt: async () => (await import('./commands/receipt.ts')).addReceiptCommand,
  explorer: async () => (await import('./commands/explorer.ts')).addExplorerCommand,
  ledger: async () => (await import('./commands/ledger.ts')).addLedgerCommand,
};

/**
 * Runs one command line.
 *
 * @param argv the arguments after the program's name
 * @returns the exit code: 0 success, 1 failure, 2 wrong usage, 130 interrupted
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
    // Commander has already printed its own errors and the help.
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
      `the coordinator to use (env AITBC_COORDINATOR, default ${DEFAULT_COORDINATOR})`,
    )
    .option('--api-key <key>', 'your API key (better in env AITBC_API_KEY, as others can see a command line)')
    .option('--json', 'print JSON, including errors')
    .exitOverride()
    .showHelpAfterError(json ? false : '(--help shows the usage)')
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

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.`,
    );
  return program;
}
