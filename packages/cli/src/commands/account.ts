import { roundCredits } from '@aitbc/receipts';
import type { EarningsTotals } from '@aitbc/sdk';
import type { Command } from 'commander';
import { address } from '../arguments.ts';
import { clientFor, hasKey, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { fieldList } from '../table.ts';
import { minerOfThisMachine } from '../this-miner.ts';

export function addAccountCommand(program: Command, io: Io): void {
  program
    .command('account')
    .description('show your account, or with an administrator’s key any account')
    .argument('[address]', 'the address (ait1…); default: that of your API key', address)
    .action(async (whose: string | undefined, _flags: object, command: Command) => {
      const client = clientFor(command, io);
      const found = await (whose === undefined ? client.accounts.own() : client.accounts.get(whose));
      const isShared = whose === undefined && !hasKey(command, io);
      const miner = isShared ? await minerOfThisMachine(client, io) : null;
      if (wantsJson(command)) return printJson(io, miner ? { ...found, miner } : found);
      if (isShared) note(io, 'Without an API key, this is the account that all callers without a key share:');
      print(
        io,
        fieldList({
          Address: found.address,
          Balance: found.balance,
          Reserved: found.reserved,
          Available: found.available,
          Billing: found.billing,
          ...earningsFields(found.earnings),
        }),
      );
      if (!miner) return;
      note(io, 'The miner of this machine has its own account, unless its earnings go elsewhere:');
      print(io, fieldList({ Address: miner.address, Balance: miner.balance, ...earningsFields(miner) }));
    });
}

/** What an account earned and was paid, as fields. Public views say less. */
export const earningsFields = ({
  earned,
  paid,
  confirmed,
  disputed,
  open = earned - paid,
  payable,
}: Pick<EarningsTotals, 'earned' | 'paid' | 'confirmed' | 'disputed'> & Partial<EarningsTotals>) => ({
  Earned: earned,
  'Paid out': paid,
  Confirmed: confirmed,
  Disputed: disputed === 0 ? null : disputed,
  Open: roundCredits(open),
  Payable: payable,
});
