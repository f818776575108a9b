import type { Grant } from '@aitbc/sdk';
import type { Command } from 'commander';
import { address, positiveInteger, positiveNumber } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { print, printJson } from '../output.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';
import { fieldList } from '../table.ts';

export function addCreditsCommand(program: Command, io: Io): void {
  const group = program
    .command('credits')
    .description('give credits to an address, or list grants')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc credits grant ait1m05xcuv9pfqrzfdxxg2gmqmdwfn4827fzgztyk 100 --reason "Welcome"
  $ aitbc account ait1m05xcuv9pfqrzfdxxg2gmqmdwfn4827fzgztyk
  $ aitbc credits list`,
    );
  addGrant(group, io);
  addList(group, io);
}

interface GrantFlags {
  reason?: string;
  idempotencyKey?: string;
}

function addGrant(group: Command, io: Io): void {
  group
    .command('grant')
    .description('give credits to an address, with an administrator’s key')
    .argument(
      '<address>',
      'the address that receives them (ait1…); `aitbc keys list` shows those of keys',
      address,
    )
    .argument('<amount>', 'credits, at most 6 decimals', positiveNumber)
    .option('--reason <text>', 'what the credits are for, in ASCII; it is public')
    .option(
      '--idempotency-key <key>',
      'sending the same grant with the same key again creates no second grant',
    )
    .action(async (to: string, amount: number, flags: GrantFlags, command: Command) => {
      const { reason, idempotencyKey } = flags;
      const asked = { to, amount, ...(reason === undefined ? {} : { reason }) };
      const grant = await clientFor(command, io).grants.create(asked, { idempotencyKey });
      if (wantsJson(command)) return printJson(io, grant);
      print(
        io,
        fieldList({
          Grant: grant.grant_id,
          To: grant.to,
          Amount: grant.amount,
          Reason: grant.metadata.reason,
        }),
      );
    });
}

function addList(group: Command, io: Io): void {
  group
    .command('list')
    .description('list grants, newest first')
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all')
    .action(async (flags: ListFlags, command: Command) => {
      const found = clientFor(command, io).grants.list({ limit: pageSize(flags) });
      await printList(found, flags, { command, io, columns: COLUMNS });
    });
}

const COLUMNS: Columns<Grant> = {
  head: ['grant', 'to', 'amount', 'made', 'reason'],
  row: ({ grant_id, to, amount, created_at, metadata: { reason } }) => [
    grant_id,
    to,
    amount,
    new Date(created_at * 1000).toISOString().replace('.000Z', 'Z').replace('T', ' '),
    reason ?? null,
  ],
};
