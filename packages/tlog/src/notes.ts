import { concatBytes } from '@noble/hashes/utils.js';
import { hex } from '@scure/base';
import { malformed } from './errors.ts';
import { quote, readBase64, readText, type Source, writeBase64 } from './spelling.ts';
import { checkKeyName } from './vkeys.ts';

const DASH = '\u2014 ';
const KEY_HASH_BYTES = 4;
/** Go's reader stops at as many; 16 must be accepted. */
const MAX_SIGNATURES = 100;

/** One signature of a note, by whatever key. Nothing is said of whether it verifies. */
export interface NoteSignature {
  /** The name of the key. */
  readonly name: string;
  /** What C2SP calls the key ID: 8 small hex digits. */
  readonly keyHash: string;
  /** At least one byte; 64 for Ed25519, and 8 of time before them for cosignature/v1. */
  readonly signature: Uint8Array;
}

/** A signed note (C2SP signed-note). */
export interface Note {
  /** What is signed. Ends in a newline. */
  readonly text: string;
  /** 1 to 100, in their order. */
  readonly signatures: readonly NoteSignature[];
}

/**
 * The note as text: what was signed, a blank line, a line for each signature.
 *
 * @throws TlogError MALFORMED for what can't be a note
 */
export function formatNote({ text, signatures }: Note): string {
  checkNoteText(text);
  return `${text}\n${formatSignatureLines(signatures)}`;
}

/**
 * Reads a note, and verifies nothing: `openNote` does both.
 *
 * @param source text, or its bytes in UTF-8
 * @throws TlogError MALFORMED
 */
export function parseNote(source: Source): Note {
  const note = readText(source);
  const end = note.lastIndexOf('\n\n');
  if (end < 0) throw malformed('There is no blank line before the signatures');
  return { text: note.slice(0, end + 1), signatures: parseSignatureLines(note.slice(end + 2)) };
}

/**
 * Signatures as the lines of a note, such as a witness answers with.
 *
 * @throws TlogError MALFORMED for none, and for what can't be a signature
 */
export function formatSignatureLines(signatures: readonly NoteSignature[]): string {
  checkCount(signatures.length);
  return signatures.map(formatLine).join('');
}

/**
 * Reads the signature lines of a note.
 *
 * @param source text, or its bytes in UTF-8
 * @throws TlogError MALFORMED
 */
export function parseSignatureLines(source: Source): NoteSignature[] {
  const lines = readText(source).split('\n');
  if (lines.pop() !== '') throw malformed('The last line does not end in a newline');
  checkCount(lines.length);
  return lines.map(parseLine);
}

function formatLine({ name, keyHash, signature }: NoteSignature): string {
  checkKeyName(name);
  if (!/^[0-9a-f]{8}$/.test(keyHash)) throw malformed(`${quote(keyHash)} is no key ID: 8 small hex digits`);
  if (signature.length === 0) throw malformed('A signature has at least one byte');
  return `${DASH}${name} ${writeBase64(concatBytes(hex.decode(keyHash), signature))}\n`;
}

function parseLine(line: string): NoteSignature {
  const [name = '', encoded = ''] = line.slice(DASH.length).split(' ', 2);
  if (line !== `${DASH}${name} ${encoded}`) throw malformed(`${quote(line)} is no signature line`);
  checkKeyName(name);
  const bytes = readBase64(encoded);
  if (bytes.length <= KEY_HASH_BYTES) throw malformed('A signature has a key ID and at least one byte');
  return {
    name,
    keyHash: hex.encode(bytes.subarray(0, KEY_HASH_BYTES)),
    signature: bytes.subarray(KEY_HASH_BYTES),
  };
}

/** Text that can be signed as a note: UTF-8 without control characters, ending in a newline. */
export function checkNoteText(text: string): void {
  if (!readText(text).endsWith('\n')) throw malformed('The text of a note ends in a newline');
}

function checkCount(signatures: number): void {
  if (signatures === 0) throw malformed('There is no signature');
  if (signatures > MAX_SIGNATURES) throw malformed(`There are more than ${MAX_SIGNATURES} signatures`);
}
