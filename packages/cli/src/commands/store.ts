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

/** `aitbc store`: all data of a coordinator in one file, which any engine takes. */
export function store(program: Command, io: Io): void {
  const group = program
    .command('store')
    .description('move all data of a coordinator, to the other engine too')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc store export coordinator.jsonl.gz
  $ aitbc store import coordinator.jsonl.gz --database-url postgres://aitbc@db.example/aitbc
  $ aitbc store export - | ssh elsewhere aitbc store import - --data /var/lib/aitbc`,
    );
  onStore(group.command('export'))
    .description('write all data to a file: JSON lines, compressed by gzip')
    .argument('<file>', 'a file that does not exist yet, or - for the standard output')
    .action((file: string, flags: StoreFlags, command: Command) =>
      withConfig(flags, io, config => exportTo(file, config, command, io)),
    );
  onStore(group.command('import'))
    .description('fill an empty store from such a file, as a whole or not at all')
    .argument('<file>', 'what `aitbc store export` has written, or - for the standard input')
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
    `${reminder(config)} Nor is ${lastCheckpointPath(config)}, without which a coordinator does not start on what was published. What changes from now on is not either.`,
  );
}

async function exportToOutput(config: Config, io: Io): Promise<Moved> {
  if (io.stdout.isTTY)
    throw new UsageError('An export is not for the screen: name a file, or send it through a pipe.');
  return await showSteps(io, onProgress => exportStore(config, io.binaryOutput, { onProgress }));
}

async function exportToFile(file: string, config: Config, io: Io): Promise<Moved> {
  // For its owner only: prompts and results stand there as plain text.
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

/** The ledger has a key of its own since the signing key was replaced. */
function reminder(config: Config): string {
  const [key, ledgerKey] = [signingKeyPath(config), ledgerKeyPath(config)];
  return key === ledgerKey
    ? `The signing key is not among them: bring ${key} along.`
    : `The keys are not among them: bring ${key} and ${ledgerKey} along.`;
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
      ? `The signing key was not among them: ${key} must be that of the same coordinator.`
      : `The signing key was not among them: put it at ${key} before you start the coordinator.`,
  );
}

async function opened(file: string, opening: Promise<FileHandle>): Promise<FileHandle> {
  return await opening.catch((error: NodeJS.ErrnoException) => {
    const exists = `${file} exists: it is not overwritten`;
    throw new CommandFailure(error.code === 'EEXIST' ? exists : `${file} can't be opened: ${message(error)}`);
  });
}

const counted = (rows: number) => `${rows.toLocaleString('en')} rows`;

/** What was moved, for programs. */
function summary(file: string, { rows, header: { tables, ...header } }: Moved) {
  return { file, ...header, rows };
}

function rejectPlainly(error: unknown): never {
  throw error instanceof TransferError ? new CommandFailure(error.message) : error;
}
