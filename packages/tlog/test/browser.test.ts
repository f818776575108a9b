import { expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import type * as tlog from '../src/index.ts';
import ledger from './vectors/ledger.json' with { type: 'json' };

declare const bundle: typeof tlog;

const SITE = { source: `export * from '../src/index.ts';`, folder: import.meta.dirname };
const browser = withBrowser();

test.for([
  ['with WebCrypto', true],
  ['without WebCrypto, on plain HTTP,', false],
] as const)('a browser %s verifies that an entry is in the log', async ([, secure], context) => {
  const page = await browser.open(context, { ...SITE, secure });
  const answers = await page.evaluate(async ({ log, cosigner, tlog_proof, entries }) => {
    const cosigners = { keys: [bundle.parseVkey(cosigner.vkey)], quorum: 1 };
    const policy = { log: bundle.parseVkey(log.vkey), cosigners };
    const verify = (entry: string, proof: string) =>
      bundle
        .verifyTlogProof(proof, bundle.leafHash(new TextEncoder().encode(entry)), policy)
        .then(({ index, checkpoint }) => `leaf ${index} of ${checkpoint.size}`)
        .catch((error: tlog.TlogError) => error.code);
    const texts = entries.map(({ entry }) => entry);
    return {
      webCrypto: globalThis.crypto.subtle !== undefined,
      entries: await Promise.all(texts.map(text => verify(text, tlog_proof))),
      forged: await verify(texts[1] ?? '', tlog_proof.replace('9JLArW0E', '9JLArW0F')),
      misspelt: await verify(texts[1] ?? '', tlog_proof.replace('index 1', 'index 01')),
    };
  }, ledger);
  expect(answers).toEqual({
    webCrypto: secure,
    entries: ['NOT_INCLUDED', 'leaf 1 of 3', 'NOT_INCLUDED'],
    forged: 'BAD_SIGNATURE',
    misspelt: 'MALFORMED',
  });
});

test('a browser grows, signs and proves the same log', async context => {
  const page = await browser.open(context, SITE);
  const made = await page.evaluate(async ({ log, cosigner, time, entries }) => {
    const origin = 'coordinator.example/ledger';
    const seed = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], byte => Number.parseInt(byte, 16));
    const signers = [log, cosigner].map(({ seed: hex }) => bundle.signerFromSeed(seed(hex)));
    const leaves = entries.map(({ entry }) => bundle.leafHash(new TextEncoder().encode(entry)));
    const { root, nodes } = bundle.appendLeafHashes({ size: 0, hashes: [] }, leaves);
    const find = (id: tlog.NodeId) =>
      nodes.find(node => node.level === id.level && node.index === id.index)?.hash;
    const text = bundle.formatCheckpoint({ origin, size: 3, root });
    const [logSigner, cosignSigner] = signers;
    if (!logSigner || !cosignSigner) return [];
    const signature = await bundle.signNote(text, origin, logSigner);
    const cosignature = await bundle.cosignCheckpoint(text, origin, cosignSigner, time);
    const checkpoint = bundle.formatNote({ text, signatures: [signature, cosignature] });
    const hashes = await bundle.inclusionProof(1, 3, ids => ids.map(find));
    return [checkpoint, bundle.formatTlogProof({ index: 1, hashes, checkpoint })];
  }, ledger);
  expect(made).toEqual([ledger.checkpoint, ledger.tlog_proof]);
});
