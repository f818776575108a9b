import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatCheckpoint,
  formatNote,
  formatTlogProof,
  inclusionProof,
  type LogPolicy,
  merkleRoot,
  type NoteSignature,
  openCheckpoint,
  openNote,
  parseNote,
  signNote,
  verifyTlogProof,
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
  WITNESSES,
} from './ledger.ts';
import { leaves, storedTree } from './trees.ts';

const TREE = storedTree(leaves(300));
const TEXT = checkpointText(300, TREE.root);
const POLICY: LogPolicy = { log: LOG.key };
const witnesses = (quorum: number) => ({ keys: WITNESSES.map(({ key }) => key), quorum });
const refused = (code: string) => expect.objectContaining({ name: 'TlogError', code });

/** A signature of another kind, by a key that nobody knows. */
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

test('a note that no known key has signed is refused', async () => {
  const note = await noteBy([STRANGER], TEXT);
  await expect(openNote(note, [LOG.key])).rejects.toThrow(refused('UNSIGNED'));
  await expect(openNote(note, [])).rejects.toThrow(refused('UNSIGNED'));
});

test('one bad signature of a known key spoils the note, even beside good ones', async () => {
  const forged = { ...(await signedBy(STRANGER, TEXT)), name: ORIGIN, keyHash: LOG.key.keyHash };
  const witness = WITNESSES[0] ?? LOG;
  const note = formatNote({ text: TEXT, signatures: [await signedBy(witness, TEXT), forged] });
  await expect(openNote(note, [LOG.key, witness.key])).rejects.toThrow(refused('BAD_SIGNATURE'));
});

test.each([[1], [8], [63], [65], [72]])('a signature of %i bytes does not verify', async length => {
  for (const { name, keyHash, type } of [LOG.key, LOG_COSIGNER.key]) {
    if (type === 'cosignature/v1' && length === 72) continue;
    const note = formatNote({
      text: TEXT,
      signatures: [{ name, keyHash, signature: new Uint8Array(length) }],
    });
    await expect(openNote(note, [LOG.key, LOG_COSIGNER.key])).rejects.toThrow(refused('BAD_SIGNATURE'));
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
  await expect(openNote(note, [LOG_COSIGNER.key])).rejects.toThrow(refused('BAD_SIGNATURE'));
});

test('a time that can not be counted is refused, even if it is signed', async () => {
  const message = new TextEncoder().encode(`cosignature/v1\ntime 9007199254740992\n${TEXT}`);
  const time = Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0);
  const signature = Uint8Array.of(...time, ...(await LOG_COSIGNER.signer.sign(message)));
  const { name, keyHash } = LOG_COSIGNER.key;
  const note = formatNote({ text: TEXT, signatures: [{ name, keyHash, signature }] });
  await expect(openNote(note, [LOG_COSIGNER.key])).rejects.toThrow(refused('BAD_SIGNATURE'));
});

test.each([[-1], [0.5], [Number.NaN], [2 ** 53]])('%d is no time to cosign at', async time => {
  await expect(signedBy(LOG_COSIGNER, TEXT, time)).rejects.toThrow(RangeError);
});

test('only checkpoints are cosigned', async () => {
  await expect(signedBy(LOG_COSIGNER, 'Hello!\n')).rejects.toThrow(refused('MALFORMED'));
});

test('a key makes signatures of its own type only', async () => {
  const twin = party(ORIGIN, 'Ed25519', 2);
  const { signature } = await signedBy(twin, TEXT);
  const { name, keyHash } = LOG_COSIGNER.key;
  const note = formatNote({ text: TEXT, signatures: [{ name, keyHash, signature }] });
  await expect(openNote(note, [LOG_COSIGNER.key])).rejects.toThrow(refused('BAD_SIGNATURE'));
});

