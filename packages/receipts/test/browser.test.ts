import { expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import type * as receipts from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { COORDINATOR, failed, issue, MINER } from './issued.ts';
import attestations from './vectors/attestations.json' with { type: 'json' };

declare const bundle: typeof receipts;

const SITE = { source: `export * from '../src/index.ts';`, folder: import.meta.dirname };
const coordinator = withCoordinator();
const browser = withBrowser();

test('a browser fetches a receipt and the keys from a coordinator and verifies it', async context => {
  const page = await browser.open(context, SITE);
  const { receipt } = await coordinator.runJob('Hello!', 'Good day!', MINER);
  const verification = await page.evaluate(
    async ({ url, id }) => {
      const [receipt, { keys }] = await Promise.all(
        [`/v1/receipts/${id}`, '/v1/keys'].map(async path => (await fetch(url + path)).json()),
      );
      return bundle.verifyReceipt(receipt, { keys });
    },
    { url: coordinator.url, id: receipt.receipt_id },
  );
  expect(failed(verification)).toEqual([]);
  expect(verification.valid).toBe(true);
});

test('a browser refuses a receipt with another price', async context => {
  const page = await browser.open(context, SITE);
  const tampered = { ...(await issue()), price: 0.1 };
  const verification = await page.evaluate(
    ([receipt, key]) => bundle.verifyReceipt(receipt, { keys: [key] }),
    [tampered, COORDINATOR.keyId] as const,
  );
  expect(failed(verification)).toEqual(['signature']);
});

test('a browser without WebCrypto, on plain HTTP, comes to the same answers', async context => {
  const page = await browser.open(context, { ...SITE, secure: false });
  const receipt = await issue();
  const answers = await page.evaluate(
    async ([receipt, keys]) => ({
      webCrypto: globalThis.crypto.subtle !== undefined,
      genuine: (await bundle.verifyReceipt(receipt, { keys })).valid,
      tampered: (await bundle.verifyReceipt({ ...receipt, price: 0.1 }, { keys })).valid,
    }),
    [receipt, [COORDINATOR.keyId]] as const,
  );
  expect(answers).toEqual({ webCrypto: false, genuine: true, tampered: false });
});

test('a browser makes the same signature', async context => {
  const page = await browser.open(context, SITE);
  const receipt = await issue();
  const signed = await page.evaluate(
    ([receipt, seed]) => bundle.signReceipt(receipt, bundle.signerFromSeed(Uint8Array.from(seed))),
    [receipt, Array.from(COORDINATOR.seed)] as const,
  );
  expect(signed).toEqual(receipt);
});

test.for([
  ['with WebCrypto', true],
  ['without WebCrypto', false],
] as const)('a browser %s tells the genuine attestation from crafted ones', async ([, secure], context) => {
  const page = await browser.open(context, { ...SITE, secure });
  const [genuine] = attestations.attestations;
  const signatures = [genuine?.signature, ...attestations.invalid.map(({ signature }) => signature)];
  const answers = await page.evaluate(
    ([statement, signatures]) =>
      Promise.all(
        signatures.map(signature => bundle.verifyAttestation(statement as never, signature as never)),
      ),
    [genuine?.statement, signatures] as const,
  );
  expect(answers).toEqual(signatures.map(signature => signature === genuine?.signature));
});
