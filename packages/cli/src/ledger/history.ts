import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ledger, type LedgerCheckpoint, LedgerError, type RequestOptions } from '@aitbc/sdk';
import { CommandFailure, message } from '../failure.ts';
import type { SavedCheckpoint } from './saved-checkpoints.ts';

/** A checkpoint from before, signed by the log. */
export interface Earlier {
  /** Where it is kept; null for one that was only seen. */
  file: string | null;
  checkpoint: LedgerCheckpoint;
}

/** A ledger that contradicts what it has signed before. */
export interface Breach {
  code: 'FORKED' | 'ROLLED_BACK';
  detail: string;
  earlier: Earlier;
  now: LedgerCheckpoint;
}

/** @throws {CommandFailure} for one that the log has not signed */
export async function openEarlier(ledger: Ledger, saved: readonly SavedCheckpoint[]): Promise<Earlier[]> {
  return await Promise.all(
    saved.map(async ({ file, note }) => {
      try {
        return { file, checkpoint: await ledger.openCheckpoint(note) };
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        throw new CommandFailure(`${file} is no checkpoint of this ledger: ${message(error)}`);
      }
    }),
  );
}

/**
 * Whether the tree of a checkpoint begins with each of the earlier ones.
 *
 * @returns the first contradiction, null for none
 * @throws LedgerError where the tiles that would show it are not those of the tree
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

/** Both checkpoints in one file: the log's signatures on them are the proof. Answers the file; what is there is kept. */
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
