import { migrateStore, SCHEMA_VERSION } from '@aitbc/coordinator';
import type { Command } from 'commander';
import { wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { print, printJson } from '../output.ts';
import { onStore, type StoreFlags, withConfig } from '../store-options.ts';

/** `aitbc migrate`: what `serve` does at its start, on its own and without a limit of time. */
export function addMigrateCommand(program: Command, io: Io): void {
  const command = program.command('migrate').description('bring the database of a coordinator up to date');
  onStore(command)
    .addHelpText(
      'after',
      `
A coordinator does this at its start. This command has no time limit, and a failure stops no coordinator.

Examples:
  $ aitbc migrate --data /var/lib/aitbc
  $ aitbc migrate --database-url postgres://aitbc@db.example/aitbc`,
    )
    .action((flags: StoreFlags, command: Command) =>
      withConfig(flags, io, async config => {
        const applied = await migrateStore(config);
        if (wantsJson(command)) printJson(io, { schema: SCHEMA_VERSION, applied });
        else if (applied.length === 0) print(io, `Nothing to do: the schema is that of ${SCHEMA_VERSION}.`);
        else for (const name of applied) print(io, `${name} applied`);
      }),
    );
}
