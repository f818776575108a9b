import { createHash, createPublicKey } from 'node:crypto';
import { verifyTLogInclusion } from '@sigstore/verify/dist/tlog/index.js';
import { CoMETRE, RFC9162 } from '@transmute/rfc9162';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistencyProof,
  inclusionProof,
  merkleRoot,
  parseNote,
  rootAt,
  verifyConsistency,
  verifyInclusion,
} from '../src/index.ts';
import { checkpointText, LOG, LOG_COSIGNER, noteBy, ORIGIN } from './ledger.ts';
import { storedTree } from './trees.ts';

const RUNS = { numRuns: 40 };
const entries = Array.from({ length: 300 }, (_, index) => Buffer.from(JSON.stringify({ index })));
const hashes = entries.map(entry => new Uint8Array(createHash('sha256').update('\0').update(entry).digest()));
const TREE = storedTree(hashes);
const place = fc
  .integer({ min: 1, max: entries.length })
  .chain(size => fc.record({ size: fc.constant(size), index: fc.nat(size - 1) }));

describe('@transmute/rfc9162', () => {
  const log = CoMETRE.RFC9162_SHA256;

  test('makes the same roots', async () => {
    for (let size = 0; size <= 40; size++) {
      expect(await RFC9162.MTH(entries.slice(0, size))).toEqual(merkleRoot(hashes.slice(0, size)));
    }
  });

  test('makes the same inclusion proofs, and accepts ours', async () => {
    await fc.assert(
      fc.asyncProperty(place, async ({ size, index }) => {
        const theirs = await RFC9162.PATH(index, entries.slice(0, size));
        const proof = await inclusionProof(index, size, TREE.read);
        const root = await rootAt(size, TREE.read);
        const leaf = hashes[index] ?? root;
        expect(proof).toEqual(theirs);
        const claim = { log_id: '', tree_size: size, leaf_index: index, inclusion_path: proof };
        expect(await RFC9162.verifyInclusionProof(root, leaf, claim)).toBe(true);
        expect(verifyInclusion({ index, size, leafHash: leaf, proof: theirs, root })).toBe(true);
      }),
      RUNS,
    );
  });

  test('makes the same consistency proofs, and accepts ours', async () => {
    await fc.assert(
      fc.asyncProperty(place, async ({ size, index }) => {
        const [from, to] = [index + 1, size];
        fc.pre(from < to);
        const [fromRoot, toRoot] = await Promise.all([rootAt(from, TREE.read), rootAt(to, TREE.read)]);
        const proof = await consistencyProof(from, to, TREE.read);
        // The library puts the first root of a complete tree into the proof. The RFC leaves it out.
        const complete = Number.isInteger(Math.log2(from));
        const path = complete ? [fromRoot, ...proof] : proof;
        const theirs = await RFC9162.PROOF(from, entries.slice(0, to));
        expect(path).toEqual(theirs);
        const claim = { log_id: '', tree_size_1: from, tree_size_2: to, consistency_path: path };
        expect(await log.verify_consistency_proof(fromRoot, toRoot, claim)).toBe(true);
        const bare = complete ? theirs.slice(1) : theirs;
        expect(verifyConsistency({ from, to, fromRoot, toRoot, proof: bare })).toBe(true);
      }),
      RUNS,
    );
  });
});

describe('@sigstore/verify', () => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: LOG.signer.keyId };
  const authority = {
    logID: Buffer.from(LOG.key.keyHash.padEnd(64, '0'), 'hex'),
    baseURL: `https://${ORIGIN}`,
    publicKey: createPublicKey({ key: jwk, format: 'jwk' }),
    validFor: { start: new Date(0), end: new Date('9999-01-01') },
  };

  /** Returns an entry with its proof and its signed checkpoint, in the shape of a Sigstore bundle. */
  async function entryOf(index: number, size: number) {
    const root = await rootAt(size, TREE.read);
    const proof = await inclusionProof(index, size, TREE.read);
    const envelope = await noteBy([LOG_COSIGNER, LOG], checkpointText(size, root));
    return {
      logIndex: String(index),
      logId: { keyId: authority.logID },
      kindVersion: { kind: 'receipt', version: '1.0' },
      integratedTime: '0',
      inclusionPromise: undefined,
      inclusionProof: {
        logIndex: String(index),
        rootHash: Buffer.from(root),
        treeSize: String(size),
        hashes: proof.map(hash => Buffer.from(hash)),
        checkpoint: { envelope },
      },
      canonicalizedBody: entries[index] ?? Buffer.alloc(0),
    };
  }

  test('accepts entries by our proofs and signed checkpoints', async () => {
    await fc.assert(
      fc.asyncProperty(place, async ({ size, index }) => {
        const entry = await entryOf(index, size);
        expect(() => verifyTLogInclusion(entry, [authority])).not.toThrow();
      }),
      RUNS,
    );
  });

  test('refuses another entry, and a checkpoint with another root', async () => {
    const entry = await entryOf(7, 100);
    const other = { ...entry, canonicalizedBody: Buffer.from('other') };
    expect(() => verifyTLogInclusion(other, [authority])).toThrow(/root hash/);
    const { text } = parseNote(entry.inclusionProof.checkpoint.envelope);
    const envelope = entry.inclusionProof.checkpoint.envelope.replace(text, checkpointText(100, TREE.root));
    const forged = { ...entry, inclusionProof: { ...entry.inclusionProof, checkpoint: { envelope } } };
    expect(() => verifyTLogInclusion(forged, [authority])).toThrow(/signature/);
  });
});
