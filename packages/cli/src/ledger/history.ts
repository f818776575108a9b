import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ledger, type LedgerCheckpoint, LedgerError, type RequestOptions } from '@aitbc/sdk';
import { CommandFailure, message } from '../failure.ts';
import type { SavedCheckpoint } from './saved-checkpoints.ts';

/** An earlier checkpoint that the log has signed. */
export interface Earlier {
  /** The file of the checkpoint; null for one that was only seen. */
  file: string | null;
  checkpoint: LedgerCheckpoint;
}

/** A ledger that contradicts its own earlier checkpoint. */
export interface Breach {
  code: 'FORKED' | 'ROLLED_BACK';
  detail: string;
  earlier: Earlier;
  now: LedgerCheckpoint;
}

/** @throws {CommandFailure} for a checkpoint that the log has not signed */
export async function openEarlier(ledger: Ledger, saved: readonly SavedCheckpoint[]): Promise<Earlier[]> {
  return await Promise.all(
    saved.map(async ({ file, note }) => {
      try {
        return { file, checkpoint: await ledger.openCheckpoint(note) };
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        throw new CommandFailure(`${file} is not a checkpoint of this ledger: ${message(error)}`);
      }
    }),
  );
}

/**
 * Checks that the tree of a checkpoint begins with each earlier one.
 *
 * @returns the first contradiction, or null
 * @throws LedgerError when the log's tiles do not fit the tree
 */
export async function findBreach(
  ledger: Ledger,
  now: LedgerCheckpoint,
  earlier: readonly Earlier[],
  options: RequestOptions = {},
): Promise<Breach | null> {
  const tree = ledger.tree(now);
  for (const each of earlier) {
    try {
      await tree.consistencyProof(each.checkpoint, options);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      const { code, message: detail } = error;
      if (code !== 'FORKED' && code !== 'ROLLED_BACK') throw error;
      return { code, detail, earlier: each, now };
    }
  }
  return null;
}

/**
 * Writes both checkpoints to a file, as the log's signatures on them prove the contradiction. Returns the
 * file. An existing file is kept.
 */
export async function keepEvidence({ code, earlier, now }: Breach, folder: string): Promise<string> {
  const { origin, size } = now;
  const name = `${code === 'FORKED' ? 'fork' : 'rollback'}-${encodeURIComponent(origin)}-${earlier.checkpoint.size}-${size}.txt`;
  const file = join(folder, name);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(file, [earlier.checkpoint.note, now.note].join('\n'), { flag: 'wx', flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new CommandFailure(
        `The evidence can not be written: ${message(error)}\n${earlier.checkpoint.note}\n${now.note}`,
      );
    }
  }
  return file;
}
