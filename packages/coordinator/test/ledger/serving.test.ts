import type { PublishedReceipt } from '@aitbc/protocol';
import {
  decodeEntryBundle,
  decodeTile,
  leafHash,
  merkleRoot,
  openCheckpoint,
  parseTlogProof,
  parseVkey,
  verifyConsistency,
  verifyInclusion,
  verifyTlogProof,
} from '@aitbc/tlog';
import { beforeAll, describe, expect, test } from 'vitest';
import { refusal } from '../harness/answers.ts';
import { actions, type TestCoordinator, withCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine } from '../harness/engines.ts';

/** Completes as many jobs; the ids of their receipts. */
async function earn(coordinator: TestCoordinator, count: number): Promise<string[]> {
  const { register, claims, complete } = actions(coordinator);
  await register('earner', { capabilities: ['earned'] });
  const jobs = Array.from({ length: count }, () => ({ prompt: 'Hello', model: 'earned' }));
  await coordinator.call('POST', '/v1/jobs/batch', { jobs });
  const claimed = await claims('earner', count);
  const receipts = await Promise.all(claimed.map(({ job_id }) => complete(job_id, 'earner')));
  return receipts.map(({ receipt_id }) => receipt_id);
}

async function text(coordinator: TestCoordinator, path: string): Promise<string> {
  return (await coordinator.call<string>('GET', path)).body;
}

async function bytes(coordinator: TestCoordinator, path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(coordinator.url + path)).arrayBuffer());
}

async function policyOf(coordinator: TestCoordinator) {
  return { log: parseVkey((await text(coordinator, '/ledger/vkey')).trim()) };
}

async function head(coordinator: TestCoordinator) {
  return await openCheckpoint(await text(coordinator, '/ledger/checkpoint'), await policyOf(coordinator));
}

describeEachEngine('a ledger', engine => {
  const coordinator = withCoordinator(engine);
  const get = <Body>(path: string) => coordinator.call<Body>('GET', path);

  test('begins with a checkpoint of an empty tree', async () => {
    await coordinator.publish();
    expect(await head(coordinator)).toMatchObject({ size: 0, root: merkleRoot([]) });
  });

  test('has a receipt from when it is published', async () => {
    const [id] = await earn(coordinator, 1);
    expect((await get<PublishedReceipt>(`/v1/receipts/${id}`)).body.inclusion).toBe(null);
    const early = await get(`/v1/receipts/${id}/proof`);
    expect([...refusal(early), early.headers.get('retry-after')]).toEqual([404, 'RECEIPT_NOT_FOUND', '1']);
    await coordinator.publish();
    const { inclusion } = (await get<PublishedReceipt>(`/v1/receipts/${id}`)).body;
    expect(inclusion).toMatchObject({ logIndex: '0', inclusionProof: { treeSize: '1' } });
  });

  test('proves the place of a receipt to who has only its key', async () => {
    const [id] = await earn(coordinator, 3);
    await coordinator.publish();
    const proof = await text(coordinator, `/v1/receipts/${id}/proof`);
    const entry = parseTlogProof(proof).extra ?? new Uint8Array();
    const { index } = await verifyTlogProof(proof, leafHash(entry), await policyOf(coordinator));
    expect(index).toBe(1);
    expect(JSON.parse(Buffer.from(entry).toString())).toMatchObject({ receipt_id: id });
  });

  test('proves it in the shape of Sigstore as well', async () => {
    const [, id] = await earn(coordinator, 2);
    await coordinator.publish();
    const { inclusion } = (await get<PublishedReceipt>(`/v1/receipts/${id}`)).body;
    const { hashes = [], rootHash = '', treeSize } = inclusion?.inclusionProof ?? {};
    const decode = (base64 = '') => new Uint8Array(Buffer.from(base64, 'base64'));
    const isIncluded = verifyInclusion({
      index: Number(inclusion?.logIndex),
      size: Number(treeSize),
      leafHash: leafHash(decode(inclusion?.canonicalizedBody)),
      proof: hashes.map(decode),
      root: decode(rootHash),
    });
    expect(isIncluded).toBe(true);
  });

  test('says when a checkpoint was signed, with a second key of its own', async () => {
    await earn(coordinator, 1);
    await coordinator.publish();
    const { log } = await policyOf(coordinator);
    const { cosigner } = coordinator.running.modules.ledger.keys;
    const note = await text(coordinator, '/ledger/checkpoint');
    const { signatures } = await openCheckpoint(note, {
      log,
      cosigners: { keys: [cosigner.vkey], quorum: 1 },
    });
    expect(signatures.map(({ key, time }) => [key.type, time])).toEqual([
      ['Ed25519', undefined],
      ['cosignature/v1', coordinator.now() / 1000],
    ]);
  });

  test('is published once for what it has, however often it is tried', async () => {
    await earn(coordinator, 1);
    await coordinator.publish();
    const before = await text(coordinator, '/ledger/checkpoint');
    coordinator.moveClock({ seconds: 5 });
    await coordinator.publish();
    expect(await text(coordinator, '/ledger/checkpoint')).toBe(before);
  });
});

