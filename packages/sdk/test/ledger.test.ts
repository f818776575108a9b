import { leafHash, parsePolicy, verifyConsistency, verifyInclusion } from '@aitbc/tlog';
import { describe, expect, test } from 'vitest';
import {
  createLog,
  forged,
  type Lie,
  LOG,
  LOG_COSIGNER,
  ORIGIN,
  STRANGER,
  serveLog,
  someEntries,
  TIME,
  WITNESS,
} from '../../../test/log.ts';
import { type LedgerErrorCode, openLedger } from '../src/index.ts';
import { brokenNetwork, hang } from './network.ts';

const ledgerError = (code: LedgerErrorCode, message: string | RegExp = /./) =>
  expect.objectContaining({ name: 'LedgerError', code, message: expect.stringMatching(message) });

/** Serves a log of this size, and returns a reader that trusts its key. */
async function withLog(size: number) {
  const server = await serveLog(createLog(someEntries(size)));
  const ledger = openLedger(server.ledgerUrl, { vkey: LOG.vkey, sleep: async () => {} });
  return { ...server, ledger, log: server.served.log };
}

const gone: Lie = response => response.writeHead(404).end();
const cut = (content: Uint8Array) => content.subarray(0, -1);
/** Removes the last entry, which has 9 bytes. */
const shorten = (content: Uint8Array) => content.subarray(0, -11);
const lengthen = (content: Uint8Array) => Uint8Array.of(...content, 0, 0);

describe.each([0, 1, 255, 256, 257, 65_536, 65_537])('a log of %i entries', size => {
  test('is read from first to last, and proves its entries', async () => {
    const { ledger, log } = await withLog(size);
    const checkpoint = await ledger.checkpoint();
    const tree = ledger.tree(checkpoint);
    let next = 0;
    for await (const { index, bytes } of tree.entries()) {
      if (index !== next || !Buffer.from(log.entries[next++] ?? []).equals(bytes))
        throw new Error(`at ${index}`);
    }
    expect(next).toBe(size);
    const { root } = checkpoint;
    for (const index of new Set(
      [0, 255, 256, size >> 1, size - 1].filter(index => index >= 0 && index < size),
    )) {
      const proof = await tree.inclusionProof(index);
      const hash = leafHash(await tree.entry(index));
      expect(verifyInclusion({ index, size, leafHash: hash, proof, root })).toBe(true);
    }
    for (const from of new Set([0, 1, 255, 256, 257, size >> 1, size].filter(from => from <= size))) {
      const older = await ledger.openCheckpoint(await log.checkpoint({ size: from }));
      const proof = await tree.consistencyProof(older);
      expect(verifyConsistency({ from, to: size, fromRoot: older.root, toRoot: root, proof })).toBe(true);
    }
  });
});

test('a checkpoint says who signed it and when, and a stored one can be opened again', async () => {
  const { ledger } = await withLog(3);
  const checkpoint = await ledger.checkpoint();
  expect(checkpoint).toMatchObject({ origin: ORIGIN, size: 3, signatures: [{ key: LOG.key }] });
  expect(await ledger.openCheckpoint(checkpoint.note)).toEqual(checkpoint);
});

test('a range of entries fetches only the bundles that have them', async () => {
  const { ledger, asked } = await withLog(1000);
  const tree = ledger.tree(await ledger.checkpoint());
  const indexes = [];
  for await (const { index } of tree.entries({ from: 300, to: 515 })) indexes.push(index);
  expect(indexes).toEqual(Array.from({ length: 215 }, (_, index) => 300 + index));
  expect(asked.filter(path => path.startsWith('tile/entries')).sort()).toEqual([
    'tile/entries/001',
    'tile/entries/002',
  ]);
});

test.each([
  [-1, 2],
  [0, 4],
  [2, 1],
  [0.5, 1],
])('a tree of three entries has no range from %d up to %d', async (from, to) => {
  const { ledger } = await withLog(3);
  const tree = ledger.tree(await ledger.checkpoint());
  await expect(tree.entries({ from, to }).next()).rejects.toThrow(RangeError);
});

test('bundles are fetched in parallel up to the limit', async () => {
  const { ledgerUrl } = await serveLog(createLog(someEntries(20 * 256)));
  let [underway, most] = [0, 0];
  const counting: typeof fetch = async (input, init) => {
    if (String(input).includes('entries')) most = Math.max(most, ++underway);
    const response = await fetch(input, init);
    if (String(input).includes('entries')) underway--;
    return response;
  };
  const ledger = openLedger(ledgerUrl, { vkey: LOG.vkey, fetch: counting });
  const tree = ledger.tree(await ledger.checkpoint());
  for await (const _ of tree.entries({ parallel: 3 }));
  expect(most).toBe(3);
});

test('leaving the loop stops fetching', async () => {
  const { ledger, asked } = await withLog(100 * 256);
  const tree = ledger.tree(await ledger.checkpoint());
  for await (const { index } of tree.entries({ parallel: 2 })) if (index === 300) break;
  expect(asked.filter(path => path.startsWith('tile/entries')).length).toBeLessThanOrEqual(4);
});

