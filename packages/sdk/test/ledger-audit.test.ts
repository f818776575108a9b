import type { Opening } from '@aitbc/protocol';
import {
  addressFromLabel,
  canonicalBytes,
  createBalanceTotals,
  restoreEntry,
  signOpening,
  signRestore,
} from '@aitbc/receipts';
import { encodeEntryBundle, leafHash } from '@aitbc/tlog';
import { beforeAll, expect, test } from 'vitest';
import { createLog, forged, type Lie, LOG, type Log, serveLog, someEntries } from '../../../test/log.ts';
import {
  CLIENT,
  COORDINATOR,
  MINER,
  nodeSigner,
  receiptBytesOf,
  receiptEntries,
  statementEntry,
} from '../../../test/statements.ts';
import { type AuditOptions, type LedgerFault, type LedgerTree, openLedger } from '../src/index.ts';

const LARGE = createLog(someEntries(65_537));

/** Serves a log of these entries, and returns the tree of its checkpoint. */
async function withLog(entries: readonly Uint8Array[] | Log) {
  const server = await serveLog('content' in entries ? entries : createLog(entries));
  const ledger = openLedger(server.ledgerUrl, { vkey: LOG.vkey, sleep: async () => {} });
  return { ...server, log: server.served.log, ledger, tree: ledger.tree(await ledger.checkpoint()) };
}

async function audit(tree: LedgerTree, options: AuditOptions = { statements: false }) {
  const found = {
    ...{ steps: 0, done: 0, receipts: 0, grants: 0, faults: [] as LedgerFault[] },
    others: {} as Record<string, number>,
  };
  for await (const { done, receipts, grants, others, faults } of tree.audit(options)) {
    for (const [kind, count] of Object.entries(others))
      found.others[kind] = (found.others[kind] ?? 0) + count;
    found.steps++;
    found.done = done;
    found.receipts += receipts;
    found.grants += grants;
    found.faults.push(...faults);
  }
  return found;
}

test.each([0, 1, 255, 256, 257, 65_537])('a log of %i entries is sound', async size => {
  const { tree, asked } = await withLog(size === LARGE.size ? LARGE : someEntries(size));
  expect(await audit(tree)).toMatchObject({ done: size, faults: [] });
  const bundles = Math.ceil(size / 256);
  expect(new Set(asked.filter(path => path.startsWith('tile/entries'))).size).toBe(bundles);
  expect(new Set(asked.filter(path => path.startsWith('tile/0/'))).size).toBe(bundles);
});

test('an audit from an entry on reads only the entries after it', async () => {
  const { tree, asked } = await withLog(someEntries(1000));
  expect(await audit(tree, { from: 700, statements: false })).toMatchObject({ done: 300, faults: [] });
  expect(asked.filter(path => path.startsWith('tile/entries')).sort()).toEqual([
    'tile/entries/002',
    'tile/entries/003.p/232',
  ]);
});

test('an audit can not start beyond the tree', async () => {
  const { tree } = await withLog(someEntries(3));
  await expect(tree.audit({ from: 4 }).next()).rejects.toThrow(RangeError);
});

test('a signal ends an audit', async () => {
  const { tree } = await withLog(someEntries(20 * 256));
  await expect(audit(tree, { statements: false, signal: AbortSignal.abort('enough') })).rejects.toBe(
    'enough',
  );
});

const SIZE = 300;
const other = createLog(someEntries(SIZE).with(17, new TextEncoder().encode('forged')));
const gone: Lie = response => response.writeHead(404).end();
const entry17 = { code: 'ENTRIES_INVALID', path: 'tile/entries/000', index: 17 };

