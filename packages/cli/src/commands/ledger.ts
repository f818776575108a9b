import type { Command } from 'commander';
import { positiveInteger } from '../arguments.ts';
import type { Io } from '../io.ts';
import { type MonitorFlags, monitorLedger } from '../ledger/monitor.ts';
import { checkpointsOption } from '../ledger/saved-checkpoints.ts';
import { type LedgerFlags, verifyLedger } from '../ledger/verify.ts';
import { trustOptions } from '../trust.ts';
import { keyOptions } from '../trusted-keys.ts';

const URL =
  'address of the ledger or of its coordinator, or of any tiled log; that of --coordinator unless given';

/** `aitbc ledger`: what auditors do with the whole of it. */
export function ledger(program: Command, io: Io): void {
  const group = program
    .command('ledger')
    .description('verify a whole ledger, or follow it as it grows')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc ledger verify https://coordinator.example/ledger --checkpoints ./checkpoints
  $ aitbc ledger monitor https://coordinator.example/ledger --checkpoints ./checkpoints`,
    );
  addVerify(group, io);
  addMonitor(group, io);
}

function ledgerOptions(command: Command): Command {
  for (const addOptions of [trustOptions, keyOptions, checkpointsOption]) addOptions(command);
  return command.option('--no-statements', 'the entries are no receipts and grants: check the tree alone');
}

function addVerify(group: Command, io: Io): void {
  const command = group
    .command('verify')
    .description(
      'download a whole ledger and compute all of it anew: entries, tiles, root, and what entries say',
    )
    .argument('[url]', URL);
  ledgerOptions(command)
    .addHelpText('after', VERIFY_HELP)
    .action((url: string | undefined, flags: LedgerFlags, command: Command) =>
      verifyLedger(url, flags, command, io),
    );
}

function addMonitor(group: Command, io: Io): void {
  const command = group
    .command('monitor')
    .description('follow a ledger: see that it only grows, and that what is new verifies')
    .argument('[url]', URL)
    .option('--interval <seconds>', 'how often to look', positiveInteger, 60)
    .option('--once', 'look once, and tell by the exit code');
  ledgerOptions(command)
    .addHelpText('after', MONITOR_HELP)
    .action((url: string | undefined, flags: MonitorFlags, command: Command) =>
      monitorLedger(url, flags, command, io),
    );
}

const VERIFY_HELP = `
You say whom you trust: the ledger's key (--vkey), or it and witnesses (--vkey with --witness, or --policy); and the keys
that may sign receipts and grants (--key, --keys), for which else the ledger vouches. Where you name no key of the
ledger, it is asked for its own, and the check is worth as much as your trust in it.

Exits with 0 when all of it verifies, with 1 when it does not, and names what does not fit. A checkpoint that contradicts
one that was kept is put into a file together with that one: both are signed, which proves it to anyone.

Examples:
  $ aitbc ledger verify https://coordinator.example/ledger --vkey "$(cat ledger.vkey)" --checkpoints ./checkpoints
  $ aitbc ledger verify https://coordinator.example/ledger --policy trusted.policy --keys keys.json --json
  $ aitbc ledger verify https://log.example --vkey 'log.example+f492c0ad+AYqI…' --no-statements`;

const MONITOR_HELP = `
Whom you trust is said as for \`aitbc ledger verify\`. It goes on from the checkpoints that were kept, or from the newest one
where none was: what is before that, \`aitbc ledger verify\` looks at. It prints a line for each new checkpoint, with what
is wrong in the new entries, and goes on; while the ledger can't be reached it asks less and less often.

Where the ledger contradicts what it has signed before, it ends at once with 1, and both checkpoints are in a file, in the
folder of the checkpoints or else in the current one. A signal ends it with 0, or with 1 where anything was wrong.

Examples:
  $ aitbc ledger monitor https://coordinator.example/ledger --policy trusted.policy --checkpoints ./checkpoints
  $ aitbc ledger monitor https://coordinator.example/ledger --vkey "$(cat ledger.vkey)" --checkpoints ./checkpoints --once
  $ aitbc ledger monitor https://coordinator.example/ledger --interval 10 --json`;
