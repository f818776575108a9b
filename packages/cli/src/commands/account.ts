import { defaultStateFolder, findPublicKey } from '@aitbc/miner';
import { addressFromPublicKey } from '@aitbc/receipts';
import type { AddressDetail, CoordinatorClient } from '@aitbc/sdk';
import type { Command } from 'commander';
import { address } from '../arguments.ts';
import { connect, hasKey, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { fieldList, note, print, printJson } from '../output.ts';

export function account(program: Command, io: Io): void {
  program
    .command('account')
    .description('show what your account has, or as an administrator anyone’s')
    .argument('[address]', 'whose (ait1…); that of your key unless given', address)
    .action(async (whose: string | undefined, _flags: object, command: Command) => {
      const client = connect(command, io);
      const found = await (whose === undefined ? client.accounts.own() : client.accounts.get(whose));
      const isShared = whose === undefined && !hasKey(command, io);
      const miner = isShared ? await minerOfThisMachine(client, io) : null;
      if (wantsJson(command)) return printJson(io, miner ? { ...found, miner } : found);
      if (isShared) note(io, 'Without an API key, this is the account that all who have none share:');
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
      if (!miner) return;
      note(io, 'The miner of this machine, unless its earnings go elsewhere, has an account of its own:');
      print(io, fieldList({ Address: miner.address, Balance: miner.balance }));
    });
}

/** What a miner earns that registers without an API key; null where none has run on this machine. */
async function minerOfThisMachine(client: CoordinatorClient, io: Io): Promise<AddressDetail | null> {
  const key = await findPublicKey(io.env.AITBC_MINER_STATE || defaultStateFolder(io.env));
  return key === null ? null : await client.explorer.address(addressFromPublicKey(key));
}
