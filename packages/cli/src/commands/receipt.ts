import type { CoordinatorClient } from '@aitbc/sdk';
import type { Command } from 'commander';
import { connect } from '../connection.ts';
import { UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { print, printJson } from '../output.ts';
import { disclosureOptions } from '../receipts/disclosure.ts';
import { fetchPublished, fetchReceipt } from '../receipts/evidence.ts';
import { type VerifyFlags, verify } from '../receipts/verify.ts';
import { getProof, waitOption, waitSeconds } from '../receipts/waiting.ts';
import { trustOptions } from '../trust.ts';
import { keyOptions } from '../trusted-keys.ts';

export function receipt(program: Command, io: Io): void {
  const group = program
    .command('receipt')
    .description('fetch a receipt, the proof of its place in the ledger; verify both')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc receipt proof job-01kc0pq5w8e4z9k3v7t2m6n1rx > receipt.tlog-proof
  $ aitbc receipt verify receipt.tlog-proof --vkey coordinator.example/ledger+f492c0ad+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c`,
    );
  addGet(group, io);
  addProof(group, io);
  addVerify(group, io);
}

interface GetFlags {
  bundle?: boolean;
  wait?: number | true;
}

const ID = 'the id of the receipt, or of its job; or of a grant';

function addGet(group: Command, io: Io): void {
  waitOption(group.command('get').description('print a receipt as JSON').argument('<id>', ID))
    .option(
      '--bundle',
      'with its place in the ledger, as `inclusion`: all that it takes to verify it offline',
    )
    .action(async (id: string, flags: GetFlags, command: Command) => {
      const { bundle, wait } = flags;
      if (!bundle && wait !== undefined) throw new UsageError('--wait goes with --bundle.');
      const client = connect(command, io);
      if (!bundle) return printJson(io, await fetchReceipt(client, id));
      const receiptId = await receiptIdOf(client, id);
      await getProof(client, receiptId, waitSeconds(wait), io);
      printJson(io, await fetchPublished(client, receiptId));
    });
}

function addProof(group: Command, io: Io): void {
  waitOption(
    group
      .command('proof')
      .description('print a receipt and the proof of its place in the ledger, as a .tlog-proof file')
      .argument('<id>', ID),
  )
    .addHelpText(
      'after',
      '\nExample:\n  $ aitbc receipt proof rcpt-01kc0pq5w8e4z9k3v7t2m6n1rx --wait > receipt.tlog-proof',
    )
    .action(async (id: string, { wait }: GetFlags, command: Command) => {
      const client = connect(command, io);
      const proof = await getProof(client, await receiptIdOf(client, id), waitSeconds(wait), io);
      print(io, proof.replace(/\n$/, ''));
    });
}

async function receiptIdOf(client: CoordinatorClient, id: string): Promise<string> {
  return id.startsWith('job-') ? (await client.jobs.receipt(id)).receipt_id : id;
}

function addVerify(group: Command, io: Io): void {
  const command = group
    .command('verify')
    .description('check a receipt: its form, signatures and arithmetic, and its place in the ledger')
    .argument(
      '<receipt>',
      'a file (.tlog-proof or JSON), - for the standard input, or the id of the receipt or of its job; grants are checked as well',
    );
  for (const addOptions of [keyOptions, trustOptions, waitOption, disclosureOptions]) addOptions(command);
  command
    .option('--proof <file>', 'the saved .tlog-proof of a receipt that has none with it')
    .addHelpText('after', HELP)
    .action(async (source: string, flags: VerifyFlags & { wait?: number | true }, command: Command) => {
      const wait = waitSeconds(flags.wait);
      await verify({
        ...{ source, command, io },
        flags: { ...flags, ...(wait === undefined ? {} : { wait }) },
        client: () => connect(command, io),
      });
    });
}

const HELP = `
You say whom you trust: the keys that sign receipts (--key, --keys), the ledger's (--vkey), the ledger's and witnesses
(--vkey with --witness, or --policy). What is in a file is then checked offline, on nobody else's word. With the
ledger's key alone, its place in the ledger vouches for the key that a receipt names; with keys for receipts alone, the
ledger is not looked at. Where you name nobody, the coordinator is asked for its keys, and the check is worth as much
as your trust in it.

With the id of a job of yours its prompt and result are compared as well. Exits with 0 when the receipt is valid, with
1 when it is not: also when the ledger has yet to publish it and you have named its key.

Examples:
  $ aitbc receipt verify rcpt-01kc0pq5w8e4z9k3v7t2m6n1rx --wait
  $ curl -s https://coordinator.example/v1/keys > keys.json
  $ curl -s https://coordinator.example/ledger/vkey > ledger.vkey
  $ aitbc receipt verify receipt.tlog-proof --keys keys.json --vkey "$(cat ledger.vkey)"
  $ aitbc receipt verify receipt.json --proof receipt.tlog-proof --policy trusted.policy
  $ aitbc receipt verify receipt.json --keys keys.json --salt 00112233445566778899aabbccddeeff --result 42`;
