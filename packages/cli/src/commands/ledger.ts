import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { checkpointsOption } from '../ledger/saved-checkpoints.ts';
import { type LedgerFlags, verifyLedger } from '../ledger/verify.ts';
import { trustOptions } from '../trust.ts';
import { keyOptions } from '../trusted-keys.ts';

const URL = 'address of the ledger, or of any tiled log; that of --coordinator unless given';

/** `aitbc ledger`: what auditors do with the whole of it. */
export function ledger(program: Command, io: Io): void {
  const group = program
    .command('ledger')
    .description('verify a whole ledger')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc ledger verify https://coordinator.example/ledger --checkpoints ./checkpoints`,
    );
  addVerify(group, io);
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
