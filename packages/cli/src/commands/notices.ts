import type { NewNotice, Notice } from '@aitbc/sdk';
import type { Command } from 'commander';
import { address, positiveNumber } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { table } from '../table.ts';

interface NoticeFlags {
  miner?: string;
  owner?: string;
  belowVersion?: string;
  valid?: number;
}

const DAY_SECONDS = 24 * 3600;

/** `aitbc notices`: messages to the owners of miners, for administrators. */
export function addNoticesCommand(program: Command, io: Io): void {
  const group = program
    .command('notices')
    .description('tell the owners of miners something, with an administrator’s key')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc notices create "Maintenance on Sunday from 8:00 to 9:00 UTC" --valid 7
  $ aitbc notices create "Please upgrade: npm install -g aitbc" --below-version 0.3.0
  $ aitbc notices list`,
    );

  group
    .command('create')
    .description('create a notice; a miner’s terminal shows it when it has no jobs')
    .argument('<text>')
    .option('--miner <id>', 'only this miner gets it')
    .option('--owner <address>', 'only miners of this owner get it', address)
    .option('--below-version <version>', 'only agents of an earlier version get it, such as 0.3.0')
    .option('--valid <days>', 'days for which it is shown; default: 30', positiveNumber)
    .action(async (text: string, flags: NoticeFlags, command: Command) => {
      const { miner, owner, belowVersion, valid } = flags;
      const notice: NewNotice = {
        text,
        ...(miner !== undefined && { miner }),
        ...(owner !== undefined && { owner }),
        ...(belowVersion !== undefined && { below_version: belowVersion }),
        ...(valid !== undefined && { valid_seconds: Math.round(valid * DAY_SECONDS) }),
      };
      const created = await clientFor(command, io).notices.create(notice);
      if (wantsJson(command)) return printJson(io, created);
      print(io, created.id);
    });

  group
    .command('list')
    .description('list the notices that are shown')
    .action(async (_flags: object, command: Command) => {
      const found = await clientFor(command, io).notices.list();
      if (wantsJson(command)) return printJson(io, found);
      if (found.length === 0) return note(io, 'There are no notices.');
      print(io, table(['id', 'to', 'until', 'text'], found.map(rowOf)));
    });

  group
    .command('delete')
    .description('delete a notice')
    .argument('<id>')
    .action(async (id: string, _flags: object, command: Command) => {
      await clientFor(command, io).notices.delete(id);
      if (!wantsJson(command)) note(io, `${id} is deleted.`);
    });
}

function rowOf({ id, text, miner, owner, below_version, expires_at }: Notice): string[] {
  const to = [miner, owner, below_version === null ? null : `before ${below_version}`].filter(Boolean);
  return [id, to.length === 0 ? 'all' : to.join(', '), expires_at.slice(0, 10), text];
}
