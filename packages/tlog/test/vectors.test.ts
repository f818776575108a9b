import { createHash } from 'node:crypto';
import { base64, hex } from '@scure/base';
import { expect, test } from 'vitest';
import {
  consistencyProof,
  cosignCheckpoint,
  decodeEntryBundle,
  decodeTile,
  encodeEntryBundle,
  encodeTile,
  formatAddCheckpoint,
  formatCheckpoint,
  formatNote,
  formatTilePath,
  formatTlogProof,
  formatVkey,
  inclusionProof,
  leafHash,
  merkleRoot,
  openCheckpoint,
  parseAddCheckpoint,
  parseCheckpoint,
  parseNote,
  parseTilePath,
  parseTlogProof,
  parseVkey,
  signerFromSeed,
  signNote,
  type TlogErrorCode,
  verifierKey,
  verifyConsistency,
  verifyTlogProof,
} from '../src/index.ts';
import { ORIGIN, tlogError } from './ledger.ts';
import { storedTree } from './trees.ts';
import ledger from './vectors/ledger.json' with { type: 'json' };
import malformed from './vectors/malformed.json' with { type: 'json' };
import tiles from './vectors/tiles.json' with { type: 'json' };

const bytes = (text: string) => new TextEncoder().encode(text);
const entries = ledger.entries.map(({ entry }) => bytes(entry));
const leaves = ledger.entries.map(({ leaf }) => hex.decode(leaf));
const root = (size: number) => base64.decode(ledger.roots[size] ?? '');
const { read } = storedTree(leaves);
const signers = {
  log: signerFromSeed(hex.decode(ledger.log.seed)),
  cosigner: signerFromSeed(hex.decode(ledger.cosigner.seed)),
};
const text = formatCheckpoint({ origin: ORIGIN, size: 3, root: root(3) });
const policy = {
  log: parseVkey(ledger.log.vkey),
  cosigners: { keys: [parseVkey(ledger.cosigner.vkey)], quorum: 1 },
};

test('verifier keys follow from name, type and public key', () => {
  const keys = [
    verifierKey(ORIGIN, 'Ed25519', signers.log.keyId),
    verifierKey(ORIGIN, 'cosignature/v1', signers.cosigner.keyId),
  ];
  expect(keys.map(formatVkey)).toEqual([ledger.log.vkey, ledger.cosigner.vkey]);
  expect([ledger.log.vkey, ledger.cosigner.vkey].map(parseVkey)).toEqual(keys);
});

test("a signer's key is the one of the seed, and Go's secret key holds that seed", () => {
  expect(Buffer.from(signers.log.keyId, 'base64url').toString('hex')).toBe(ledger.log.public_key);
  const { name, keyHash } = parseVkey(ledger.log.vkey);
  const secret = base64.encode(Uint8Array.of(1, ...signers.log.seed));
  expect(`PRIVATE+KEY+${name}+${keyHash}+${secret}`).toBe(ledger.log.skey);
});

test('entries have their leaf hashes', () => {
  expect(entries.map(entry => hex.encode(leafHash(entry)))).toEqual(ledger.entries.map(({ leaf }) => leaf));
});

test.each(ledger.roots.map((root, size) => ({ size, root })))('the root of size $size', ({ size, root }) => {
  expect(base64.encode(merkleRoot(leaves.slice(0, size)))).toBe(root);
});

test('the entry bundle', () => {
  const { path, content } = ledger.bundle;
  const { width } = parseTilePath(path);
  expect(hex.encode(encodeEntryBundle(entries))).toBe(content);
  expect(decodeEntryBundle(hex.decode(content), width)).toEqual(entries);
});

test('the tile of leaf hashes', () => {
  const { path, content } = ledger.tile;
  const { width } = parseTilePath(path);
  expect(hex.encode(encodeTile(leaves))).toBe(content);
  expect(decodeTile(hex.decode(content), width)).toEqual(leaves);
});

