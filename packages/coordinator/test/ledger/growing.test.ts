import { leafHash, openCheckpoint, parseVkey, verifyInclusion } from '@aitbc/tlog';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore, readConfig } from '../../src/index.ts';
import { findIndexByHash } from '../../src/ledger/entry-hashes.ts';
import { createLedger, type PublicLedger } from '../../src/ledger/ledger.ts';
import { loadSigner, signingKeyPath } from '../../src/receipts/signing-key.ts';
import type { Store } from '../../src/store/store.ts';
import { type Database, describeEachEngine } from '../harness/engines.ts';
import { appendNumbered, falseCheckpoints, publishedNotes } from '../harness/ledger.ts';

/** Where tiles get full, and where a next one begins, on the first two levels. */
const SIZES = [0, 1, 255, 256, 257, 65_536, 65_537];
const PORTION = 4_096;

describeEachEngine('a ledger that grows', engine => {
  let database: Database;
  let store: Store;
  let ledger: PublicLedger;

  beforeAll(async () => {
    database = await engine.prepare();
    const config = readConfig({ given: database.options });
    let time = Date.parse('2026-01-24T15:00:00Z');
    const now = () => time;
    loadSigner(signingKeyPath(config));
    store = await openStore(config, now, { exclusive: true });
    ledger = await createLedger({ config, store, coordinatorId: 'grows', now });
    let size = 0;
    for (const wanted of SIZES) {
      for (; size < wanted; size += Math.min(PORTION, wanted - size))
        await store.write(appendNumbered, { from: size, count: Math.min(PORTION, wanted - size) });
      while (await ledger.integrate());
      time += 1000;
      await ledger.publish(1000);
    }
  }, 120_000);
  afterAll(async () => {
    await store.close();
    await database.remove();
  });

  test('publishes each of its sizes, with the root over its entries', async () => {
    const notes = await publishedNotes(store.read);
    const opened = await Promise.all(
      notes.map(note => openCheckpoint(note, { log: parseVkey(ledger.vkey) })),
    );
    expect(opened.map(({ size }) => size)).toEqual(SIZES);
    expect(await falseCheckpoints(store.read, ledger.vkey, notes)).toEqual([]);
  });

  test.each([0, 1, 254, 255, 256, 257, 4_095, 65_279, 65_280, 65_535, 65_536])(
    'proves that it has entry %i',
    async leaf_index => {
      const body = JSON.stringify({ number: leaf_index });
      const inclusion = await ledger.inclusion({ leaf_index, body });
      const decode = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
      const { hashes = [], rootHash = '' } = inclusion?.inclusionProof ?? {};
      const isIncluded = verifyInclusion({
        index: leaf_index,
        size: 65_537,
        leafHash: leafHash(Buffer.from(body)),
        proof: hashes.map(decode),
        root: decode(rootHash),
      });
      expect(isIncluded).toBe(true);
    },
  );

  test.each([0, 16_383, 16_384, 40_000, 65_536])('finds entry %i by its hash', async leaf_index => {
    const body = JSON.stringify({ number: leaf_index });
    const hash = Buffer.from(leafHash(Buffer.from(body))).toString('hex');
    expect(await findIndexByHash(store.read, hash)).toBe(leaf_index);
  });

  test('finds no entry by a hash that only begins like another', async () => {
    const hash = Buffer.from(leafHash(Buffer.from(JSON.stringify({ number: 5 })))).toString('hex');
    expect(await findIndexByHash(store.read, `${hash.slice(0, 63)}x`)).toBeUndefined();
  });
});
