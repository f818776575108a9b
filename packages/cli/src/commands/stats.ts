import type { Command } from 'commander';
import { clientFor, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { print, printJson } from '../output.ts';
import { fieldList } from '../table.ts';

export function addStatsCommand(program: Command, io: Io): void {
  program
    .command('stats')
    .description('show the counts of jobs, miners and receipts')
    .action(async (_flags: object, command: Command) => {
      const found = await clientFor(command, io).stats();
      if (wantsJson(command)) return printJson(io, found);
      print(
        io,
        fieldList({
          Jobs: found.total_jobs,
          '  pending': found.pending_jobs,
          '  running': found.running_jobs,
          '  completed': found.completed_jobs,
          '  failed': found.failed_jobs,
          '  cancelled': found.cancelled_jobs,
          Miners: found.total_miners,
          '  active': found.active_miners,
          Receipts: found.total_receipts,
          'Block height': found.block_height,
        }),
      );
    });
}
