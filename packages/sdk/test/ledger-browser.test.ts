import { beforeAll, expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import type * as sdk from '../src/index.ts';
import { mineOne, withCoordinator } from './coordinator.ts';

declare const bundle: typeof sdk;

const SITE = { source: `export * from '../src/index.ts';`, folder: import.meta.dirname };
const coordinator = withCoordinator();
const browser = withBrowser();

beforeAll(async () => {
  await coordinator.client.jobs.submit({ prompt: 'Hello!', model: 'shown' });
  const { receipt_id } = await mineOne(coordinator.client, 'shown');
  await coordinator.client.receipts.waitForProof(receipt_id);
});

test.for([
  ['with WebCrypto', true],
  ['without WebCrypto, on plain HTTP,', false],
] as const)(
  'a page %s reads and verifies the ledger of a coordinator elsewhere',
  async ([, secure], context) => {
    const page = await browser.open(context, { ...SITE, secure });
    const answers = await page.evaluate(async url => {
      const vkey = await (await fetch(`${url}/ledger/vkey`)).text();
      const ledger = bundle.openLedger(`${url}/ledger`, { vkey: vkey.trim() });
      const tree = ledger.tree(await ledger.checkpoint());
      const models = [];
      for await (const { bytes } of tree.entries())
        models.push(JSON.parse(new TextDecoder().decode(bytes)).model);
      const forged = bundle
        .openLedger(`${url}/ledger`, { vkey: vkey.trim() })
        .tree({ size: 1, root: new Uint8Array(32) });
      const refused = await forged.entry(0).catch(error => error.code);
      return { models, refused };
    }, coordinator.url);
    expect(answers).toEqual({ models: ['shown'], refused: 'TILE_INVALID' });
  },
);
