import type { Grant, Opening, Receipt, Restore } from '@aitbc/protocol';
import { wrong } from './findings.ts';
import { statementEntry } from './flat-statements.ts';
import { verifyGrant } from './grants.ts';
import { parseCanonicalJson } from './parse.ts';
import { verifyOpening, verifyRestore } from './restores.ts';
import { isObject, type Members } from './shape.ts';
import { receiptEntry } from './signing.ts';
import { type Check, type Verification, type VerifyOptions, verifyReceipt } from './verifying.ts';

/** The statements that are known here. Receipts have no `type`, the others say by it what they are. */
export type Statement = Receipt | Grant | Restore | Opening;

/** What an entry of the ledger turns out to be. */
export interface EntryVerification extends Verification {
  /**
   * `receipt`, or the `type` that a statement gives itself, which need not be one that is known here; null for what is no
   * statement. A stranger's text, of 64 characters at most.
   */
  kind: string | null;
  /** The statement that the entry is; null for one that is not valid, and for one of a kind that is not known here. */
  statement: Statement | null;
}

const LONGEST_KIND = 64;

const VERIFIERS = {
  receipt: verifyReceipt,
  grant: verifyGrant,
  restore: verifyRestore,
  opening: verifyOpening,
} as const;

/** The kinds of statements that are verified here. Of any other kind only the hash tells something. */
export const STATEMENT_KINDS = Object.keys(VERIFIERS) as (keyof typeof VERIFIERS)[];

const isKnown = (kind: string): kind is keyof typeof VERIFIERS => Object.hasOwn(VERIFIERS, kind);

/**
 * Checks an entry of the ledger: that it is a statement in its one spelling, with nothing beside what is signed, and valid.
 * One of a kind that is not known here counts as valid, as coordinators may gain kinds: it moves nothing by what is known,
 * and `kind` is there to report. Never throws over an entry, whatever it is.
 *
 * @param entry its bytes, or its text
 * @param options without keys, the key that the statement names is taken for the coordinator's: for those who trust the
 * ledger to take in nobody else's
 */
export async function verifyEntry(
  entry: Uint8Array | string,
  options: Partial<VerifyOptions> = {},
): Promise<EntryVerification> {
  const read = readEntry(entry);
  if ('fault' in read) return invalid(null, [shapeFault(read.fault)]);
  const { statement, length } = read;
  const kind = kindOf(statement);
  if (!isKnown(kind)) return unknown(kind.slice(0, LONGEST_KIND));
  const keys = options.keys ?? [String(Object(statement.signature).key_id)];
  const { valid, checks } = await VERIFIERS[kind](statement, { keys });
  if (!valid) return invalid(kind, checks);
  const own = kind === 'receipt' ? receiptEntry(statement as unknown as Receipt) : statementEntry(statement);
  // Canonical both, so that what is longer has more in it.
  if (own.length === length) {
    return { kind, statement: statement as unknown as Statement, valid, checks };
  }
  return invalid(kind, [shapeFault('it has more in it than the signature covers')]);
}

const invalid = (kind: string | null, checks: Check[]): EntryVerification => ({
  ...{ kind, statement: null, valid: false, checks },
});

const unknown = (kind: string): EntryVerification => ({
  ...{ kind, statement: null, valid: true },
  checks: [{ name: 'shape', ok: true, detail: 'a kind of statement that is not known here' }],
});

/** What gives itself a `type` that is no text can't be told from a receipt by it: as such it is found wrong. */
const kindOf = ({ type }: Members): string => (typeof type === 'string' && type !== '' ? type : 'receipt');

const shapeFault = (detail: string): Check => ({ name: 'shape', ...wrong(detail) });

/** The statement may be anything yet that is an object. */
function readEntry(entry: Uint8Array | string): { statement: Members; length: number } | { fault: string } {
  try {
    const statement = parseCanonicalJson(entry);
    if (!isObject(statement)) return { fault: 'it is not an object' };
    const { length } = typeof entry === 'string' ? new TextEncoder().encode(entry) : entry;
    return { statement, length };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : 'it is not JSON' };
  }
}
