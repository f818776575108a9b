import { type Restored, restore as restoreStore } from '@aitbc/coordinator';
import type { Command } from 'commander';
import { wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { count, describeRestore } from '../ledger/auditing.ts';
import { note, print, printJson } from '../output.ts';
import { onStore, type StoreFlags, withConfig } from '../store-options.ts';

interface RestoreFlags extends StoreFlags {
  newLedger?: boolean;
}

/** `aitbc restore`: makes a data folder of a backup, and decides what becomes of the ledger. */
export function restore(program: Command, io: Io): void {
  const command = program
    .command('restore')
    .description('make a data folder of a backup, or a PostgreSQL database that was restored fit to be used')
    .argument(
      '[backup]',
      'folder that `aitbc backup` has made; what is at --data or --database-url unless given',
    )
    .option('--new-ledger', 'begin a new ledger in any case: more was signed than anything here shows');
  onStore(command, ['signingKey', 'ledgerKey', 'ledgerCheckpoint', 'witness', 'witnessTimeoutSeconds'])
    .addHelpText('after', HELP)
    .action((backup: string | undefined, flags: RestoreFlags, command: Command) =>
      run(backup, flags, command, io),
    );
}

async function run(
  backup: string | undefined,
  { newLedger = false, ...flags }: RestoreFlags,
  command: Command,
  io: Io,
): Promise<void> {
  const [restored, config] = await withConfig(
    flags,
    io,
    async config =>
      [await restoreStore(config, { newLedger, ...(backup !== undefined && { backup }) }), config] as const,
  );
  if (wantsJson(command)) return printJson(io, summary(restored));
  print(io, config.databaseUrl === undefined ? config.data : 'The database is ready.');
  for (const line of describe(restored)) note(io, line);
}

/** For programs. */
function summary({ shown, ...restored }: Restored) {
  return { ...restored, shown: shown.map(({ by, origin, size }) => ({ by, origin, tree_size: size })) };
}

function describe({ ledger, vkey, entries, shown, restore }: Restored): string[] {
  const [newest] = shown;
  const compared = newest
    ? `The newest checkpoint that is known is over ${count(newest.size, 'entry', 'entries')} (${newest.by}).`
    : 'The newest checkpoint is not known: no file and no witness shows one.';
  if (ledger === 'none') return ['No ledger was published from it yet.'];
  if (!restore) return [compared, `The ledger goes on, with ${count(entries, 'entry', 'entries')}.`];
  return [
    compared,
    `A new ledger begins, as that one can't go on: ${describeRestore(restore)}.`,
    `Its name is ${restore.ledger}, and its key ${vkey}. Tell your auditors and your witnesses.`,
  ];
}

const HELP = `
A backup is older than what the ledger has signed since, and to sign anew what others have seen otherwise is proof of fraud to
them. So the ledger only goes on where the newest checkpoint is shown, and the restored store has its tree: in the guard file
of the lost coordinator (--ledger-checkpoint FILE, which else is looked for in --data), or by a witness (--witness URL=VKEY,
which is asked). Otherwise a new ledger begins: its first entry names the old one and the balances that go on, and is signed.
Accounts, credits, jobs and receipts stay in any case.

PostgreSQL is restored by its own tools first; no coordinator may run on it.

Examples:
  $ aitbc restore /var/backups/aitbc/2026-01-24 --data /var/lib/aitbc --ledger-checkpoint /mnt/other/ledger-checkpoint
  $ aitbc restore /var/backups/aitbc/2026-01-24 --data /var/lib/aitbc --witness 'https://witness.example=witness.example+…'
  $ aitbc restore --database-url postgres://aitbc@db.example/aitbc --data /var/lib/aitbc`;