test.each<[string, [path: string, lie: (content: Uint8Array) => Lie][], object[]]>([
  ['an entry', [['tile/entries/000', () => other.content('tile/entries/000') ?? '']], [entry17]],
  [
    'an entry of the last bundle',
    [['tile/entries/001.p/44', forged]],
    [{ code: 'ENTRIES_INVALID', path: 'tile/entries/001.p/44', index: 299 }],
  ],
  [
    'a tile of hashes, the entries under it being as signed',
    [['tile/0/000', forged]],
    [{ code: 'TILE_INVALID', path: 'tile/0/000', index: null }],
  ],
  [
    'an entry and its tile, so that they fit each other',
    [
      ['tile/entries/000', () => other.content('tile/entries/000') ?? ''],
      ['tile/0/000', () => other.content('tile/0/000') ?? ''],
    ],
    [
      { code: 'TILE_INVALID', path: 'tile/0/000' },
      { code: 'ENTRIES_INVALID', path: 'tile/entries/000', index: null },
    ],
  ],
  [
    'an entry and all tiles above it',
    [
      ['tile/entries/000', () => other.content('tile/entries/000') ?? ''],
      ['tile/0/000', () => other.content('tile/0/000') ?? ''],
      ['tile/1/000.p/1', () => other.content('tile/1/000.p/1') ?? ''],
    ],
    [
      { code: 'TILE_INVALID', path: 'tile/0/001.p/44, tile/1/000.p/1' },
      { code: 'ENTRIES_INVALID', path: null, detail: expect.stringContaining('hash to another root') },
    ],
  ],
  [
    'the tile above, the entries being as signed',
    [['tile/1/000.p/1', forged]],
    [{ code: 'TILE_INVALID', path: 'tile/0/001.p/44, tile/1/000.p/1' }],
  ],
  [
    'a bundle that is withheld',
    [['tile/entries/000', () => gone]],
    [{ code: 'MISSING', path: 'tile/entries/000', index: null }],
  ],
  [
    'two entries that changed places',
    [
      [
        'tile/entries/000',
        () =>
          encodeEntryBundle(
            [...someEntries(256)].with(0, someEntries(2)[1] ?? gap).with(1, someEntries(1)[0] ?? gap),
          ),
      ],
    ],
    [
      { code: 'ENTRIES_INVALID', index: 0 },
      { code: 'ENTRIES_INVALID', index: 1 },
    ],
  ],
])('%s is reported', async (_, lies, faults) => {
  const { tree, log, ...server } = await withLog(someEntries(SIZE));
  for (const [path, lie] of lies) server.lies.set(path, lie(log.content(path) ?? gap));
  expect(await audit(tree)).toMatchObject({ done: SIZE, faults });
});
const gap = new Uint8Array();

test('a fault in an upper tile is reported once, and fetched once', async () => {
  const { tree, lies, asked, log } = await withLog(LARGE);
  lies.set('tile/1/000', forged(log.content('tile/1/000')));
  const { faults } = await audit(tree);
  expect(faults).toMatchObject([{ code: 'TILE_INVALID', path: 'tile/1/000' }]);
  expect(asked.filter(path => path === 'tile/1/000')).toHaveLength(1);
});

test('a signed root of other entries is detected', async () => {
  const { ledger, log } = await withLog(someEntries(2));
  const root = leafHash(gap);
  const tree = ledger.tree(await ledger.openCheckpoint(await log.checkpoint({ root })));
  expect((await audit(tree)).faults).toMatchObject([{ code: 'TILE_INVALID' }, { code: 'ENTRIES_INVALID' }]);
  const none = ledger.tree(await ledger.openCheckpoint(await log.checkpoint({ size: 0, root })));
  expect((await audit(none)).faults).toMatchObject([{ code: 'ENTRIES_INVALID', path: null }]);
});

let receipts: Uint8Array[] = [];
beforeAll(async () => {
  receipts = await receiptEntries(20);
});

test('receipts are verified with the keys that they name, or with the given ones', async () => {
  const { tree } = await withLog(receipts);
  expect(await audit(tree, {})).toMatchObject({ receipts: 20, grants: 0, faults: [] });
  expect(await audit(tree, { keys: [COORDINATOR.keyId] })).toMatchObject({ receipts: 20, faults: [] });
  const { faults } = await audit(tree, { keys: [nodeSigner(5).keyId] });
  expect(faults).toHaveLength(20);
  expect(faults[7]).toMatchObject({
    code: 'STATEMENT_INVALID',
    index: 7,
    detail: expect.stringContaining('key:'),
  });
});

