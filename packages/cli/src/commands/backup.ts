import { backup as backUp } from '@aitbc/coordinator';
import type { Command } from 'commander';
import { wantsJson } from '../connection.ts';
import { Interruption } from '../failure.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { showSteps } from '../progress.ts';
import { onStore, type StoreFlags, withConfig } from '../store-options.ts';

/** `aitbc backup`: copies a data folder while its coordinator may run. */
export function addBackupCommand(program: Command, io: Io): void {
  onStore(program.command('backup'))
    .description('copy the database and the signing key of a coordinator, even while it runs')
    .argument('<dir>', 'a folder that does not exist yet')
    .addHelpText(
      'after',
      `
To restore it, use aitbc restore. A coordinator does not start on a backup.

Example:
  $ aitbc backup "/var/backups/aitbc/$(date +%F)" --data /var/lib/aitbc`,
    )
    .action((to: string, flags: StoreFlags, command: Command) => run(to, flags, command, io));
}

async function run(to: string, flags: StoreFlags, command: Command, io: Io): Promise<void> {
  const interrupted = new AbortController();
  const unsubscribe = io.onInterrupt(() =>
    interrupted.abort(new Interruption(`Stopped: there is no ${to}.`)),
  );
  const { hasKey } = await withConfig(flags, io, config =>
    showSteps(io, onProgress => {
      let before = 0;
      return backUp(config, to, {
        onProgress(copied, all) {
          onProgress({ step: 'backup', by: copied - before, all });
          before = copied;
        },
        signal: interrupted.signal,
      });
    }),
  ).finally(unsubscribe);
  if (wantsJson(command)) return printJson(io, { folder: to, signing_key: hasKey });
  print(io, to);
  note(
    io,
    `The database is copied${hasKey ? ', and the signing key: store it safely' : '; there is no signing key yet'}.`,
  );
}
