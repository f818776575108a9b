import type { AddressDetail, Block, BlockDetail, Transaction, TransactionDetail } from '@aitbc/sdk';
import type { Command } from 'commander';
import { address, positiveInteger } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import { time } from '../describe.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';
import { fieldList, table } from '../table.ts';

export function addExplorerCommand(program: Command, io: Io): void {
  const group = program
    .command('explorer')
    .description('look at the ledger: blocks, transactions, addresses')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc explorer blocks --limit 5
  $ aitbc explorer transactions --block 5
  $ aitbc explorer address ait1m05xcuv9pfqrzfdxxg2gmqmdwfn4827fzgztyk
  $ aitbc explorer search rcpt-01kc0pq5w8e4z9k3v7t2m6n1rx`,
    );
  addBlocks(group, io);
  addTransactions(group, io);
  addAddress(group, io);
  addSearch(group, io);
}

const listOf = (group: Command, name: string, description: string) =>
  group
    .command(name)
    .description(description)
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all');

function addBlocks(group: Command, io: Io): void {
  listOf(group, 'blocks', 'list the blocks, newest first').action(
    async (flags: ListFlags, command: Command) => {
      const found = clientFor(command, io).explorer.blocks({ limit: pageSize(flags) });
      await printList(found, flags, { command, io, columns: BLOCKS });
    },
  );
  group
    .command('block')
    .description('show a block and its signed checkpoint')
    .argument('<block>', 'its height or its hash')
    .action(async (id: string, _flags: object, command: Command) => {
      const block = await clientFor(command, io).explorer.block(id);
      if (wantsJson(command)) printJson(io, block);
      else print(io, blockSheet(block));
    });
}

function addTransactions(group: Command, io: Io): void {
  listOf(group, 'transactions', 'list the transactions, newest first')
    .option('--address <address>', 'only transactions in which this address pays or is paid', address)
    .option('--block <block>', 'only transactions of this block, by its height or hash')
    .action(
      async (
        { address, block, ...flags }: ListFlags & { address?: string; block?: string },
        command: Command,
      ) => {
        const found = clientFor(command, io).explorer.transactions({
          limit: pageSize(flags),
          ...(address !== undefined && { address }),
          ...(block !== undefined && { block }),
        });
        await printList(found, flags, { command, io, columns: TRANSACTIONS });
      },
    );
  group
    .command('transaction')
    .description('show a transaction and its signed statement')
    .argument('<hash>', 'its hash')
    .action(async (hash: string, _flags: object, command: Command) => {
      const transaction = await clientFor(command, io).explorer.transaction(hash);
      if (wantsJson(command)) printJson(io, transaction);
      else print(io, transactionSheet(transaction));
    });
}

function addAddress(group: Command, io: Io): void {
  group
    .command('address')
    .description('show the balance of an address, and how often the ledger names it')
    .argument('<address>', 'ait1…', address)
    .action(async (of: string, _flags: object, command: Command) => {
      const found = await clientFor(command, io).explorer.address(of);
      if (wantsJson(command)) printJson(io, found);
      else print(io, addressSheet(found));
    });
}

function addSearch(group: Command, io: Io): void {
  group
    .command('search')
    .description('find an object by its hash, height, index, id or address')
    .argument('<text>', 'the whole hash, number, id or address')
    .action(async (text: string, _flags: object, command: Command) => {
      const found = await clientFor(command, io).explorer.search(text);
      if (wantsJson(command)) return printJson(io, found);
      if (found.length === 0) return note(io, 'None.');
      const rows = found.map(({ kind, id, path }) => [kind, id, path]);
      print(io, table(['kind', 'id', 'path'], rows));
    });
}

const BLOCKS: Columns<Block> = {
  head: ['height', 'hash', 'entries', 'transactions', 'bytes', 'time'],
  row: ({ height, hash, tree_size, transactions, size, timestamp }) => [
    ...[height, hash, tree_size, transactions, size],
    time(timestamp),
  ],
};

const TRANSACTIONS: Columns<Transaction> = {
  head: ['index', 'block', 'id', 'from', 'to', 'amount', 'time'],
  row: ({ index, height, id, from, to, amount, timestamp }) => [
    ...[index, height, id, from, to, amount],
    time(timestamp),
  ],
};

function blockSheet(block: BlockDetail): string {
  const sheet = fieldList({
    Block: block.height,
    Hash: block.hash,
    Parent: block.parent_hash,
    Time: time(block.timestamp),
    Transactions: block.transactions,
    Bytes: block.size,
    Entries: block.tree_size,
    Root: block.root_hash,
  });
  return `${sheet}\n\n${block.checkpoint.trimEnd()}`;
}

function transactionSheet({ statement, ...transaction }: TransactionDetail): string {
  const sheet = fieldList({
    Transaction: transaction.hash,
    Index: transaction.index,
    Block:
      transaction.height ??
      (transaction.index === null ? 'of a ledger before a restore' : 'not published yet'),
    Type: transaction.type,
    Id: transaction.id,
    Job: transaction.job_id,
    From: transaction.from,
    To: transaction.to,
    Amount: transaction.amount,
    Time: time(transaction.timestamp),
    Bytes: transaction.size,
  });
  return `${sheet}\n\n${JSON.stringify(statement, null, 2)}`;
}

const addressSheet = (found: AddressDetail) =>
  fieldList({
    Address: found.address,
    Balance: found.balance,
    Jobs: found.jobs,
    'Jobs run': found.jobs_run,
    Receipts: found.receipts,
    Transactions: found.transactions,
  });
