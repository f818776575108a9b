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
/** The first tells how far the witness is, the second uses that, and another coordinator may be in between. */
const MAX_ATTEMPTS = 3;

/** The proof that the checkpoint in question begins with the tree of so many entries. */
export type ConsistencyFrom = (size: number) => Promise<readonly Uint8Array[]>;

export interface CheckpointToCosign {
  /** As the log has signed it. */
  note: string;
  size: number;
}

/**
 * What came of asking a witness:
 * - `cosigned`: its signature, verified
 * - `ahead`: it has cosigned a larger tree of the log
 * - `refused`: it may not cosign the checkpoint; or, where it `contradicts`, the witness says that it has cosigned another
 *   tree of the log
 */
export type Outcome =
  | { outcome: 'cosigned'; signature: NoteSignature }
  | { outcome: 'ahead'; size: number }
  | { outcome: 'refused'; reason: string; contradicts: boolean };

export interface Asked {
  checkpoint: CheckpointToCosign;
  consistency: ConsistencyFrom;
  /** The size that the witness has probably cosigned last. */
  from: number;
  signal: AbortSignal;
}

interface Answer {
  status: number;
  type: string;
  text: string;
}

/**
 * Asks a witness to cosign a checkpoint (C2SP tlog-witness, add-checkpoint).
 *
 * @throws where it does not answer, or not as a witness does
 */
export async function askWitness(witness: WitnessAddress, asked: Asked): Promise<Outcome> {
  const { checkpoint, consistency, signal } = asked;
  let old = Math.min(asked.from, checkpoint.size);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const body = formatAddCheckpoint({ old, proof: await consistency(old), checkpoint: checkpoint.note });
    const answer = await post(`${witness.url}/add-checkpoint`, body, signal);
    if (answer.status === 200) return await cosigned(witness, checkpoint, answer.text);
    const size = sizeIn(answer);
    if (size === undefined) return refusedBy(answer);
    if (size > checkpoint.size) return { outcome: 'ahead', size };
    if (size === old) throw new Error(`it has cosigned size ${old} last and says that it has not`);
    old = size;
  }
  throw new Error('it names another size each time');
}

async function post(url: string, body: string, signal: AbortSignal): Promise<Answer> {
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

/** The size that a witness has cosigned last, where it says that it is another one. */
function sizeIn({ status, type, text }: Answer): number | undefined {
  if (status !== 409 || type.split(';', 1)[0]?.trim() !== 'text/x.tlog.size') return undefined;
  const size = /^(0|[1-9]\d*)\n$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw new Error(`it names a size that is none: ${quote(text)}`);
  return size;
}

/** By v1.0.0 a fork is 409, by later drafts 422. */
const REFUSALS: Readonly<Record<number, string>> = {
  403: 'it does not know the key that has signed',
  404: 'it does not watch this ledger',
  409: 'it has cosigned another tree of this size',
  422: 'the checkpoint does not lead on from the last one that it has cosigned',
};

function refusedBy({ status, text }: Answer): Outcome {
  const reason = REFUSALS[status];
  if (reason === undefined) throw new Error(`it answers ${status} ${quote(text)}`);
  const contradicts = status === 409 || status === 422;
  return { outcome: 'refused', reason: `${reason} (${status} ${quote(text)})`, contradicts };
}

/**
 * The last checkpoint of a log that a witness has cosigned (C2SP tlog-witness, monitoring), which nobody has verified yet;
 * undefined where it says that there is none, or shows none.
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

async function cosigned(
  { key }: WitnessAddress,
  { note }: CheckpointToCosign,
  lines: string,
): Promise<Outcome> {
  const { text } = parseNote(note);
  const signatures = parseSignatureLines(lines);
  const signature = signatures.find(({ name, keyHash }) => name === key.name && keyHash === key.keyHash);
  if (!signature) throw new Error(`it signs with another key than ${key.name} (${key.keyHash})`);
  await openNote(formatNote({ text, signatures: [signature] }), [key]);
  return { outcome: 'cosigned', signature };
}

const quote = (text: string) => JSON.stringify(text.trim().slice(0, 200));
