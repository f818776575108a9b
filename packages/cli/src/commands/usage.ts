import type { EarningsRow, ListEarnings, ListUsage, Paged, UsageRow } from '@aitbc/sdk';
import type { Command } from 'commander';
import { address, positiveInteger } from '../arguments.ts';
import { clientFor, hasKey, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { print } from '../output.ts';
import { type ListFlags, printList } from '../print-list.ts';
import { fieldList } from '../table.ts';
import { minerOfThisMachine } from '../this-miner.ts';
import { earningsFields } from './account.ts';

interface ReportFlags extends ListFlags {
  from?: string;
  to?: string;
  by: string;
  account?: string;
  csv?: boolean;
  key?: string;
  miner?: string;
  model?: string;
}

/** The rows on a page of a report. */
const PAGE = 1_000;

/** `aitbc usage`: what the jobs of the account used. */
export function addUsageCommand(program: Command, io: Io): void {
  withReportFlags(program.command('usage').description('show what your jobs used: by day, key and model'))
    .option('--by <groups>', 'what to sum up by: some of day, account, key, model', 'day,key,model')
    .option('--key <id>', 'only the key with this id')
    .addHelpText('after', '\nExample:\n  $ aitbc usage --from 2026-01-01 --to 2026-01-31 --by model')
    .action(async (flags: ReportFlags, command: Command) => {
      const { key } = flags;
      const query: ListUsage = { ...queryOf(flags), ...(key !== undefined && { key }) };
      const { usage } = clientFor(command, io);
      if (flags.csv) return void io.stdout.write(await usage.csv(query));
      const groups = flags.by.split(',').map(group => (group === 'key' ? 'key_id' : group));
      const columns = [...groups, 'jobs', 'failed', 'cancelled', 'tokens_in', 'tokens_out', 'credits'];
      await printReport<UsageRow>(usage.list(query), columns, flags, command, io);
    });
}

/** `aitbc earnings`: what the account's miners earned. */
export function addEarningsCommand(program: Command, io: Io): void {
  withReportFlags(
    program
      .command('earnings')
      .description('show what your miners earned by day, miner and model, and what you were paid'),
  )
    .option('--by <groups>', 'what to sum up by: some of day, account, miner, model', 'day,miner,model')
    .option('--miner <id>', 'only this miner')
    .addHelpText('after', '\nExample:\n  $ aitbc earnings --by miner --csv > earnings.csv')
    .action(async (flags: ReportFlags, command: Command) => {
      const { miner } = flags;
      const query: ListEarnings = { ...queryOf(flags), ...(miner !== undefined && { miner }) };
      const { earnings } = clientFor(command, io);
      if (flags.csv) return void io.stdout.write(await earnings.csv(query));
      const groups = flags.by.split(',').map(group => (group === 'miner' ? 'miner_id' : group));
      const columns = [...groups, 'jobs', 'tokens_in', 'tokens_out', 'credits'];
      await printReport<EarningsRow>(earnings.list(query), columns, flags, command, io);
      if (!wantsJson(command)) await printTotals(flags.account, command, io);
    });
}

/** Prints what an account has earned and was paid in all, whatever days the report is of. */
async function printTotals(account: string | undefined, command: Command, io: Io): Promise<void> {
  const client = clientFor(command, io);
  const own = await client.accounts.own();
  const isShared = account === undefined && !hasKey(command, io);
  const miner = isShared ? await minerOfThisMachine(client, io) : null;
  const found = account === undefined || account === own.address ? own : await client.accounts.get(account);
  const totals = miner ?? found.earnings;
  print(io, `\n${fieldList({ Account: (miner ?? found).address, ...earningsFields(totals) })}`);
}

const withReportFlags = (command: Command): Command =>
  command
    .option('--from <day>', 'the first day, in UTC: 2026-01-24; default: 30 days before the last one')
    .option('--to <day>', 'the last day; default: today')
    .option('--model <name>', 'only this model')
    .option('--account <address>', 'only this account, for administrators', address)
    .option('--csv', 'print CSV, up to 1,000 rows')
    .option('--limit <n>', 'how many rows to list', positiveInteger, 100)
    .option('--all', 'list all');

function queryOf({ from, to, by, account, model, limit, all }: ReportFlags) {
  return {
    group_by: by,
    limit: all ? PAGE : Math.min(limit, PAGE),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(account !== undefined && { account }),
    ...(model !== undefined && { model }),
  };
}

async function printReport<Row extends object>(
  found: Paged<Row>,
  columns: readonly string[],
  flags: ListFlags,
  command: Command,
  io: Io,
): Promise<void> {
  const cell = (row: Row, column: string) => (row as Record<string, string | number | null>)[column] ?? null;
  const row = (item: Row) => columns.map(column => cell(item, column));
  await printList(found, flags, { command, io, columns: { head: columns, row } });
}
