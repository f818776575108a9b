import { existsSync } from 'node:fs';
import { grantEntry, isGrant, parseCanonicalJson, receiptEntry } from '@aitbc/receipts';
import {
  type CoordinatorClient,
  type Grant,
  isCoordinatorError,
  type PublishedGrant,
  type PublishedReceipt,
  type Receipt,
} from '@aitbc/sdk';
import { parseTlogProof, type TlogProof } from '@aitbc/tlog';
import { readInput } from '../arguments.ts';
import { CommandFailure, message, UsageError } from '../failure.ts';
import { parseReceiptJson, readTextFile } from '../files.ts';
import type { Io } from '../io.ts';
import { isTlogProof, readInclusion, readTlogProof } from './proofs.ts';

/** A receipt or a grant, with the proof of its place in the ledger if there is one. */
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

const ID = /^(rcpt|grant|job)-[0-9a-z]+$/;

const isId = (source: string) => ID.test(source) && !existsSync(source);
export const isJobId = (source: string) => isId(source) && source.startsWith('job-');

export const isGrantId = (id: string) => id.startsWith('grant-');

/**
 * Fetches a receipt or a grant with its place in the ledger, by its id. A receipt is also found by its job's
 * id.
 */
export async function fetchPublished(
  client: CoordinatorClient,
  id: string,
): Promise<PublishedReceipt | PublishedGrant> {
  if (isGrantId(id)) return await client.grants.get(id);
  return await (id.startsWith('job-') ? client.jobs.receipt(id) : client.receipts.get(id));
}

/** Fetches a receipt or a grant without its place in the ledger. */
export async function fetchReceipt(client: CoordinatorClient, id: string): Promise<Receipt | Grant> {
  const { inclusion, ...statement } = await fetchPublished(client, id);
  return statement;
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

/** Asks the coordinator for the proof of a receipt that has none. */
export async function fetchProof(
  receipt: unknown,
  get: (receiptId: string) => Promise<string>,
): Promise<Proof> {
  const { receipt_id, grant_id } = Object(receipt);
  const id: unknown = isGrant(Object(receipt)) ? grant_id : receipt_id;
  if (typeof id !== 'string' || !isId(id)) {
    return { state: 'wrong', fault: 'it has no id to ask the ledger for' };
  }
  try {
    return withProof(receipt, parseTlogProof(await get(id))).proof;
  } catch (error) {
    if (!isCoordinatorError(error, 'RECEIPT_NOT_FOUND', 'TRANSACTION_NOT_FOUND')) throw error;
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
    const statement: Receipt | Grant = Object(receipt);
    const entry = isGrant(statement) ? grantEntry(statement) : receiptEntry(statement);
    return { receipt, proof: { state: 'there', entry, proof: given ?? readInclusion(inclusion, entry) } };
  } catch (error) {
    return { receipt, proof: { state: 'wrong', fault: message(error) } };
  }
}
