import { existsSync } from 'node:fs';
import { parseCanonicalJson, type Statement, statementEntry } from '@aitbc/receipts';
import { type CoordinatorClient, isCoordinatorError, type PublishedReceipt, type Receipts } from '@aitbc/sdk';
import { parseTlogProof, type TlogProof } from '@aitbc/tlog';
import { readInput } from '../arguments.ts';
import { CommandFailure, message, UsageError } from '../failure.ts';
import { parseReceiptJson, readTextFile } from '../files.ts';
import type { Io } from '../io.ts';
import { isTlogProof, readInclusion, readTlogProof } from './proofs.ts';

/** A receipt or another statement, with the proof of its place in the ledger if there is one. */
export interface Evidence {
  receipt: unknown;
  proof: Proof;
}

export type Proof =
  | { state: 'there'; entry: Uint8Array; proof: TlogProof }
  | { state: 'none' }
  /** The ledger has not published the statement yet. */
  | { state: 'pending' }
  | { state: 'wrong'; fault: string };

const ID = /^(rcpt|grant|payout|update|ver|job)-[0-9a-z]+$/;

const isId = (source: string) => ID.test(source) && !existsSync(source);
export const isJobId = (source: string) => isId(source) && source.startsWith('job-');

/** Fetches any statement with its place in the ledger, by its id. A receipt is also found by its job's id. */
export async function fetchPublished(
  client: CoordinatorClient,
  id: string,
): Promise<Statement & Pick<PublishedReceipt, 'inclusion'>> {
  if (id.startsWith('grant-')) return await client.grants.get(id);
  if (isVerificationId(id)) {
    const { statement, inclusion } = await client.verifications.get(id);
    return { ...statement, inclusion };
  }
  if (!isPayoutId(id)) return await (isJobId(id) ? client.jobs.receipt(id) : client.receipts.get(id));
  const found = await client.explorer.search(id);
  const hash = found.find(({ kind }) => kind === 'transaction')?.id;
  if (hash === undefined) throw new CommandFailure(`The ledger has no ${id}.`);
  const { statement, inclusion } = await client.explorer.transaction(hash);
  return { ...statement, inclusion };
}

/** Fetches a statement without its place in the ledger. */
export async function fetchReceipt(client: CoordinatorClient, id: string): Promise<Statement> {
  const { inclusion, ...statement } = await fetchPublished(client, id);
  return statement as Statement;
}

/** Whether it is the id of a payout, or of an update of one. */
const isPayoutId = (id: string) => /^(payout|update)-/.test(id);

const isVerificationId = (id: string) => id.startsWith('ver-');

/** Returns the resource of the client that has the proof of a statement. */
export function proofsOf(client: CoordinatorClient, id: string): Pick<Receipts, 'proof' | 'waitForProof'> {
  if (isPayoutId(id)) return client.payouts;
  if (isVerificationId(id)) return client.verifications;
  return id.startsWith('grant-') ? client.grants : client.receipts;
}

/** @param proofFile a `.tlog-proof` file for a receipt that has no proof with it */
export async function readEvidence(
  source: string,
  { proofFile, client, io }: { proofFile: string | undefined; client: () => CoordinatorClient; io: Io },
): Promise<Evidence> {
  const proof = proofFile === undefined ? undefined : readTlogProof(await readTextFile(proofFile), proofFile);
  if (isId(source)) return withProof(await fetchReceipt(client(), source), proof);
  const [text, origin] =
    source === '-' ? [await readInput(io), 'The standard input'] : [await readTextFile(source), source];
  if (!isTlogProof(text)) return withProof(parseReceiptJson(text, origin), proof);
  if (proof) throw new UsageError(`${origin} is already a proof: omit --proof.`);
  return readBundle(text, origin);
}

/** Reads a `.tlog-proof` file that contains its entry. */
function readBundle(text: string, origin: string): Evidence {
  const { extra: entry, ...proof } = readTlogProof(text, origin);
  if (!entry) {
    throw new CommandFailure(
      `${origin} contains no receipt: give the receipt's file, and this file with --proof.`,
    );
  }
  try {
    return { receipt: parseCanonicalJson(entry), proof: { state: 'there', entry, proof } };
  } catch (error) {
    throw new CommandFailure(`${origin} contains no receipt: ${message(error)}`);
  }
}

const NOT_FOUND = [
  'RECEIPT_NOT_FOUND',
  'TRANSACTION_NOT_FOUND',
  'PAYOUT_NOT_FOUND',
  'VERIFICATION_NOT_FOUND',
] as const;

/** Asks the coordinator for the proof of a receipt that has none. */
export async function fetchProof(
  receipt: unknown,
  get: (receiptId: string) => Promise<string>,
): Promise<Proof> {
  // A verification names the receipt of the answer, too.
  const { verification_id, receipt_id, grant_id, update_id, payout_id } = Object(receipt);
  const id: unknown = verification_id ?? receipt_id ?? grant_id ?? update_id ?? payout_id;
  if (typeof id !== 'string' || !isId(id)) {
    return { state: 'wrong', fault: 'it has no id to ask the ledger for' };
  }
  try {
    return withProof(receipt, parseTlogProof(await get(id))).proof;
  } catch (error) {
    if (!isCoordinatorError(error, ...NOT_FOUND)) throw error;
    return error.retryAfter === null
      ? { state: 'wrong', fault: 'the coordinator does not know this receipt' }
      : { state: 'pending' };
  }
}

/** Uses the given proof, or the one in the `inclusion` of a published receipt. */
function withProof(receipt: unknown, given: TlogProof | undefined): Evidence {
  const inclusion: unknown = Object(receipt).inclusion ?? null;
  if (!given && inclusion === null) return { receipt, proof: { state: 'none' } };
  try {
    const entry = statementEntry(Object(receipt));
    return { receipt, proof: { state: 'there', entry, proof: given ?? readInclusion(inclusion, entry) } };
  } catch (error) {
    return { receipt, proof: { state: 'wrong', fault: message(error) } };
  }
}
