import { hash } from 'node:crypto';
import {
  formatAddCheckpoint,
  formatNote,
  type NoteSignature,
  openNote,
  parseNote,
  parseSignatureLines,
} from '@aitbc/tlog';
import type { WitnessAddress } from './witness-options.ts';

const MAX_ANSWER_BYTES = 64 * 1024;
/** The first attempt learns the witness's size, the second uses it, and another coordinator may get in between. */
const MAX_ATTEMPTS = 3;

/** Computes the proof that the checkpoint extends the tree of `size` entries. */
export type ConsistencyFrom = (size: number) => Promise<readonly Uint8Array[]>;

export interface CheckpointToCosign {
  /** The checkpoint with the log's signatures. */
  note: string;
  size: number;
}

/**
 * A witness's answer:
 * - `cosigned`: it has cosigned, and its signature is verified
 * - `ahead`: it has cosigned a larger tree of the log
 * - `refused`: it does not cosign this checkpoint. With `contradicts`, it says that it has cosigned another tree of the log
 */
export type WitnessOutcome =
  | { outcome: 'cosigned'; signature: NoteSignature }
  | { outcome: 'ahead'; size: number }
  | { outcome: 'refused'; reason: string; contradicts: boolean };

export interface CosignRequest {
  checkpoint: CheckpointToCosign;
  consistency: ConsistencyFrom;
  /** The size that the witness is believed to have cosigned last. */
  from: number;
  signal: AbortSignal;
}

interface WitnessAnswer {
  status: number;
  type: string;
  text: string;
}

/**
 * Asks a witness to cosign a checkpoint (C2SP tlog-witness, add-checkpoint).
 *
 * @throws where it does not answer, or its answer breaks the protocol
 */
export async function askWitness(witness: WitnessAddress, asked: CosignRequest): Promise<WitnessOutcome> {
  const { checkpoint, consistency, signal } = asked;
  let old = Math.min(asked.from, checkpoint.size);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const body = formatAddCheckpoint({ old, proof: await consistency(old), checkpoint: checkpoint.note });
    const answer = await post(`${witness.url}/add-checkpoint`, body, signal);
    if (answer.status === 200) return await verifyCosignature(witness, checkpoint, answer.text);
    const size = readCosignedSize(answer);
    if (size === undefined) return readRefusal(answer);
    if (size > checkpoint.size) return { outcome: 'ahead', size };
    if (size === old) throw new Error(`it has cosigned size ${old} last and says that it has not`);
    old = size;
  }
  throw new Error('it names another size each time');
}

async function post(url: string, body: string, signal: AbortSignal): Promise<WitnessAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body,
    redirect: 'error',
    signal,
  });
  const { status, headers } = response;
  return { status, type: headers.get('content-type') ?? '', text: await readText(response) };
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new Error(`it answers with more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The size that a witness has cosigned last, if its answer names it (409 with the type text/x.tlog.size). */
function readCosignedSize({ status, type, text }: WitnessAnswer): number | undefined {
  if (status !== 409 || type.split(';', 1)[0]?.trim() !== 'text/x.tlog.size') return undefined;
  const size = /^(0|[1-9]\d*)\n$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw new Error(`it names a size that is none: ${quote(text)}`);
  return size;
}

/** Reasons by status. The status of a fork is 409 in version 1.0.0 of tlog-witness, and 422 in later drafts. */
const REFUSALS: Readonly<Record<number, string>> = {
  403: 'it does not know the key that has signed',
  404: 'it does not watch this ledger',
  409: 'it has cosigned another tree of this size',
  422: 'the checkpoint does not lead on from the last one that it has cosigned',
};

function readRefusal({ status, text }: WitnessAnswer): WitnessOutcome {
  const reason = REFUSALS[status];
  if (reason === undefined) throw new Error(`it answers ${status} ${quote(text)}`);
  const contradicts = status === 409 || status === 422;
  return { outcome: 'refused', reason: `${reason} (${status} ${quote(text)})`, contradicts };
}

/**
 * Fetches the last checkpoint of a log that a witness has cosigned (C2SP tlog-witness, monitoring). It is not verified.
 * Resolves with undefined where the witness returns none.
 *
 * @throws where it does not answer
 */
export async function askForLatest(
  { url }: WitnessAddress,
  origin: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const response = await fetch(`${url}/${hash('sha256', origin)}/checkpoint`, { redirect: 'error', signal });
  const text = await readText(response);
  return response.status === 200 ? text : undefined;
}

async function verifyCosignature(
  { key }: WitnessAddress,
  { note }: CheckpointToCosign,
  lines: string,
): Promise<WitnessOutcome> {
  const { text } = parseNote(note);
  const signatures = parseSignatureLines(lines);
  const signature = signatures.find(({ name, keyHash }) => name === key.name && keyHash === key.keyHash);
  if (!signature) throw new Error(`it signs with another key than ${key.name} (${key.keyHash})`);
  await openNote(formatNote({ text, signatures: [signature] }), [key]);
  return { outcome: 'cosigned', signature };
}

const quote = (text: string) => JSON.stringify(text.trim().slice(0, 200));
