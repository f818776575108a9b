import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatCheckpoint,
  formatNote,
  type NoteSignature,
  openNote,
  parseNote,
  signNote,
} from '../src/index.ts';
import {
  checkpointText,
  LOG,
  LOG_COSIGNER,
  noteBy,
  ORIGIN,
  party,
  STRANGER,
  signedBy,
  TIME,
  tlogError,
  WITNESSES,
} from './ledger.ts';
import { leaves, storedTree } from './trees.ts';

const TREE = storedTree(leaves(300));
const TEXT = checkpointText(300, TREE.root);

/** Returns a signature of an unknown type by an unknown key. */
function grease(name: string): NoteSignature {
  return { name, keyHash: randomBytes(4).toString('hex'), signature: randomBytes(100) };
}

test('a note is opened with the key that has signed it', async () => {
  const note = await noteBy([LOG], 'Hello!\n');
  expect(await openNote(note, [LOG.key])).toEqual({ text: 'Hello!\n', signatures: [{ key: LOG.key }] });
});

test('a note is opened from its bytes', async () => {
  const note = await noteBy([LOG], 'Grüße, 世界 😀\n');
  const { text } = await openNote(new TextEncoder().encode(note), [LOG.key]);
  expect(text).toBe('Grüße, 世界 😀\n');
});

test('the text of a note ends at its last blank line', async () => {
  const text = 'one\n\n\n— two\n\nthree\n';
  expect((await openNote(await noteBy([LOG], text), [LOG.key])).text).toBe(text);
});

test('the signature is the one of node:crypto over the text', async () => {
  const pkcs8 = Buffer.from(`302e020100300506032b657004220420${'01'.repeat(32)}`, 'hex');
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const { signature } = await signNote('Hello!\n', ORIGIN, LOG.signer);
  expect(Buffer.from(signature)).toEqual(sign(null, Buffer.from('Hello!\n'), key));
});

test('signatures of unknown keys are passed over, whatever they are', async () => {
  const signatures = [grease(ORIGIN), await signedBy(LOG, TEXT), grease('grease.example')];
  const opened = await openNote(formatNote({ text: TEXT, signatures }), [LOG.key]);
  expect(opened.signatures).toEqual([{ key: LOG.key }]);
});

test('a key is known by name and key ID together', async () => {
  const { signature } = await signedBy(STRANGER, TEXT);
  const { name, keyHash } = LOG.key;
  const halves = [
    { name, keyHash: STRANGER.key.keyHash, signature },
    { name: 'other.example', keyHash, signature },
  ];
  const note = formatNote({ text: TEXT, signatures: [...halves, await signedBy(LOG, TEXT)] });
  expect((await openNote(note, [LOG.key])).signatures).toHaveLength(1);
});

test('a note that no known key has signed is rejected', async () => {
  const note = await noteBy([STRANGER], TEXT);
  await expect(openNote(note, [LOG.key])).rejects.toThrow(tlogError('UNSIGNED'));
  await expect(openNote(note, [])).rejects.toThrow(tlogError('UNSIGNED'));
});

test('one bad signature of a known key spoils the note, even beside good ones', async () => {
  const forged = { ...(await signedBy(STRANGER, TEXT)), name: ORIGIN, keyHash: LOG.key.keyHash };
  const witness = WITNESSES[0] ?? LOG;
  const note = formatNote({ text: TEXT, signatures: [await signedBy(witness, TEXT), forged] });
  await expect(openNote(note, [LOG.key, witness.key])).rejects.toThrow(tlogError('BAD_SIGNATURE'));
});

test.each([[1], [8], [63], [65], [72]])('a signature of %i bytes does not verify', async length => {
  for (const { name, keyHash, type } of [LOG.key, LOG_COSIGNER.key]) {
    if (type === 'cosignature/v1' && length === 72) continue;
    const note = formatNote({
      text: TEXT,
      signatures: [{ name, keyHash, signature: new Uint8Array(length) }],
    });
    await expect(openNote(note, [LOG.key, LOG_COSIGNER.key])).rejects.toThrow(tlogError('BAD_SIGNATURE'));
  }
});

test('a cosignature tells its time', async () => {
  const note = await noteBy([LOG_COSIGNER], TEXT);
  const { signatures } = await openNote(note, [LOG_COSIGNER.key]);
  expect(signatures).toEqual([{ key: LOG_COSIGNER.key, time: TIME }]);
});

test('the time of a cosignature is signed', async () => {
  const { signature, ...of } = await signedBy(LOG_COSIGNER, TEXT);
  const later = signature.with(7, (signature[7] ?? 0) + 1);
  const note = formatNote({ text: TEXT, signatures: [{ ...of, signature: later }] });
  await expect(openNote(note, [LOG_COSIGNER.key])).rejects.toThrow(tlogError('BAD_SIGNATURE'));
});

