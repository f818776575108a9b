import { type Restored, restore as restoreStore } from '@aitbc/coordinator';
import type { Command } from 'commander';
import { wantsJson } from '../connection.ts';
import type { Io } from '../io.ts';
import { count, describeRestore } from '../ledger/audit-tree.ts';
import { note, print, printJson } from '../output.ts';
import { onStore, type StoreFlags, withConfig } from '../store-options.ts';

interface RestoreFlags extends StoreFlags {
  newLedger?: boolean;
}

/** `aitbc restore`: turns a backup into a data folder, and decides whether its ledger can continue. */
export function addRestoreCommand(program: Command, io: Io): void {
  const command = program
    .command('restore')
    .description('turn a backup into a data folder, or make a restored PostgreSQL database usable')
    .argument('[backup]', 'folder made by `aitbc backup`; default: the data at --data or --database-url')
    .option(
      '--new-ledger',
      'begin a new ledger in any case, because more was signed than anything here shows',
    );
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
  for (const line of [...describe(restored), ...describeDeliveries(restored)]) note(io, line);
}

/** The result for programs. */
function summary({ shown, pendingDeliveries: pending_deliveries, ...restored }: Restored) {
  return {
    ...restored,
    pending_deliveries,
    shown: shown.map(({ by, origin, size }) => ({ by, origin, tree_size: size })),
  };
}

function describeDeliveries({ pendingDeliveries }: Restored): string[] {
  if (pendingDeliveries === 0) return [];
  const deliveries = count(pendingDeliveries, 'webhook delivery', 'webhook deliveries');
  return [
    `It has ${deliveries} to make. The lost coordinator may have made them since: receivers know them by their webhook-id.`,
  ];
}

function describe({ ledger, vkey, entries, shown, restore }: Restored): string[] {
  const [newest] = shown;
  const compared = newest
    ? `The newest known checkpoint is over ${count(newest.size, 'entry', 'entries')} (${newest.by}).`
    : 'The newest checkpoint is unknown: no file and no witness shows one.';
  if (ledger === 'none') return ['It has not published a ledger yet.'];
  if (!restore) return [compared, `The ledger continues, with ${count(entries, 'entry', 'entries')}.`];
  return [
    compared,
    `A new ledger begins, as the old one can't continue: ${describeRestore(restore)}.`,
    `Its name is ${restore.ledger}, and its key ${vkey}. Tell your auditors and your witnesses.`,
  ];
}

const HELP = `
The ledger may have signed more since the backup. Signing other entries in their place would look like fraud to everyone
who has seen them. The ledger therefore only continues when the newest checkpoint is known and the restored store has its
tree. The checkpoint comes from the guard file of the lost coordinator (--ledger-checkpoint FILE, by default in --data) or
from a witness (--witness URL=VKEY). Otherwise a new ledger begins: its signed first entry names the old ledger and the
balances that continue. Accounts, credits, jobs and receipts are kept in any case.

Restore PostgreSQL with its own tools first. No coordinator may run on it.

Examples:
  $ aitbc restore /var/backups/aitbc/2026-01-24 --data /var/lib/aitbc --ledger-checkpoint /mnt/other/ledger-checkpoint
  $ aitbc restore /var/backups/aitbc/2026-01-24 --data /var/lib/aitbc --witness 'https://witness.example=witness.example+…'
  $ aitbc restore --database-url postgres://aitbc@db.example/aitbc --data /var/lib/aitbc`;
