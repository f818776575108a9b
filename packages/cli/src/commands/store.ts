import { existsSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import {
  type Config,
  exportStore,
  importStore,
  lastCheckpointPath,
  ledgerKeyPath,
  signingKeyPath,
  TransferError,
} from '@aitbc/coordinator';
import type { Command } from 'commander';
import { wantsJson } from '../connection.ts';
import { CommandFailure, Interruption, message, UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { note, printJson } from '../output.ts';
import { showSteps } from '../progress.ts';
import { onStore, type StoreFlags, withConfig } from '../store-options.ts';

/** `aitbc store`: exports all data of a coordinator to one file, which either engine can import. */
export function addStoreCommand(program: Command, io: Io): void {
  const group = program
    .command('store')
    .description('move all data of a coordinator, also to the other database engine')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc store export coordinator.jsonl.gz
  $ aitbc store import coordinator.jsonl.gz --database-url postgres://aitbc@db.example/aitbc
  $ aitbc store export - | ssh elsewhere aitbc store import - --data /var/lib/aitbc`,
    );
  onStore(group.command('export'))
    .description('write all data to a file of JSON lines, compressed with gzip')
    .argument('<file>', 'a file that does not exist yet, or - for the standard output')
    .action((file: string, flags: StoreFlags, command: Command) =>
      withConfig(flags, io, config => exportTo(file, config, command, io)),
    );
  onStore(group.command('import'))
    .description('fill an empty store from such a file, completely or not at all')
    .argument('<file>', 'a file made by `aitbc store export`, or - for the standard input')
    .action((file: string, flags: StoreFlags, command: Command) =>
      withConfig(flags, io, config => importFrom(file, config, command, io)),
    );
}

type Moved = Awaited<ReturnType<typeof exportStore>>;

async function exportTo(file: string, config: Config, command: Command, io: Io): Promise<void> {
  const moved = await (file === '-' ? exportToOutput(config, io) : exportToFile(file, config, io));
  const { rows, header } = moved;
  if (wantsJson(command) && file !== '-') return printJson(io, summary(file, moved));
  note(io, `${counted(rows)} of ${header.coordinator_id ?? 'a new coordinator'} exported.`);
  note(
    io,
    `${reminder(config)} ${lastCheckpointPath(config)} is not included either, and a coordinator needs it to start on a published ledger. Later changes are not included.`,
  );
}

async function exportToOutput(config: Config, io: Io): Promise<Moved> {
  if (io.stdout.isTTY)
    throw new UsageError('An export can not be printed to a terminal: name a file, or use a pipe.');
  return await showSteps(io, onProgress => exportStore(config, io.binaryOutput, { onProgress }));
}

async function exportToFile(file: string, config: Config, io: Io): Promise<Moved> {
  // Only the owner may read the file, as it contains prompts and results in plain text.
  const handle = await opened(file, open(file, 'wx', 0o600));
  const interrupted = new AbortController();
  const unsubscribe = io.onInterrupt(() =>
    interrupted.abort(new Interruption(`Stopped: there is no ${file}.`)),
  );
  const { signal } = interrupted;
  try {
    const to = handle.createWriteStream({ flush: true });
    return await showSteps(io, onProgress => exportStore(config, to, { onProgress, signal }));
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(file, { force: true });
    throw signal.aborted ? signal.reason : error;
  } finally {
    unsubscribe();
  }
}

/** The ledger has its own key once the signing key was replaced. */
function reminder(config: Config): string {
  const [key, ledgerKey] = [signingKeyPath(config), ledgerKeyPath(config)];
  return key === ledgerKey
    ? `The signing key is not included: copy ${key} too.`
    : `The keys are not included: copy ${key} and ${ledgerKey} too.`;
}

async function importFrom(file: string, config: Config, command: Command, io: Io): Promise<void> {
  const from = file === '-' ? io.stdin : (await opened(file, open(file))).createReadStream();
  const moved = await showSteps(io, onProgress => importStore(config, from, { onProgress })).catch(
    rejectPlainly,
  );
  const { rows, header } = moved;
  if (wantsJson(command)) return printJson(io, summary(file, moved));
  note(io, `${counted(rows)} of ${header.coordinator_id ?? 'a new coordinator'} imported and checked.`);
  const key = signingKeyPath(config);
  note(
    io,
    existsSync(key)
      ? `The signing key was not included: ${key} must be the same coordinator's.`
      : `The signing key was not included: copy it to ${key} before you start the coordinator.`,
  );
}

async function opened(file: string, opening: Promise<FileHandle>): Promise<FileHandle> {
  return await opening.catch((error: NodeJS.ErrnoException) => {
    const exists = `${file} exists and is not overwritten`;
    throw new CommandFailure(error.code === 'EEXIST' ? exists : `${file} can't be opened: ${message(error)}`);
  });
}

const counted = (rows: number) => `${rows.toLocaleString('en')} rows`;

/** The result for programs. */
function summary(file: string, { rows, header: { tables, ...header } }: Moved) {
  return { file, ...header, rows };
}

function rejectPlainly(error: unknown): never {
  throw error instanceof TransferError ? new CommandFailure(error.message) : error;
}