test.each<[string, (receipt: string) => string, string]>([
  ['another price', receipt => receipt.replace('"price":0.02', '"price":2'), 'signature: '],
  ['another spelling', receipt => receipt.replace(':', ': '), 'shape: Not canonical JSON'],
  [
    'a field beside what is signed',
    receipt => receipt.replace('"job_id"', '"inclusion":null,"job_id"'),
    'shape: it has more',
  ],
  ['no statement in it', () => '[]', 'shape: it is not an object'],
])('a signed receipt with %s is reported', async (_, change, detail) => {
  const text = change(Buffer.from(receipts[3] ?? gap).toString());
  const { tree } = await withLog(receipts.with(3, Buffer.from(text)));
  const { receipts: valid, faults } = await audit(tree, {});
  expect(valid).toBe(19);
  expect(faults).toMatchObject([
    { code: 'STATEMENT_INVALID', index: 3, detail: expect.stringContaining(detail) },
  ]);
});

test('a receipt that does not add up is reported', async () => {
  const dear = Buffer.from(await receiptBytesOf(0))
    .toString()
    .replace('"price":0.02', '"price":0.03');
  const { signature, ...unsigned } = JSON.parse(dear);
  const { tree } = await withLog([await statementEntry(unsigned)]);
  expect((await audit(tree, {})).faults).toMatchObject([{ detail: expect.stringContaining('arithmetic: ') }]);
});

const statedBy = {
  ...{
    version: '1.0' as const,
    restore_id: 'restore-1',
    coordinator_id: 'coord-1',
    created_at: 1_769_266_800,
  },
  ...{ nonce: '00', metadata: {} },
};
const BALANCES = ['a', 'b', 'c']
  .map((label, index) => ({ account: addressFromLabel(label), balance: 5 - index * 3.5 }))
  .sort((a, b) => (a.account < b.account ? -1 : 1));

/** Returns the entries of a ledger that begins after a restore. */
async function restored(change: (openings: Opening[]) => unknown = () => {}) {
  const totals = createBalanceTotals();
  for (const balance of BALANCES) totals.add(balance);
  const root_hash = Buffer.alloc(32, 1).toString('base64');
  const restore = await signRestore(
    {
      ...statedBy,
      ...totals.totals(),
      type: 'restore',
      ledger: LOG.key.name,
      previous: { origin: 'before.example/ledger', tree_size: 17, root_hash },
    },
    COORDINATOR,
  );
  const openings = await Promise.all(
    BALANCES.map((balance, index) =>
      signOpening({ ...statedBy, ...balance, type: 'opening', opening_id: `opening-${index}` }, COORDINATOR),
    ),
  );
  change(openings);
  return [restoreEntry(restore), ...openings.map(restoreEntry)];
}
const KEYS = { keys: [COORDINATOR.keyId] };

test('a ledger that begins with a restore has the openings that it states', async () => {
  const entries = [...(await restored()), ...(await receiptEntries(2))];
  const { tree } = await withLog(entries);
  expect(await audit(tree, KEYS)).toMatchObject({
    ...{ receipts: 2, others: { restore: 1, opening: 3 }, faults: [] },
  });
  expect(await audit(tree, { ...KEYS, from: 2 })).toMatchObject({ others: { opening: 2 }, faults: [] });
});

test.each<[string, (openings: Opening[]) => unknown, RegExp]>([
  ['one is left out', openings => openings.pop(), /Entry 0 says accounts 3, but its opening balances give 2/],
  ['two are exchanged', openings => openings.reverse(), /does not follow the opening balance before it/],
  ['one stands twice', openings => openings.push(openings[2] as Opening), /an opening balance beyond the 3/],
])('openings of which %s are reported', async (_, change, detail) => {
  const { tree } = await withLog([...(await restored(change)), ...(await receiptEntries(2))]);
  const { faults } = await audit(tree, KEYS);
  expect(faults.map(fault => fault.detail)).toContainEqual(expect.stringMatching(detail));
});

