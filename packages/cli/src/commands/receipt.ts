import type { Command } from 'commander';
import { connect } from '../connection.ts';
import type { Io } from '../io.ts';
import { printJson } from '../output.ts';

export function receipt(program: Command, io: Io): void {
  const group = program
    .command('receipt')
    .description('fetch a receipt, verify one')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc receipt get job-01kc0pq5w8e4z9k3v7t2m6n1rx > receipt.json
  $ aitbc receipt verify receipt.json --key 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo`,
    );
  addGet(group, io);
}

function addGet(group: Command, io: Io): void {
  group
    .command('get')
    .description('print a receipt as JSON')
    .argument('<id>', 'the id of the receipt, or of its job')
    .action(async (id: string, _flags: object, command: Command) => {
      const client = connect(command, io);
      printJson(io, await (id.startsWith('job-') ? client.jobReceipt(id) : client.getReceipt(id)));
    });
}