describeEachEngine('the ledger’s resources', engine => {
  const coordinator = withCoordinator(engine);
  const sizes: number[] = [];
  beforeAll(async () => {
    for (const count of [1, 254, 1, 1, 44]) {
      await earn(coordinator, count);
      await coordinator.publish();
      sizes.push((await head(coordinator)).size);
    }
  }, 180_000);
  const fetchIt = (path: string, headers: Record<string, string> = {}) =>
    fetch(coordinator.url + path, { headers });

  test('are of each tree that was published', () => {
    expect(sizes).toEqual([1, 255, 256, 257, 301]);
  });

  test('lead from the entries by the tiles to the root', async () => {
    const entries = [
      ...decodeEntryBundle(await bytes(coordinator, '/ledger/tile/entries/000'), 256),
      ...decodeEntryBundle(await bytes(coordinator, '/ledger/tile/entries/001.p/45'), 45),
    ];
    const leaves = [
      ...decodeTile(await bytes(coordinator, '/ledger/tile/0/000'), 256),
      ...decodeTile(await bytes(coordinator, '/ledger/tile/0/001.p/45'), 45),
    ];
    expect(entries.map(leafHash)).toEqual(leaves);
    const [above] = decodeTile(await bytes(coordinator, '/ledger/tile/1/000.p/1'), 1);
    expect(above).toEqual(merkleRoot(leaves.slice(0, 256)));
    expect((await head(coordinator)).root).toEqual(merkleRoot(leaves));
  });

  test('are of the same content for ever, and open to all pages', async () => {
    for (const path of ['tile/0/000', 'tile/0/001.p/1', 'tile/entries/000', 'tile/entries/001.p/2']) {
      const { status, headers } = await fetchIt(`/ledger/${path}`, { origin: 'https://auditor.example' });
      expect({ path, status }).toEqual({ path, status: 200 });
      expect(headers.get('content-type')).toBe('application/octet-stream');
      expect(headers.get('cache-control')).toBe('public, max-age=604800, immutable');
      expect(headers.get('access-control-allow-origin')).toBe('*');
    }
  });

  test('come compressed, where they are entries', async () => {
    const zipped = await fetchIt('/ledger/tile/entries/000', { 'accept-encoding': 'gzip' });
    const plain = await fetchIt('/ledger/tile/entries/000', { 'accept-encoding': 'identity' });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(plain.headers.get('content-encoding')).toBe(null);
    expect(await zipped.arrayBuffer()).toEqual(await plain.arrayBuffer());
  });

  test('change where they are the checkpoint', async () => {
    const { headers } = await fetchIt('/ledger/checkpoint');
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  test.each([
    'tile/0/001',
    'tile/0/001.p/46',
    'tile/0/002.p/1',
    'tile/1/000.p/2',
    'tile/2/000.p/1',
    'tile/entries/002.p/1',
    'tile/0/0',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/00/000',
    'tile/64/000',
    'tile/0/x000/000',
    'tile/other/000',
  ])('%s is none of them', async path => {
    expect((await fetchIt(`/ledger/${path}`)).status).toBe(404);
  });

  test('prove that each tree begins with those before it', async () => {
    const roots = new Map<number, Uint8Array>();
    const leaves = [
      ...decodeTile(await bytes(coordinator, '/ledger/tile/0/000'), 256),
      ...decodeTile(await bytes(coordinator, '/ledger/tile/0/001.p/45'), 45),
    ];
    for (const size of sizes) roots.set(size, merkleRoot(leaves.slice(0, size)));
    for (const from of sizes)
      for (const to of sizes.filter(size => size >= from)) {
        const { body } = await coordinator.call<{ consistency: string[] }>(
          'GET',
          `/ledger/consistency?from=${from}&to=${to}`,
        );
        const proof = body.consistency.map(hash => new Uint8Array(Buffer.from(hash, 'base64')));
        const [fromRoot = new Uint8Array(), toRoot = new Uint8Array()] = [roots.get(from), roots.get(to)];
        expect(verifyConsistency({ from, to, fromRoot, toRoot, proof })).toBe(true);
      }
  });

  test.each([
    ['from=0&to=302', [404, 'BLOCK_NOT_FOUND', 'to']],
    ['from=302', [404, 'BLOCK_NOT_FOUND', 'from']],
    ['from=2&to=1', [404, 'BLOCK_NOT_FOUND', 'from']],
    ['from=-1', [400, 'VALIDATION_OUT_OF_RANGE', 'from']],
    ['from=x', [400, 'VALIDATION_INVALID_TYPE', 'from']],
    ['to=1', [400, 'VALIDATION_MISSING_FIELD', 'from']],
  ])('no consistency of %s can be proven', async (query, expected) => {
    expect(refusal(await coordinator.call('GET', `/ledger/consistency?${query}`))).toEqual(expected);
  });

  describe('after a restart', () => {
    test('are the same', async () => {
      const before = await text(coordinator, '/ledger/checkpoint');
      await coordinator.restart();
      await coordinator.publish();
      expect(await text(coordinator, '/ledger/checkpoint')).toBe(before);
      expect(await bytes(coordinator, '/ledger/tile/0/000')).toHaveLength(8192);
    });
  });
});
