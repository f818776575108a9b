import { mkdir, open, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { parseCheckpoint, parseNote, TlogError } from '@aitbc/tlog';
import type { Command } from 'commander';
import { CommandFailure, message } from '../failure.ts';

const EXTENSION = '.checkpoint';

/** A checkpoint in a file. It is not verified yet. */
export interface SavedCheckpoint {
  file: string;
  note: string;
}

/** Saved checkpoints, from here or from others, to compare a ledger with. */
export interface SavedCheckpoints {
  /** Reads the checkpoints of these logs. */
  read(origins: readonly string[]): Promise<SavedCheckpoint[]>;
  /** Replaces the last checkpoint by a verified one. Returns the file, which is on the disk by then. */
  keep(origin: string, note: string): Promise<string>;
  /** The folder for further files about them. */
  readonly folder: string;
}

export function checkpointsOption(command: Command): Command {
  return command.option(
    '--checkpoints <folder>',
    `where to keep verified checkpoints and compare the next ones with: a folder, of which all *${EXTENSION} files of the ledger are used, or one file`,
  );
}

/**
 * @param path a folder, created when needed; or a file, which must have an extension if it does not exist
 * yet
 */
export async function openSaved(path: string): Promise<SavedCheckpoints> {
  const isFile = await isOneFile(path);
  const folder = isFile ? dirname(path) : path;
  return {
    folder,
    async read(origins) {
      const files = isFile ? [path] : (await namesIn(folder)).map(name => join(folder, name));
      const saved = await Promise.all(files.map(readSaved));
      // A single file is about this ledger. A folder may also have checkpoints of others.
      return saved.flatMap(read => (read && (isFile || origins.includes(originOf(read))) ? [read] : []));
    },
    async keep(origin, note) {
      const file = isFile ? path : join(folder, `${encodeURIComponent(origin)}${EXTENSION}`);
      await replaceFile(file, note);
      return file;
    },
  };
}

async function isOneFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isNotThere(error)) return extname(path) !== '';
    throw new CommandFailure(`${path} can not be read: ${message(error)}`);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter(name => name.endsWith(EXTENSION)).sort();
  } catch (error) {
    if (isNotThere(error)) return [];
    throw new CommandFailure(`${folder} can not be read: ${message(error)}`);
  }
}

async function readSaved(file: string): Promise<SavedCheckpoint | null> {
  try {
    return { file, note: await readFile(file, 'utf8') };
  } catch (error) {
    if (isNotThere(error)) return null;
    throw new CommandFailure(`${file} can not be read: ${message(error)}`);
  }
}

function originOf({ file, note }: SavedCheckpoint): string {
  try {
    return parseCheckpoint(parseNote(note).text).origin;
  } catch (error) {
    if (error instanceof TlogError) throw new CommandFailure(`${file} is not a checkpoint: ${error.message}`);
    throw error;
  }
}

/** After a crash there is either the old file or the new one. */
async function replaceFile(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    const draft = `${file}.${process.pid}`;
    await writeFile(draft, text, { flush: true });
    await rename(draft, file);
    const folder = await open(dirname(file), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    throw new CommandFailure(`${file} can not be written: ${message(error)}`);
  }
}

const isNotThere = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';
