import { PAYOUT_STATUSES } from '@aitbc/protocol';
import { type PayoutAnswer, signPayoutAnswer } from '@aitbc/receipts';
import type { TrackedPayout } from '@aitbc/sdk';
import { type Command, Option } from 'commander';
import { address, positiveInteger, positiveNumber } from '../arguments.ts';
import { clientFor, hasKey, wantsJson } from '../connection.ts';
import { CommandFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { print, printJson } from '../output.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';
import { fieldList } from '../table.ts';
import { signerOfThisMachine } from '../this-miner.ts';

/** `aitbc payout`: what operators paid providers, and what the providers say to that. */
export function addPayoutCommand(program: Command, io: Io): void {
  const group = program
    .command('payout')
    .description('record what you paid a provider, or confirm or dispute what you were paid')
    .addHelpText('after', HELP);
  addCreate(group, io);
  addRead(group, io);
  addAnswers(group, io);
  group
    .command('withdraw')
    .description('take a payout back that is not confirmed, with an administrator’s key')
    .argument('<id>')
    .requiredOption('--reason <text>', 'why, in ASCII; it is public')
    .action(async (id: string, { reason }: { reason: string }, command: Command) =>
      show(await clientFor(command, io).payouts.withdraw(id, { reason }), command, io),
    );
}

const HELP = `
The operator pays providers by whatever means, and records each payment here. It becomes a signed entry of the ledger, and
lowers the provider's balance. The provider confirms or disputes it with an API key of its account, or with the key of its
miner, whose signature anyone can check.

Examples:
  $ aitbc payout create ait1m05xcuv9pfqrzfdxxg2gmqmdwfn4827fzgztyk 100 --method "SEPA transfer" --reference 2026-01/17
  $ aitbc payout list --status disputed
  $ aitbc payout confirm payout-01kc0pq5w8e4z9k3v7t2m6n1rx
  $ aitbc payout dispute payout-01kc0pq5w8e4z9k3v7t2m6n1rx --reason "Nothing has arrived"`;

interface CreateFlags {
  method: string;
  reference?: string;
  idempotencyKey?: string;
}

function addCreate(group: Command, io: Io): void {
  group
    .command('create')
    .description('record that you paid a provider, with an administrator’s key')
    .argument('<address>', 'the address of the provider (ait1…)', address)
    .argument('<amount>', 'for how many credits, at most 6 decimals', positiveNumber)
    .requiredOption('--method <text>', 'by what means, in ASCII; it is public')
    .option('--reference <text>', 'by what the provider finds the payment, in ASCII; it is public')
    .option('--idempotency-key <key>', 'sending the same payout with the same key again records it once')
    .action(async (to: string, amount: number, flags: CreateFlags, command: Command) => {
      const { method, reference, idempotencyKey } = flags;
      const payout = { to, amount, method, ...(reference !== undefined && { reference }) };
      show(await clientFor(command, io).payouts.create(payout, { idempotencyKey }), command, io);
    });
}

function addRead(group: Command, io: Io): void {
  group
    .command('list')
    .description('list payouts, newest first')
    .option('--account <address>', 'only payouts to this address', address)
    .addOption(new Option('--status <status>', 'only payouts of this status').choices(PAYOUT_STATUSES))
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all')
    .action(async (flags: ListFlags & PayoutFilter, command: Command) => {
      const { account, status } = flags;
      const query = { ...(account !== undefined && { account }), ...(status !== undefined && { status }) };
      const found = clientFor(command, io).payouts.list({ limit: pageSize(flags), ...query });
      await printList(found, flags, { command, io, columns: COLUMNS });
    });

  group
    .command('show')
    .description('show a payout, and what was said about it')
    .argument('<id>')
    .action(async (id: string, _flags: object, command: Command) =>
      show(await clientFor(command, io).payouts.get(id), command, io),
    );
}

interface PayoutFilter {
  account?: string;
  status?: TrackedPayout['status'];
}

function addAnswers(group: Command, io: Io): void {
  const withSign = (command: Command) =>
    command
      .argument('<id>')
      .option('--sign', 'sign with the key of this machine’s miner; without an API key that is always done');

  withSign(group.command('confirm').description('confirm that you were paid')).action(
    async (id: string, { sign }: { sign?: boolean }, command: Command) => {
      const { payouts } = clientFor(command, io);
      const signature = await signatureFor(id, { status: 'confirmed', reason: null }, { sign, command, io });
      show(await payouts.confirm(id, { ...(signature && { signature }) }), command, io);
    },
  );

  withSign(group.command('dispute').description('dispute that you were paid'))
    .requiredOption('--reason <text>', 'why, in ASCII; it is public')
    .action(async (id: string, flags: { sign?: boolean; reason: string }, command: Command) => {
      const { sign, reason } = flags;
      const { payouts } = clientFor(command, io);
      const signature = await signatureFor(id, { status: 'disputed', reason }, { sign, command, io });
      show(await payouts.dispute(id, { reason, ...(signature && { signature }) }), command, io);
    });
}

/** Signs an answer as this machine's miner; undefined when the API key alone is to answer. */
async function signatureFor(
  id: string,
  answer: Pick<PayoutAnswer, 'status' | 'reason'>,
  { sign, command, io }: { sign: boolean | undefined; command: Command; io: Io },
) {
  if (!sign && hasKey(command, io)) return undefined;
  const signer = await signerOfThisMachine(io);
  if (!signer)
    throw new CommandFailure(
      'No miner has run on this machine, so there is no key to sign with: give an API key of the account that was paid, or run this where the miner runs.',
    );
  const { payout } = await clientFor(command, io).payouts.get(id);
  const { payout_id, to, amount, coordinator_id } = payout;
  return await signPayoutAnswer({ payout_id, to, amount, coordinator_id, ...answer }, signer);
}

function show(tracked: TrackedPayout, command: Command, io: Io): void {
  if (wantsJson(command)) {
    printJson(io, tracked);
    return;
  }
  const { payout, status, updates } = tracked;
  const last = updates.at(-1);
  print(
    io,
    fieldList({
      Payout: payout.payout_id,
      To: payout.to,
      Amount: payout.amount,
      Method: payout.method,
      Reference: payout.metadata.reference,
      Made: timeOf(payout),
      Status: status,
      Since: last && timeOf(last),
      Reason: last?.metadata.reason,
      'Signed by': last?.metadata.signatures?.map(({ key_id }) => key_id).join(', '),
    }),
  );
}

const timeOf = ({ created_at }: { created_at: number }) =>
  new Date(created_at * 1000).toISOString().replace('.000Z', 'Z').replace('T', ' ');

const COLUMNS: Columns<TrackedPayout> = {
  head: ['payout', 'to', 'amount', 'made', 'method', 'reference', 'status', 'reason'],
  row: ({ payout, status, updates }) => [
    payout.payout_id,
    payout.to,
    payout.amount,
    timeOf(payout),
    payout.method,
    payout.metadata.reference ?? null,
    status,
    updates.at(-1)?.metadata.reason ?? null,
  ],
};
