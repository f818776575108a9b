import type { Grant, Receipt } from '@aitbc/protocol';
import { wrong } from './findings.ts';
import { grantEntry, verifyGrant } from './grants.ts';
import { parseCanonicalJson } from './parse.ts';
import { isObject } from './shape.ts';
import { receiptEntry } from './signing.ts';
import { isGrant } from './transfers.ts';
import { type Check, type Verification, type VerifyOptions, verifyReceipt } from './verifying.ts';

/** What an entry of the ledger turns out to be. */
export interface EntryVerification extends Verification {
  /** The statement that the entry is; null for one that is not valid. */
  statement: Receipt | Grant | null;
}

/**
 * Checks an entry of the ledger: that it is a receipt or a grant in its one spelling, with nothing beside what is signed,
 * and valid. Never throws over an entry, whatever it is.
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
  if ('fault' in read) return { statement: null, valid: false, checks: [shapeFault(read.fault)] };
  const { statement } = read;
  const keys = options.keys ?? [String(Object(statement.signature).key_id)];
  const verify = isGrant(statement) ? verifyGrant : verifyReceipt;
  const { valid, checks } = await verify(statement, { keys });
  if (!valid) return { statement: null, valid, checks };
  const own = isGrant(statement) ? grantEntry(statement) : receiptEntry(statement);
  // Canonical both, so that what is longer has more in it.
  if (own.length === read.length) return { statement, valid, checks };
  return {
    statement: null,
    valid: false,
    checks: [shapeFault('it has more in it than the signature covers')],
  };
}

const shapeFault = (detail: string): Check => ({ name: 'shape', ...wrong(detail) });

/** The statement may be anything yet that is an object. */
function readEntry(
  entry: Uint8Array | string,
): { statement: Receipt | Grant; length: number } | { fault: string } {
  try {
    const statement = parseCanonicalJson(entry);
    if (!isObject(statement)) return { fault: 'it is not an object' };
    const { length } = typeof entry === 'string' ? new TextEncoder().encode(entry) : entry;
    return { statement: statement as unknown as Receipt | Grant, length };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : 'it is not JSON' };
  }
}
