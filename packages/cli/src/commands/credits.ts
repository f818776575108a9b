import type { Grant } from '@aitbc/sdk';
import type { Command } from 'commander';
import { address, positiveInteger, positiveNumber } from '../arguments.ts';
import { connect, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { type Columns, type ListFlags, list, pageSize } from '../listing.ts';
import { fieldList, print, printJson } from '../output.ts';

export function credits(program: Command, io: Io): void {
  const group = program
    .command('credits')
    .description('give credits to an address, or list what was given')
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
    .description('give credits to an address, with the key of an administrator')
    .argument('<address>', 'whose balance grows (ait1…): `aitbc keys list` shows those of keys', address)
    .argument('<amount>', 'credits, at most 6 decimals', positiveNumber)
    .option('--reason <text>', 'what for, in ASCII: everyone can read it')
    .option(
      '--idempotency-key <key>',
      'the same key with the same grant is the same grant, however often it is sent',
    )
    .action(async (to: string, amount: number, flags: GrantFlags, command: Command) => {
      const { reason, idempotencyKey } = flags;
      const asked = { to, amount, ...(reason === undefined ? {} : { reason }) };
      const grant = await connect(command, io).grants.create(asked, { idempotencyKey });
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
    .description('show grants, newest first')
    .option('--limit <n>', 'how many', positiveInteger, 20)
    .option('--all', 'as many as there are')
    .action(async (flags: ListFlags, command: Command) => {
      const found = connect(command, io).grants.list({ limit: pageSize(flags) });
      await list(found, flags, { command, io, columns: COLUMNS });
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
