import type { Command } from 'commander';
import { connect, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { fieldList, print, printJson } from '../output.ts';

export function account(program: Command, io: Io): void {
  program
    .command('account')
    .description('show what your account has')
    .action(async (_flags: object, command: Command) => {
      const found = await connect(command, io).account();
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
