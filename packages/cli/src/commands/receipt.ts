import type { CoordinatorClient } from '@aitbc/sdk';
import type { Command } from 'commander';
import { clientFor } from '../connection.ts';
import { UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { print, printJson } from '../output.ts';
import { disclosureOptions } from '../receipts/disclosure.ts';
import { fetchPublished, fetchReceipt } from '../receipts/evidence.ts';
import { type VerifyFlags, verify } from '../receipts/verify.ts';
import { getProof, waitOption, waitSeconds } from '../receipts/wait-for-proof.ts';
import { trustOptions } from '../trust.ts';
import { keyOptions } from '../trusted-keys.ts';

export function addReceiptCommand(program: Command, io: Io): void {
  const group = program
    .command('receipt')
    .description('fetch or verify a receipt and the proof of its place in the ledger')
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

const ID =
  'the id of the receipt, of its job, of a grant, of a payout, of an update of one, or of a verification';

function addGet(group: Command, io: Io): void {
  waitOption(group.command('get').description('print a receipt as JSON').argument('<id>', ID))
    .option(
      '--bundle',
      'include its place in the ledger as `inclusion`, which is all that offline verification needs',
    )
    .action(async (id: string, flags: GetFlags, command: Command) => {
      const { bundle, wait } = flags;
      if (!bundle && wait !== undefined) throw new UsageError('--wait is only used with --bundle.');
      const client = clientFor(command, io);
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
      const client = clientFor(command, io);
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
    .description('check a receipt: its fields, signatures and arithmetic, and its place in the ledger')
    .argument(
      '<receipt>',
      'a file (.tlog-proof or JSON), - for the standard input, or the id of the receipt or of its job; also checks grants, payouts and verifications',
    );
  for (const addOptions of [keyOptions, trustOptions, waitOption, disclosureOptions]) addOptions(command);
  command
    .option('--proof <file>', 'the saved .tlog-proof file of a receipt that has no proof with it')
    .addHelpText('after', HELP)
    .action(async (source: string, flags: VerifyFlags & { wait?: number | true }, command: Command) => {
      const wait = waitSeconds(flags.wait);
      await verify({
        ...{ source, command, io },
        flags: { ...flags, ...(wait === undefined ? {} : { wait }) },
        client: () => clientFor(command, io),
      });
    });
}

const HELP = `
You choose the keys that you trust: keys for receipts (--key, --keys), the ledger's key (--vkey), or the ledger's and
witnesses' keys (--vkey with --witness, or --policy). A file is then checked offline. With the ledger's key alone, the
ledger vouches for the key that the receipt names. With keys for receipts alone, the ledger is not checked. Without any
key, the coordinator is asked for its own keys, and the result is as trustworthy as the coordinator.

With the id of your own job, its prompt and result are compared too. The exit code is 0 when the receipt is valid, and 1
when it is not, or when you have named the ledger's key and the ledger has not published the receipt yet.

Examples:
  $ aitbc receipt verify rcpt-01kc0pq5w8e4z9k3v7t2m6n1rx --wait
  $ curl -s https://coordinator.example/v1/keys > keys.json
  $ curl -s https://coordinator.example/ledger/vkey > ledger.vkey
  $ aitbc receipt verify receipt.tlog-proof --keys keys.json --vkey "$(cat ledger.vkey)"
  $ aitbc receipt verify receipt.json --proof receipt.tlog-proof --policy trusted.policy
  $ aitbc receipt verify receipt.json --keys keys.json --salt 00112233445566778899aabbccddeeff --result 42`;