test('no note survives a flipped bit in its text or its signature', async () => {
  const bytes = Buffer.from(await noteBy([LOG, LOG_COSIGNER], TEXT));
  const keys = [LOG.key, LOG_COSIGNER.key];
  const opened = await openNote(bytes, keys);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (position, bit) => {
      const changed = Uint8Array.from(bytes).with(position, (bytes[position] ?? 0) ^ (1 << bit));
      // A changed name or key ID makes a signature that is not known, and the other one remains.
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
  await expect(signNote('Hello!', ORIGIN, LOG.signer)).rejects.toThrow(refused('MALFORMED'));
});

test('bytes that are not UTF-8 are no note', async () => {
  const note = Buffer.from(await noteBy([LOG], 'a?\n')).fill(0xff, 1, 2);
  await expect(openNote(note, [LOG.key])).rejects.toThrow(refused('MALFORMED'));
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
  expect(() => formatNote(note)).toThrow(refused('MALFORMED'));
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
  expect(() => formatCheckpoint(checkpoint)).toThrow(refused('MALFORMED'));
});

test('a checkpoint that its log has signed is opened', async () => {
  const opened = await openCheckpoint(await noteBy([LOG], TEXT), POLICY);
  expect(opened).toMatchObject({ origin: ORIGIN, size: 300, root: TREE.root, text: TEXT });
});

test('a checkpoint keeps its extensions', async () => {
  const text = formatCheckpoint({ origin: ORIGIN, size: 0, root: merkleRoot([]), extensions: ['a', 'b c'] });
  const opened = await openCheckpoint(await noteBy([LOG], text), POLICY);
  expect(opened.extensions).toEqual(['a', 'b c']);
});

test("another log's checkpoint is refused, though the same key has signed it", async () => {
  const note = await noteBy([LOG], checkpointText(300, TREE.root, 'other.example'));
  await expect(openCheckpoint(note, POLICY)).rejects.toThrow(refused('WRONG_ORIGIN'));
  await expect(openCheckpoint(note, { ...POLICY, origin: 'other.example' })).resolves.toBeDefined();
});

test('cosigners do not stand in for the log', async () => {
  const note = await noteBy(WITNESSES, TEXT);
  const policy = { ...POLICY, cosigners: witnesses(1) };
  await expect(openCheckpoint(note, policy)).rejects.toThrow(refused('UNSIGNED'));
});

test('a cosignature with the key of the log does not stand in for its signature', async () => {
  const cosigner = party(ORIGIN, 'cosignature/v1', 1);
  const opening = openCheckpoint(await noteBy([cosigner], TEXT), {
    ...POLICY,
    cosigners: { keys: [cosigner.key], quorum: 1 },
  });
  await expect(opening).rejects.toThrow(refused('UNSIGNED'));
});

test.each([
  [0, 0, true],
  [0, 1, false],
  [1, 1, true],
  [1, 2, false],
  [2, 2, true],
  [2, 3, false],
  [3, 3, true],
])('of three witnesses %i have signed, where %i must', async (signed, quorum, enough) => {
  const note = await noteBy([LOG, ...WITNESSES.slice(0, signed)], TEXT);
  const opening = openCheckpoint(note, { ...POLICY, cosigners: witnesses(quorum) });
  if (enough) expect((await opening).signatures).toHaveLength(1 + signed);
  else await expect(opening).rejects.toThrow(refused('TOO_FEW_COSIGNATURES'));
});

test('a witness that signs twice counts once', async () => {
  const witness = WITNESSES[0] ?? LOG;
  const signatures = [LOG, witness, witness].map((party, index) => signedBy(party, TEXT, TIME + index));
  const note = formatNote({ text: TEXT, signatures: await Promise.all(signatures) });
  const opening = openCheckpoint(note, { ...POLICY, cosigners: witnesses(2) });
  await expect(opening).rejects.toThrow(refused('TOO_FEW_COSIGNATURES'));
});

test('one key under two names counts once', async () => {
  const names = [party('a.example', 'cosignature/v1', 3), party('b.example', 'cosignature/v1', 3)];
  const keys = [...names.map(({ key }) => key), LOG_COSIGNER.key];
  const opening = openCheckpoint(await noteBy([LOG, ...names], TEXT), {
    ...POLICY,
    cosigners: { keys, quorum: 2 },
  });
  await expect(opening).rejects.toThrow(refused('TOO_FEW_COSIGNATURES'));
});

test.each([
  ['more cosigners than there are', witnesses(4)],
  ['fewer than none', witnesses(-1)],
  ['no number', witnesses(Number.NaN)],
  ['one key twice', { keys: [LOG_COSIGNER.key, LOG_COSIGNER.key], quorum: 2 }],
  ['a key that tells no time', { keys: [STRANGER.key], quorum: 1 }],
])('a policy that demands %s is refused', async (_, cosigners) => {
  const note = await noteBy([LOG, ...WITNESSES], TEXT);
  await expect(openCheckpoint(note, { ...POLICY, cosigners })).rejects.toThrow(RangeError);
});

test('a tlog-proof shows that an entry is in the log', async () => {
  const hashes = await inclusionProof(200, 300, TREE.read);
  const proof = formatTlogProof({ index: 200, hashes, checkpoint: await noteBy([LOG], TEXT) });
  const leaf = leaves(300)[200] ?? TREE.root;
  expect(await verifyTlogProof(proof, leaf, POLICY)).toMatchObject({ index: 200, checkpoint: { size: 300 } });
  await expect(verifyTlogProof(proof, TREE.root, POLICY)).rejects.toThrow(refused('NOT_INCLUDED'));
  const elsewhere = proof.replace('index 200', 'index 201');
  await expect(verifyTlogProof(elsewhere, leaf, POLICY)).rejects.toThrow(refused('NOT_INCLUDED'));
  const strict = { ...POLICY, cosigners: witnesses(1) };
  await expect(verifyTlogProof(proof, leaf, strict)).rejects.toThrow(refused('TOO_FEW_COSIGNATURES'));
});

test('the only entry of a log has a tlog-proof without hashes', async () => {
  const [leaf = TREE.root] = leaves(1);
  const checkpoint = await noteBy([LOG], checkpointText(1, merkleRoot([leaf])));
  const proof = formatTlogProof({ index: 0, hashes: [], checkpoint });
  expect(await verifyTlogProof(proof, leaf, POLICY)).toMatchObject({ index: 0 });
});
