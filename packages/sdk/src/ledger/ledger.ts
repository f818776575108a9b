import {
  type LogPolicy,
  type OpenCheckpoint,
  openCheckpoint,
  type Policy,
  parseVkey,
  TlogError,
} from '@aitbc/tlog';
import { LedgerError } from '../errors.ts';
import { type ClientOptions, type RequestOptions, settle } from '../options.ts';
import { createTransport } from '../transport.ts';
import { type LogReader, logReader } from './log-reader.ts';
import { type LedgerTree, ledgerTree } from './tree.ts';
import type { TreeHead } from './verified-tiles.ts';

export interface LedgerOptions extends ClientOptions {
  /** The log's verifier key as text: who knows nothing but that. */
  vkey?: string;
  /** Whom to believe, in place of `vkey`: `parsePolicy` of `@aitbc/tlog` reads one from a file. */
  policy?: LogPolicy | Policy;
}

/** A checkpoint whose signatures are those that the policy demands. */
export interface LedgerCheckpoint extends OpenCheckpoint {
  /** The signed note, as it was served: what is worth keeping. */
  readonly note: string;
}

/** A tiled transparency log (C2SP tlog-tiles), as anyone reads it. */
export interface Ledger extends Pick<LogReader, 'tile' | 'bundle'> {
  /** The newest checkpoint. */
  checkpoint(options?: RequestOptions): Promise<LedgerCheckpoint>;
  /** A checkpoint that was kept, held to the policy as if it were new. */
  openCheckpoint(note: string): Promise<LedgerCheckpoint>;
  /** The tree that a checkpoint is of. Nothing is fetched yet. */
  tree(head: TreeHead): LedgerTree;
}

/** A log is files, or answers like one: who has not sent one by then does not answer. */
const TIMEOUT_MS = 10_000;

/**
 * A reader of the log below a URL, such as `https://coordinator.example/ledger`. It trusts nobody but whom the options
 * name, the server least of all.
 *
 * Requests fail and are repeated as those of a CoordinatorClient; what is not as it was signed is a LedgerError.
 *
 * @throws TypeError when `url` is not an http or https URL, or whom to believe is not said
 * @throws TlogError for a `vkey` that is none
 */
export function openLedger(url: string, options: LedgerOptions): Ledger {
  const { vkey, policy = vkey === undefined ? undefined : { log: parseVkey(vkey) } } = options;
  if (!policy) throw new TypeError('Whose signature is a checkpoint to have? Give vkey or policy');
  const resources = logReader(createTransport(url, settle({ timeout: TIMEOUT_MS, ...options })));
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