test('the checkpoint is signed and cosigned as it was', async () => {
  const signatures = [
    await signNote(text, ORIGIN, signers.log),
    await cosignCheckpoint(text, ORIGIN, signers.cosigner, ledger.time),
  ];
  expect(formatNote({ text, signatures })).toBe(ledger.checkpoint);
});

test('the checkpoint is read back and verified', async () => {
  expect(formatNote(parseNote(ledger.checkpoint))).toBe(ledger.checkpoint);
  expect(parseCheckpoint(text)).toEqual({ origin: ORIGIN, size: 3, root: root(3) });
  expect(await openCheckpoint(ledger.checkpoint, policy)).toEqual({
    origin: ORIGIN,
    size: 3,
    root: root(3),
    text,
    signatures: [{ key: policy.log }, { key: policy.cosigners.keys[0], time: ledger.time }],
  });
});

test('the hash of a block is the SHA-256 of the text of its checkpoint', () => {
  expect(createHash('sha256').update(text).digest('hex')).toBe(ledger.block_hash);
});

test('the tlog-proof is made as it was, read back and verified', async () => {
  const hashes = await inclusionProof(1, 3, read);
  expect(formatTlogProof({ index: 1, hashes, checkpoint: ledger.checkpoint })).toBe(ledger.tlog_proof);
  expect(formatTlogProof(parseTlogProof(ledger.tlog_proof))).toBe(ledger.tlog_proof);
  const { index, checkpoint } = await verifyTlogProof(ledger.tlog_proof, leaves[1] ?? root(0), policy);
  expect({ index, size: checkpoint.size }).toEqual({ index: 1, size: 3 });
});

test.each(ledger.consistency)('trees of size $from and $to are consistent', async ({ from, to, proof }) => {
  const hashes = await consistencyProof(from, to, read);
  expect(hashes.map(hash => base64.encode(hash))).toEqual(proof);
  const roots = { fromRoot: root(from), toRoot: root(to) };
  expect(verifyConsistency({ from, to, ...roots, proof: hashes })).toBe(true);
});

test('the body for a witness is made as it was, and read back', async () => {
  const proof = await consistencyProof(1, 3, read);
  const checkpoint = formatNote({ text, signatures: [await signNote(text, ORIGIN, signers.log)] });
  expect(formatAddCheckpoint({ old: 1, proof, checkpoint })).toBe(ledger.add_checkpoint);
  expect(parseAddCheckpoint(ledger.add_checkpoint)).toEqual({ old: 1, proof, checkpoint });
});

test.each(tiles.paths)('the path $path', ({ path, ...tile }) => {
  expect(formatTilePath(tile as Parameters<typeof formatTilePath>[0])).toBe(path);
  expect(parseTilePath(path)).toEqual(tile);
});

test.each(tiles.malformed_paths)('no path of a tile: $path', ({ path }) => {
  expect(() => parseTilePath(path)).toThrow(tlogError('MALFORMED'));
});

test.each(malformed.vkeys)('no verifier key: $name', ({ vkey, code }) => {
  expect(() => parseVkey(vkey)).toThrow(tlogError(code as TlogErrorCode));
});

test.each(malformed.notes)('no note: $name', ({ note }) => {
  expect(() => parseNote(note)).toThrow(tlogError('MALFORMED'));
});

test.each(malformed.checkpoints)('no checkpoint: $name', ({ text }) => {
  expect(() => parseCheckpoint(text)).toThrow(tlogError('MALFORMED'));
});

test.each(malformed.tlog_proofs)('no tlog-proof: $name', ({ proof }) => {
  expect(() => parseTlogProof(proof)).toThrow(tlogError('MALFORMED'));
});

test.each(malformed.add_checkpoints)('no body for a witness: $name', ({ body }) => {
  expect(() => parseAddCheckpoint(body)).toThrow(tlogError('MALFORMED'));
});
