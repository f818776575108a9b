import type { Command } from 'commander';
import { positiveInteger } from '../arguments.ts';
import type { Io } from '../io.ts';
import { type MonitorFlags, monitorLedger } from '../ledger/monitor.ts';
import { type ReputationFlags, recomputeReputation } from '../ledger/reputation.ts';
import { checkpointsOption } from '../ledger/saved-checkpoints.ts';
import { type LedgerFlags, verifyLedger } from '../ledger/verify.ts';
import { trustOptions } from '../trust.ts';
import { keyOptions } from '../trusted-keys.ts';

const URL =
  'address of a ledger, of its coordinator or of any tiled log; default: the ledger of --coordinator';

/** `aitbc ledger`: audits a whole ledger. */
export function addLedgerCommand(program: Command, io: Io): void {
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
  addReputation(group, io);
}

function ledgerOptions(command: Command): Command {
  for (const addOptions of [trustOptions, keyOptions, checkpointsOption]) addOptions(command);
  return command.option(
    '--no-statements',
    'check the tree alone, because entries are not statements of a coordinator',
  );
}

function addVerify(group: Command, io: Io): void {
  const command = group
    .command('verify')
    .description('download a whole ledger and recompute all of it: entries, tiles, root and statements')
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
    .description('follow a ledger: check that it only grows, and verify new entries')
    .argument('[url]', URL)
    .option('--interval <seconds>', 'how often to check', positiveInteger, 60)
    .option('--once', 'check once; the exit code is the result');
  ledgerOptions(command)
    .addHelpText('after', MONITOR_HELP)
    .action((url: string | undefined, flags: MonitorFlags, command: Command) =>
      monitorLedger(url, flags, command, io),
    );
}

function addReputation(group: Command, io: Io): void {
  const command = group
    .command('reputation')
    .description('recompute from a ledger what verifiers found of each miner, and who was drawn')
    .argument('[url]', URL)
    .option('--miner <id>', 'show this miner alone');
  for (const addOptions of [trustOptions, keyOptions]) addOptions(command);
  command
    .addHelpText('after', REPUTATION_HELP)
    .action((url: string | undefined, flags: ReputationFlags, command: Command) =>
      recomputeReputation(url, flags, command, io),
    );
}

const REPUTATION_HELP = `
It reads the whole ledger, adds up the verifications of each miner as the coordinator has to, and compares the result with
the coordinator's board (GET /v1/evidence). Of each revealed draw it checks the proof, and that the drawn receipts, and no
others, were verified. You choose the keys that you trust as for \`aitbc ledger verify\`.

The exit code is 0 when everything is as recomputed, and 1 when something is not, which is then listed.

Examples:
  $ aitbc ledger reputation --coordinator https://coordinator.example
  $ aitbc ledger reputation https://coordinator.example/ledger --miner my-miner-001 --json`;

const VERIFY_HELP = `
You choose the keys that you trust: the ledger's key (--vkey), or the ledger's and witnesses' keys (--vkey with --witness,
or --policy), and keys for receipts and grants (--key, --keys). Without keys for receipts, the ledger vouches for the keys
that they name. Without a key of the ledger, it is asked for its own, and the result is as trustworthy as the ledger.

The exit code is 0 when everything verifies, and 1 when something does not, which is then listed. When a checkpoint
contradicts a saved one, both are written to a file. Both are signed, so the file proves the contradiction to anyone.

Examples:
  $ aitbc ledger verify https://coordinator.example/ledger --vkey "$(cat ledger.vkey)" --checkpoints ./checkpoints
  $ aitbc ledger verify https://coordinator.example/ledger --policy trusted.policy --keys keys.json --json
  $ aitbc ledger verify https://log.example --vkey 'log.example+f492c0ad+AYqI…' --no-statements`;

const MONITOR_HELP = `
You choose the keys that you trust as for \`aitbc ledger verify\`. It starts from the saved checkpoints, or from the newest
checkpoint when there are none; \`aitbc ledger verify\` checks the entries before that. It prints a line for each new
checkpoint, with the faults of the new entries, and goes on. While the ledger can't be reached, it tries less and less
often.

When the ledger contradicts an earlier checkpoint, the command ends at once with 1. Both checkpoints are then in a file, in
the folder of the checkpoints or else in the current folder. A signal ends it with 0, or with 1 after any fault.

Examples:
  $ aitbc ledger monitor https://coordinator.example/ledger --policy trusted.policy --checkpoints ./checkpoints
  $ aitbc ledger monitor https://coordinator.example/ledger --vkey "$(cat ledger.vkey)" --checkpoints ./checkpoints --once
  $ aitbc ledger monitor https://coordinator.example/ledger --interval 10 --json`;
