import {
  type LogPolicy,
  type OpenCheckpoint,
  openCheckpoint,
  type Policy,
  parseVkey,
  TlogError,
} from '@aitbc/tlog';
import { LedgerError } from '../errors.ts';
import { type ClientOptions, type RequestOptions, withDefaults } from '../options.ts';
import { createTransport } from '../transport.ts';
import { type LogReader, logReader } from './log-reader.ts';
import { type LedgerTree, ledgerTree } from './tree.ts';
import type { TreeHead } from './verified-tiles.ts';

export interface LedgerOptions extends ClientOptions {
  /** The log's verifier key as text. Use it when that key is all you trust. */
  vkey?: string;
  /** Whose signatures are needed, instead of `vkey`: `parsePolicy` of `@aitbc/tlog` parses a policy file. */
  policy?: LogPolicy | Policy;
}

/** A checkpoint with the signatures that the policy demands. */
export interface LedgerCheckpoint extends OpenCheckpoint {
  /** The signed note as served. Keep it to compare later checkpoints with. */
  readonly note: string;
}

/** A reader of a tiled transparency log (C2SP tlog-tiles). */
export interface Ledger extends Pick<LogReader, 'tile' | 'bundle'> {
  /** Fetches the newest checkpoint. */
  checkpoint(options?: RequestOptions): Promise<LedgerCheckpoint>;
  /** Checks a stored checkpoint against the policy. */
  openCheckpoint(note: string): Promise<LedgerCheckpoint>;
  /** Returns the tree of a checkpoint. Nothing is fetched yet. */
  tree(head: TreeHead): LedgerTree;
}

/** A log serves files, so an answer that takes longer will not come. */
const TIMEOUT_MS = 10_000;

/**
 * Returns a reader of the log below a URL, such as `https://coordinator.example/ledger`. It only trusts the
 * keys in the options, not the server.
 *
 * Requests fail and are retried like those of a CoordinatorClient. Anything that differs from what was signed
 * is a LedgerError.
 *
 * @throws TypeError when `url` is not an http or https URL, or neither `vkey` nor `policy` is given
 * @throws TlogError when `vkey` is not a verifier key
 */
export function openLedger(url: string, options: LedgerOptions): Ledger {
  const { vkey, policy = vkey === undefined ? undefined : { log: parseVkey(vkey) } } = options;
  if (!policy) throw new TypeError('A ledger reader needs the option vkey or policy');
  const resources = logReader(createTransport(url, withDefaults({ timeout: TIMEOUT_MS, ...options })));
  const open = async (note: string) => {
    try {
      return { ...(await openCheckpoint(note, policy)), note };
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      throw new LedgerError('CHECKPOINT_INVALID', error.message, { cause: error });
    }
  };
  return {
    tile: resources.tile,
    bundle: resources.bundle,
    checkpoint: async requestOptions => await open(await resources.note(requestOptions)),
    openCheckpoint: open,
    tree: head => ledgerTree(resources, head),
  };
}