test('a time that can not be counted is tlogError, even if it is signed', async () => {
  const message = new TextEncoder().encode(`cosignature/v1\ntime 9007199254740992\n${TEXT}`);
  const time = Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0);
  const signature = Uint8Array.of(...time, ...(await LOG_COSIGNER.signer.sign(message)));
  const { name, keyHash } = LOG_COSIGNER.key;
  const note = formatNote({ text: TEXT, signatures: [{ name, keyHash, signature }] });
  await expect(openNote(note, [LOG_COSIGNER.key])).rejects.toThrow(tlogError('BAD_SIGNATURE'));
});

test.each([[-1], [0.5], [Number.NaN], [2 ** 53]])('%d is no time to cosign at', async time => {
  await expect(signedBy(LOG_COSIGNER, TEXT, time)).rejects.toThrow(RangeError);
});

test('only checkpoints are cosigned', async () => {
  await expect(signedBy(LOG_COSIGNER, 'Hello!\n')).rejects.toThrow(tlogError('MALFORMED'));
});

test('a key makes signatures of its own type only', async () => {
  const twin = party(ORIGIN, 'Ed25519', 2);
  const { signature } = await signedBy(twin, TEXT);
  const { name, keyHash } = LOG_COSIGNER.key;
  const note = formatNote({ text: TEXT, signatures: [{ name, keyHash, signature }] });
  await expect(openNote(note, [LOG_COSIGNER.key])).rejects.toThrow(tlogError('BAD_SIGNATURE'));
});

test('no note survives a flipped bit in its text or its signature', async () => {
  const bytes = Buffer.from(await noteBy([LOG, LOG_COSIGNER], TEXT));
  const keys = [LOG.key, LOG_COSIGNER.key];
  const opened = await openNote(bytes, keys);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (position, bit) => {
      const changed = Uint8Array.from(bytes).with(position, (bytes[position] ?? 0) ^ (1 << bit));
      // When the name or the key ID changes, that signature is unknown and only the other one remains.
      const { text, signatures } = await openNote(changed, keys).catch(() => ({
        text: TEXT,
        signatures: [],
      }));
      expect(text).toBe(TEXT);
      expect(signatures.length).toBeLessThan(opened.signatures.length);
    }),
    { numRuns: 300 },
  );
});

test('a text that is no note is not signed', async () => {
  await expect(signNote('Hello!', ORIGIN, LOG.signer)).rejects.toThrow(tlogError('MALFORMED'));
});

test('bytes that are not UTF-8 are no note', async () => {
  const note = Buffer.from(await noteBy([LOG], 'a?\n')).fill(0xff, 1, 2);
  await expect(openNote(note, [LOG.key])).rejects.toThrow(tlogError('MALFORMED'));
});

test('what is formatted as a note is what was signed', async () => {
  const signatures = [await signedBy(LOG, TEXT), grease('other')];
  expect(parseNote(formatNote({ text: TEXT, signatures }))).toEqual({
    text: TEXT,
    signatures: signatures.map(({ signature, ...of }) => ({ ...of, signature: Uint8Array.from(signature) })),
  });
});

test.each([
  ['a text without a newline', { text: 'Hello!' }],
  ['an empty text', { text: '' }],
  ['a tab in the text', { text: 'a\tb\n' }],
  ['a lone surrogate in the text', { text: 'a\ud800\n' }],
  ['no signature', { signatures: [] }],
  ['101 signatures', { signatures: Array.from({ length: 101 }, () => grease('a')) }],
  ['a name with a space', { signatures: [grease('a b')] }],
  ['a name with a plus', { signatures: [grease('a+b')] }],
  ['an empty name', { signatures: [grease('')] }],
  ['a key ID in capitals', { signatures: [{ ...grease('a'), keyHash: 'ABCDEF01' }] }],
  ['an empty signature', { signatures: [{ ...grease('a'), signature: new Uint8Array() }] }],
])('no note is made with %s', (_, changes) => {
  const note = { text: TEXT, signatures: [grease('a')], ...changes };
  expect(() => formatNote(note)).toThrow(tlogError('MALFORMED'));
});

test.each([
  ['an empty origin', { origin: '' }],
  ['an origin of two lines', { origin: 'a\nb' }],
  ['an origin with a tab', { origin: 'a\tb' }],
  ['an empty extension', { extensions: [''] }],
  ['an extension of two lines', { extensions: ['a\nb'] }],
  ['half a leaf', { size: 0.5 }],
  ['a size that can not be counted', { size: 2 ** 53 }],
  ['a short root', { root: new Uint8Array(31) }],
])('no checkpoint is made with %s', (_, changes) => {
  const checkpoint = { origin: ORIGIN, size: 300, root: TREE.root, ...changes };
  expect(() => formatCheckpoint(checkpoint)).toThrow(tlogError('MALFORMED'));
});