test('a signal ends the reading', async () => {
  const { ledger } = await withLog(100 * 256);
  const tree = ledger.tree(await ledger.checkpoint());
  const stop = new AbortController();
  const reading = (async () => {
    for await (const { index } of tree.entries({ signal: stop.signal }))
      if (index === 300) stop.abort('enough');
  })();
  await expect(reading).rejects.toBe('enough');
});

test('a missing partial tile is read from the full one', async () => {
  const { ledger, log, lies, asked } = await withLog(300);
  const tree = ledger.tree(await ledger.checkpoint());
  log.append(someEntries(400, 'later'));
  for (const path of ['tile/0/001.p/44', 'tile/entries/001.p/44']) lies.set(path, gone);
  const entries = await Array.fromAsync(tree.entries({ from: 256 }));
  expect(entries).toHaveLength(44);
  expect(asked).toContain('tile/0/001');
});

test('a failing server is asked again', async () => {
  const { ledger, lies } = await withLog(300);
  let stumbles = 0;
  lies.set('checkpoint', response => {
    if (++stumbles === 2) lies.delete('checkpoint');
    response.writeHead(503).end();
  });
  expect((await ledger.checkpoint()).size).toBe(300);
});

test.each<[string, LedgerErrorCode, string, string[], (content: Uint8Array) => Lie]>([
  ['an entry', 'ENTRIES_INVALID', 'tile/entries/000 has other entries', ['tile/entries/000'], forged],
  ['a late entry', 'ENTRIES_INVALID', 'tile/entries/001.p/44 has other', ['tile/entries/001.p/44'], forged],
  ['a full tile', 'TILE_INVALID', 'tile/0/000 has other hashes', ['tile/0/000'], forged],
  [
    'a partial tile',
    'TILE_INVALID',
    'tile/0/001.p/44, tile/1/000.p/1: they do not',
    ['tile/0/001.p/44'],
    forged,
  ],
  [
    'the tile above',
    'TILE_INVALID',
    'they do not lead to the signed root of 300',
    ['tile/1/000.p/1'],
    forged,
  ],
  ['a bundle that is cut', 'ENTRIES_INVALID', 'ends within entry', ['tile/entries/000'], cut],
  ['a bundle without its last entry', 'ENTRIES_INVALID', '43 entries', ['tile/entries/001.p/44'], shorten],
  ['a bundle with one more', 'ENTRIES_INVALID', '45 entries', ['tile/entries/001.p/44'], lengthen],
  ['a tile that is cut', 'TILE_INVALID', '8192 bytes, not 8191', ['tile/0/000'], cut],
  ['a tile that is too long', 'TILE_INVALID', 'more than 8192 bytes', ['tile/0/000'], lengthen],
  ['a tile that is not there', 'MISSING', 'tile/0/000 is missing', ['tile/0/000'], () => gone],
  [
    'a bundle that is not there',
    'MISSING',
    'tile/entries/001.p/44 is missing',
    ['tile/entries/001.p/44', 'tile/entries/001'],
    () => gone,
  ],
])('%s is detected', async (_, code, message, paths, lie) => {
  const { ledger, log, lies } = await withLog(300);
  for (const path of paths) lies.set(path, lie(log.content(path) ?? new Uint8Array()));
  const tree = ledger.tree(await ledger.checkpoint());
  const readAll = async () => {
    for await (const _ of tree.entries());
    await tree.inclusionProof(17);
  };
  await expect(readAll()).rejects.toThrow(ledgerError(code, message));
});

test('an entry and its tile that are forged together do not fit the tile above', async () => {
  const { ledger, lies } = await withLog(300);
  const other = createLog(someEntries(300).with(17, new TextEncoder().encode('forged')));
  for (const path of ['tile/0/000', 'tile/entries/000']) lies.set(path, other.content(path) ?? '');
  const tree = ledger.tree(await ledger.checkpoint());
  await expect(tree.entry(17)).rejects.toThrow(ledgerError('ENTRIES_INVALID'));
  await expect(tree.inclusionProof(17)).rejects.toThrow(ledgerError('TILE_INVALID'));
});

test('an endless answer is not read to its end', async () => {
  const { ledger, lies } = await withLog(300);
  let sent = 0;
  lies.set('tile/0/000', response => {
    const send = () => {
      sent += 65_536;
      if (!response.destroyed) response.write(new Uint8Array(65_536), () => setImmediate(send));
    };
    send();
  });
  const tree = ledger.tree(await ledger.checkpoint());
  await expect(tree.inclusionProof(17)).rejects.toThrow(ledgerError('TILE_INVALID', 'more than 8192 bytes'));
  expect(sent).toBeLessThan(100_000_000);
});

