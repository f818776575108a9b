import { concatBytes } from '@noble/hashes/utils.js';
import { hex } from '@scure/base';
import { malformed } from './errors.ts';
import { quote, readBase64, readText, type TextSource, writeBase64 } from './text-format.ts';
import { checkKeyName } from './vkeys.ts';

const DASH = '\u2014 ';
const KEY_HASH_BYTES = 4;
/** Go's reader allows as many. C2SP demands that at least 16 are accepted. */
const MAX_SIGNATURES = 100;

/** One signature of a note, by any key. It is not verified yet. */
export interface NoteSignature {
  /** The name of the key. */
  readonly name: string;
  /** The key ID as C2SP calls it: 8 lower-case hex digits. */
  readonly keyHash: string;
  /** At least one byte; 64 for Ed25519, preceded by 8 of time for cosignature/v1. */
  readonly signature: Uint8Array;
}

/** A signed note (C2SP signed-note). */
export interface Note {
  /** The signed text. It ends in a newline. */
  readonly text: string;
  /** 1 to 100 signatures in their order in the note. */
  readonly signatures: readonly NoteSignature[];
}

/**
 * Returns the note as text: the signed text, a blank line and a line for each signature.
 *
 * @throws TlogError MALFORMED when a field is not valid
 */
export function formatNote({ text, signatures }: Note): string {
  checkNoteText(text);
  return `${text}\n${formatSignatureLines(signatures)}`;
}

/**
 * Parses a note without verifying it; `openNote` does both.
 *
 * @param source text, or its bytes in UTF-8
 * @throws TlogError MALFORMED
 */
export function parseNote(source: TextSource): Note {
  const note = readText(source);
  const end = note.lastIndexOf('\n\n');
  if (end < 0) throw malformed('There is no blank line before the signatures');
  return { text: note.slice(0, end + 1), signatures: parseSignatureLines(note.slice(end + 2)) };
}

/**
 * Returns the signature lines of a note, which are also what a witness answers with.
 *
 * @throws TlogError MALFORMED for no signatures, or one that is not valid
 */
export function formatSignatureLines(signatures: readonly NoteSignature[]): string {
  checkCount(signatures.length);
  return signatures.map(formatLine).join('');
}

/**
 * Parses the signature lines of a note.
 *
 * @param source text, or its bytes in UTF-8
 * @throws TlogError MALFORMED
 */
export function parseSignatureLines(source: TextSource): NoteSignature[] {
  const lines = readText(source).split('\n');
  if (lines.pop() !== '') throw malformed('The last line does not end in a newline');
  checkCount(lines.length);
  return lines.map(parseLine);
}

function formatLine({ name, keyHash, signature }: NoteSignature): string {
  checkKeyName(name);
  if (!/^[0-9a-f]{8}$/.test(keyHash))
    throw malformed(`${quote(keyHash)} is no key ID: 8 lower-case hex digits`);
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

/**
 * Throws TlogError MALFORMED unless the text can be a note's: UTF-8 without control characters, ending in a
 * newline.
 */
export function checkNoteText(text: string): void {
  if (!readText(text).endsWith('\n')) throw malformed('The text of a note ends in a newline');
}

function checkCount(signatures: number): void {
  if (signatures === 0) throw malformed('There is no signature');
  if (signatures > MAX_SIGNATURES) throw malformed(`There are more than ${MAX_SIGNATURES} signatures`);
}
