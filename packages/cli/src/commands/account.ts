import type { Command } from 'commander';
import { address } from '../arguments.ts';
import { connect, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { fieldList, print, printJson } from '../output.ts';

export function account(program: Command, io: Io): void {
  program
    .command('account')
    .description('show what your account has, or as an administrator anyone’s')
    .argument('[address]', 'whose (ait1…); that of your key unless given', address)
    .action(async (whose: string | undefined, _flags: object, command: Command) => {
      const client = connect(command, io);
      const found = await (whose === undefined ? client.account() : client.accountAt(whose));
      if (wantsJson(command)) return printJson(io, found);
      print(
        io,
        fieldList({
          Address: found.address,
          Balance: found.balance,
          Reserved: found.reserved,
          Available: found.available,
          Billing: found.billing,
        }),
      );
    });
}