test('an opening or a restore within a ledger is reported, wherever the audit starts', async () => {
  const [restore, opening] = await restored();
  const entries = [...(await receiptEntries(300)), opening, restore].filter(entry => entry !== undefined);
  const { tree } = await withLog(entries);
  for (const from of [0, 299]) {
    expect((await audit(tree, { ...KEYS, from })).faults).toMatchObject([
      { code: 'STATEMENT_INVALID', index: 300, detail: expect.stringContaining('is an opening balance') },
      { code: 'STATEMENT_INVALID', index: 301, detail: expect.stringContaining('is a restore') },
    ]);
  }
});

const PAID = { ...statedBy, to: MINER, amount: 0.03, method: 'cash' };
const paid = (payout_id: string, more: object = {}) =>
  statementEntry({ ...PAID, type: 'payout', payout_id, ...more });
const said = (payout_id: string, status: string, more: object = {}) => {
  const { method, ...common } = PAID;
  const update = {
    ...common,
    type: 'payout_update',
    update_id: `update-${status}`,
    payout_id,
    status,
    ...more,
  };
  return statementEntry(update);
};

test('payouts of what was earned are sound, and withdrawn ones are owed again', async () => {
  const entries = [
    ...(await receiptEntries(3)),
    ...[await paid('payout-1'), await said('payout-1', 'disputed'), await said('payout-1', 'confirmed')],
    ...[await paid('payout-2'), await said('payout-2', 'withdrawn'), await paid('payout-3')],
  ];
  const { tree } = await withLog(entries);
  const found = await audit(tree, KEYS);
  expect(found.faults).toEqual([]);
  expect(found.others).toEqual({ payout: 3, payout_update: 3 });
});

test.each<[string, () => Promise<Uint8Array>[], RegExp]>([
  ['more than was earned', () => [paid('payout-1', { amount: 0.05 })], /which had 0.04 to be paid out/],
  [
    'more in all than was earned',
    () => [paid('payout-1'), paid('payout-2')],
    /which had 0.01 to be paid out/,
  ],
  ['to who has earned nothing', () => [paid('payout-1', { to: CLIENT })], /which had 0 to be paid out/],
  ['of an id that is taken', () => [paid('p', { amount: 0.01 }), paid('p', { amount: 0.01 })], /repeats p/],
  ['that is confirmed and not there', () => [said('payout-1', 'confirmed')], /does not have before it/],
  [
    'that is withdrawn with another amount',
    () => [paid('payout-1'), said('payout-1', 'withdrawn', { amount: 1 })],
    /has another address or amount/,
  ],
  [
    'that is withdrawn after it was confirmed',
    () => [paid('payout-1'), said('payout-1', 'confirmed'), said('payout-1', 'withdrawn')],
    /says withdrawn of payout-1, which is confirmed/,
  ],
])('a payout %s is reported', async (_, entries, detail) => {
  const { tree } = await withLog([...(await receiptEntries(2)), ...(await Promise.all(entries()))]);
  const { faults } = await audit(tree, KEYS);
  expect(faults.map(fault => fault.detail)).toEqual([expect.stringMatching(detail)]);
});

test('statements of unknown kinds are counted and are no fault', async () => {
  const strange = ['refund', 'refund', 'pledge', '__proto__'].map((type, index) =>
    canonicalBytes({ type, id: index, anything: [null, 1e-7] }),
  );
  const { tree } = await withLog([...strange, ...(await receiptEntries(1))]);
  const { faults, receipts, others } = await audit(tree, KEYS);
  expect([faults, receipts]).toEqual([[], 1]);
  expect(others).toMatchObject({ refund: 2, pledge: 1 });
});