test('a tile is fetched again after a failure', async () => {
  const { ledger, lies } = await withLog(300);
  const tree = ledger.tree(await ledger.checkpoint());
  lies.set('tile/0/001.p/44', forged(new Uint8Array(44 * 32)));
  await expect(tree.inclusionProof(17)).rejects.toThrow(ledgerError('TILE_INVALID'));
  lies.clear();
  expect(await tree.inclusionProof(17)).toHaveLength(9);
});

test.each([
  ["another's key", { by: [STRANGER] }, 'No known key has signed'],
  ["another log's name", { origin: 'other.example' }, 'The origin is "other.example"'],
  ['nobody of the log', { by: [LOG_COSIGNER] }, 'No known key has signed'],
])('a checkpoint signed with %s is rejected', async (_, options, message) => {
  const { ledger, log, lies } = await withLog(3);
  lies.set('checkpoint', await log.checkpoint(options));
  await expect(ledger.checkpoint()).rejects.toThrow(ledgerError('CHECKPOINT_INVALID', message));
});

test('a checkpoint with a foreign signature is rejected', async () => {
  const { ledger, log, lies } = await withLog(3);
  lies.set('checkpoint', (await log.checkpoint()).replace('\n3\n', '\n4\n'));
  await expect(ledger.checkpoint()).rejects.toThrow(ledgerError('CHECKPOINT_INVALID', 'does not verify'));
});

test('a log that has shrunk is rolled back', async () => {
  const { ledger, log } = await withLog(300);
  const [older, newer] = [await log.checkpoint({ size: 200 }), await ledger.checkpoint()];
  const tree = ledger.tree(await ledger.openCheckpoint(older));
  await expect(tree.consistencyProof(newer)).rejects.toThrow(
    ledgerError('ROLLED_BACK', '200 entries, but had 300 before'),
  );
});

test.each([
  [300, 'The log had another tree of 300 entries'],
  [200, 'The log of 300 entries does not begin with the 200 entries that it had before'],
])('a log that had another tree of %i entries is forked', async (size, message) => {
  const { ledger } = await withLog(300);
  const other = createLog(someEntries(size).with(17, new Uint8Array()));
  const older = await ledger.openCheckpoint(await other.checkpoint());
  const tree = ledger.tree(await ledger.checkpoint());
  await expect(tree.consistencyProof(older)).rejects.toThrow(ledgerError('FORKED', message));
});

const POLICY = `log ${LOG.vkey}\nwitness own ${LOG_COSIGNER.vkey}\nwitness other ${WITNESS.vkey}\ngroup both all own other\nquorum both\n`;

test('a policy demands witnesses', async () => {
  const server = await serveLog(createLog(someEntries(3)));
  const ledger = openLedger(server.ledgerUrl, { policy: parsePolicy(POLICY) });
  await expect(ledger.checkpoint()).rejects.toThrow(
    ledgerError('CHECKPOINT_INVALID', 'Only own signed, which is not the quorum both'),
  );
  const by = [LOG, LOG_COSIGNER, WITNESS];
  server.lies.set('checkpoint', await server.served.log.checkpoint({ by, time: TIME }));
  expect((await ledger.checkpoint()).signatures.map(({ time }) => time)).toEqual([undefined, TIME, TIME]);
});

test('a witness’s bad signature makes the checkpoint invalid', async () => {
  const server = await serveLog(createLog(someEntries(3)));
  const ledger = openLedger(server.ledgerUrl, { policy: parsePolicy(POLICY.replace('all', 'any')) });
  const by = [LOG, LOG_COSIGNER];
  const elsewhere = await server.served.log.checkpoint({ size: 2, by: [WITNESS] });
  const line = elsewhere.split('\n').at(-2);
  server.lies.set('checkpoint', `${await server.served.log.checkpoint({ by })}${line}\n`);
  await expect(ledger.checkpoint()).rejects.toThrow(
    ledgerError('CHECKPOINT_INVALID', 'signature of witness.example .* does not verify'),
  );
});

test('signatures by unknown keys are ignored', async () => {
  const { ledger, log, lies } = await withLog(3);
  const grease = `— grease.example ${Buffer.from('any bytes').toString('base64')}\n— ${ORIGIN} ${Buffer.alloc(200, 7).toString('base64')}\n`;
  lies.set('checkpoint', (await log.checkpoint()) + grease);
  expect((await ledger.checkpoint()).signatures).toHaveLength(1);
});

test.each([
  ['whom to believe', 'http://127.0.0.1:1/ledger', {}, TypeError],
  ['a URL', 'log.example/ledger', { vkey: LOG.vkey }, TypeError],
  ['a key', 'http://127.0.0.1:1/ledger', { vkey: 'log.example' }, Error],
])('opening without %s fails', (_, url, options, error) => {
  expect(() => openLedger(url, options)).toThrow(error);
});

test('a server that accepts and never answers is an error after the usual retries', async () => {
  const { url, seen } = await brokenNetwork([hang]);
  const ledger = openLedger(url, { vkey: LOG.vkey, timeout: 50, sleep: async () => {} });
  await expect(ledger.checkpoint()).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(seen).toHaveLength(3);
});
