import { expect, test } from 'vitest';
import {
  formatCheckpoint,
  formatNote,
  formatTlogProof,
  inclusionProof,
  type LogPolicy,
  merkleRoot,
  openCheckpoint,
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
  tlogError,
  WITNESSES,
} from './ledger.ts';
import { leaves, storedTree } from './trees.ts';

const TREE = storedTree(leaves(300));
const TEXT = checkpointText(300, TREE.root);
const POLICY: LogPolicy = { log: LOG.key };
const witnesses = (quorum: number) => ({ keys: WITNESSES.map(({ key }) => key), quorum });

test('a checkpoint that its log has signed is opened', async () => {
  const opened = await openCheckpoint(await noteBy([LOG], TEXT), POLICY);
  expect(opened).toMatchObject({ origin: ORIGIN, size: 300, root: TREE.root, text: TEXT });
});

test('a checkpoint keeps its extensions', async () => {
  const text = formatCheckpoint({ origin: ORIGIN, size: 0, root: merkleRoot([]), extensions: ['a', 'b c'] });
  const opened = await openCheckpoint(await noteBy([LOG], text), POLICY);
  expect(opened.extensions).toEqual(['a', 'b c']);
});

test("another log's checkpoint is tlogError, though the same key has signed it", async () => {
  const note = await noteBy([LOG], checkpointText(300, TREE.root, 'other.example'));
  await expect(openCheckpoint(note, POLICY)).rejects.toThrow(tlogError('WRONG_ORIGIN'));
  await expect(openCheckpoint(note, { ...POLICY, origin: 'other.example' })).resolves.toBeDefined();
});

test('cosigners do not stand in for the log', async () => {
  const note = await noteBy(WITNESSES, TEXT);
  const policy = { ...POLICY, cosigners: witnesses(1) };
  await expect(openCheckpoint(note, policy)).rejects.toThrow(tlogError('UNSIGNED'));
});

test('a cosignature with the key of the log does not stand in for its signature', async () => {
  const cosigner = party(ORIGIN, 'cosignature/v1', 1);
  const opening = openCheckpoint(await noteBy([cosigner], TEXT), {
    ...POLICY,
    cosigners: { keys: [cosigner.key], quorum: 1 },
  });
  await expect(opening).rejects.toThrow(tlogError('UNSIGNED'));
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
  else await expect(opening).rejects.toThrow(tlogError('TOO_FEW_COSIGNATURES'));
});

test('a witness that signs twice counts once', async () => {
  const witness = WITNESSES[0] ?? LOG;
  const signatures = [LOG, witness, witness].map((party, index) => signedBy(party, TEXT, TIME + index));
  const note = formatNote({ text: TEXT, signatures: await Promise.all(signatures) });
  const opening = openCheckpoint(note, { ...POLICY, cosigners: witnesses(2) });
  await expect(opening).rejects.toThrow(tlogError('TOO_FEW_COSIGNATURES'));
});

test('one key under two names counts once', async () => {
  const names = [party('a.example', 'cosignature/v1', 3), party('b.example', 'cosignature/v1', 3)];
  const keys = [...names.map(({ key }) => key), LOG_COSIGNER.key];
  const opening = openCheckpoint(await noteBy([LOG, ...names], TEXT), {
    ...POLICY,
    cosigners: { keys, quorum: 2 },
  });
  await expect(opening).rejects.toThrow(tlogError('TOO_FEW_COSIGNATURES'));
});

test.each([
  ['more cosigners than there are', witnesses(4)],
  ['fewer than none', witnesses(-1)],
  ['no number', witnesses(Number.NaN)],
  ['one key twice', { keys: [LOG_COSIGNER.key, LOG_COSIGNER.key], quorum: 2 }],
  ['a key that tells no time', { keys: [STRANGER.key], quorum: 1 }],
])('a policy that demands %s is rejected', async (_, cosigners) => {
  const note = await noteBy([LOG, ...WITNESSES], TEXT);
  await expect(openCheckpoint(note, { ...POLICY, cosigners })).rejects.toThrow(RangeError);
});

test('a tlog-proof shows that an entry is in the log', async () => {
  const hashes = await inclusionProof(200, 300, TREE.read);
  const proof = formatTlogProof({ index: 200, hashes, checkpoint: await noteBy([LOG], TEXT) });
  const leaf = leaves(300)[200] ?? TREE.root;
  expect(await verifyTlogProof(proof, leaf, POLICY)).toMatchObject({ index: 200, checkpoint: { size: 300 } });
  await expect(verifyTlogProof(proof, TREE.root, POLICY)).rejects.toThrow(tlogError('NOT_INCLUDED'));
  const elsewhere = proof.replace('index 200', 'index 201');
  await expect(verifyTlogProof(elsewhere, leaf, POLICY)).rejects.toThrow(tlogError('NOT_INCLUDED'));
  const strict = { ...POLICY, cosigners: witnesses(1) };
  await expect(verifyTlogProof(proof, leaf, strict)).rejects.toThrow(tlogError('TOO_FEW_COSIGNATURES'));
});

test('the only entry of a log has a tlog-proof without hashes', async () => {
  const [leaf = TREE.root] = leaves(1);
  const checkpoint = await noteBy([LOG], checkpointText(1, merkleRoot([leaf])));
  const proof = formatTlogProof({ index: 0, hashes: [], checkpoint });
  expect(await verifyTlogProof(proof, leaf, POLICY)).toMatchObject({ index: 0 });
});
