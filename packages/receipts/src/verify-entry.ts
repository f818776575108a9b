import { type Check, type VerifyOptions, wrong } from './checks.ts';
import { verifyGrant } from './grants.ts';
import { parseCanonicalJson } from './parse-json.ts';
import { verifyPayout, verifyPayoutUpdate } from './payouts.ts';
import { type ReceiptCheck, receiptEntry, type Verification, verifyReceipt } from './receipts.ts';
import { verifyOpening, verifyRestore } from './restores.ts';
import { isObject, type Members } from './shapes.ts';
import { typedEntry } from './statements.ts';
import { isReceipt, type Statement } from './transfers.ts';
import { verifyVerification } from './verifications.ts';

/** The result of checking a ledger entry. */
export interface EntryVerification extends Verification {
  /**
   * `receipt`, or the statement's own `type`, which this package need not know. Null when the entry is not a
   * statement. A stranger wrote this text; it has at most 64 characters.
   */
  kind: string | null;
  /** The entry's statement; null when it is not valid, or of an unknown kind. */
  statement: Statement | null;
}

const LONGEST_KIND = 64;

const VERIFIERS = {
  receipt: verifyReceipt,
  grant: verifyGrant,
  payout: verifyPayout,
  payout_update: verifyPayoutUpdate,
  restore: verifyRestore,
  opening: verifyOpening,
  verification: verifyVerification,
} as const;

/** The kinds that are verified here. An entry of any other kind is only hashed. */
export const STATEMENT_KINDS = Object.keys(VERIFIERS) as (keyof typeof VERIFIERS)[];

const isKnown = (kind: string): kind is keyof typeof VERIFIERS => Object.hasOwn(VERIFIERS, kind);

/**
 * Checks a statement by what its `type` says that it is: a receipt where it has none, or one that is not known here.
 * Never throws, whatever the statement is.
 */
export async function verifyStatement(
  statement: unknown,
  options: VerifyOptions,
): Promise<Pick<Verification, 'valid' | 'checks'>> {
  const kind = isObject(statement) ? kindOf(statement) : 'receipt';
  return await (isKnown(kind) ? VERIFIERS[kind] : verifyReceipt)(statement, options);
}

/**
 * Returns the ledger's entry for a statement of any kind: its canonical JSON with the signature, without `inclusion`.
 *
 * @throws TypeError when the statement is not JSON
 */
export const statementEntry = (statement: Statement): Uint8Array =>
  isReceipt(statement) ? receiptEntry(statement) : typedEntry(statement);

/**
 * Checks an entry of the ledger: it is a valid statement, as canonical JSON, with nothing that the signature
 * does not cover. An entry of an unknown kind counts as valid, because coordinators may add kinds; `kind`
 * names it and it moves nothing. Never throws, whatever the entry is.
 *
 * @param entry its bytes or its text
 * @param options `keys` may be left out by a caller who trusts the ledger to hold no other coordinator's
 * statements; then the key that the statement names is trusted
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
  const own = statementEntry(statement as unknown as Statement);
  // Both are canonical, so a longer entry has members that the signature does not cover.
  if (own.length === length) {
    return { kind, statement: statement as unknown as Statement, valid, checks };
  }
  return invalid(kind, [shapeFault('it has more in it than the signature covers')]);
}

const invalid = (kind: string | null, checks: Check<ReceiptCheck>[]): EntryVerification => ({
  ...{ kind, statement: null, valid: false, checks },
});

const unknown = (kind: string): EntryVerification => ({
  ...{ kind, statement: null, valid: true },
  checks: [{ name: 'shape', ok: true, detail: 'a kind of statement that is not known here' }],
});

/** A `type` that is not a text counts as a receipt, whose shape check then fails. */
const kindOf = ({ type }: Members): string => (typeof type === 'string' && type !== '' ? type : 'receipt');

const shapeFault = (detail: string): Check<ReceiptCheck> => ({ name: 'shape', ...wrong(detail) });

/** Reads an entry as an object. Whether the object is a statement is checked later. */
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
