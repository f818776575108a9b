import type { AuditEntry } from '@aitbc/sdk';
import type { Command } from 'commander';
import { positiveInteger } from '../arguments.ts';
import { clientFor } from '../connection.ts';
import type { Io } from '../io.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';

interface AuditLogFlags extends ListFlags {
  action?: string;
  target?: string;
}

/** `aitbc audit-log`: administrative actions, for administrators. */
export function addAuditLogCommand(program: Command, io: Io): void {
  program
    .command('audit-log')
    .description('list administrative actions, newest first, with an administrator’s key')
    .option('--action <name>', 'only this action, such as key.create')
    .option('--target <id>', 'only actions about this id or address')
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all')
    .addHelpText('after', '\nExample:\n  $ aitbc audit-log --action key.create --json')
    .action(async (flags: AuditLogFlags, command: Command) => {
      const { action, target } = flags;
      const query = { limit: pageSize(flags), ...(action && { action }), ...(target && { target }) };
      const found = clientFor(command, io).auditLog.list(query);
      await printList(found, flags, { command, io, columns: COLUMNS });
    });
}

const COLUMNS: Columns<AuditEntry> = {
  head: ['at', 'action', 'target', 'by', 'from', 'details'],
  row: ({ at, action, target, key_id, source, origin, details }) => [
    at,
    action,
    target,
    key_id ?? source,
    origin,
    JSON.stringify(details),
  ],
};
