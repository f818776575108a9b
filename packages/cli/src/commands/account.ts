import { defaultStateFolder, findPublicKey } from '@aitbc/miner';
import { addressFromPublicKey } from '@aitbc/receipts';
import type { AddressDetail, CoordinatorClient } from '@aitbc/sdk';
import type { Command } from 'commander';
import { address } from '../arguments.ts';
import { clientFor, hasKey, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { fieldList, note, print, printJson } from '../output.ts';

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
        }),
      );
      if (!miner) return;
      note(io, 'The miner of this machine has its own account, unless its earnings go elsewhere:');
      print(io, fieldList({ Address: miner.address, Balance: miner.balance }));
    });
}

/**
 * Returns the account of this machine's miner when it registers without an API key; null when none has run
 * here.
 */
async function minerOfThisMachine(client: CoordinatorClient, io: Io): Promise<AddressDetail | null> {
  const key = await findPublicKey(io.env.AITBC_MINER_STATE || defaultStateFolder(io.env));
  return key === null ? null : await client.explorer.address(addressFromPublicKey(key));
}
