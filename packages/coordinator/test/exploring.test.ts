import { hash } from 'node:crypto';
import type {
  AddressDetail,
  Block,
  BlockDetail,
  ExplorerStats,
  Grant,
  Problem,
  Receipt,
  SearchResults,
  Transaction,
  TransactionDetail,
} from '@aitbc/protocol';
import { addressFromLabel, microCredits } from '@aitbc/receipts';
import { parseNote } from '@aitbc/tlog';
import { beforeAll, describe, expect, test } from 'vitest';
import { allPages, refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, execute } from './harness/engines.ts';
import { rootsOf } from './harness/ledger.ts';
import { hashOf, makeGrant } from './harness/scenes.ts';
import { violations } from './invariants/violations.ts';

const HOUR = 3600;
const NOBODY = addressFromLabel('nobody');
const ZEROS = '0'.repeat(64);

describeEachEngine('the explorer of a ledger', engine => {
  const coordinator = withCoordinator(engine);
  let receipts: Receipt[];
  let granted: Grant;

  /** A job of a client's that takes a miner so many seconds. */
  async function earn(miner: string, seconds: number, keys: { client?: string; miner?: string } = {}) {
    const owner = actions(coordinator, keys.miner);
    await owner.register(miner, { capabilities: [miner] });
    const { job_id } = await actions(coordinator, keys.client).submit({ model: miner });
    await owner.claims(miner);
    coordinator.moveClock({ seconds });
    return await owner.complete(job_id, miner);
  }

  /** Blocks 0 (nothing), 1 (three receipts), 2 (a grant and a receipt), and what is in none yet. */
  beforeAll(async () => {
    const alice = { client: await coordinator.key('client'), miner: await coordinator.key('miner') };
    const key = await coordinator.key('client', 'miner');
    const itself = { client: key, miner: key };
    await coordinator.publish();
    const [first, second] = [await earn('one', 1, alice), await earn('two', 2, itself)];
    coordinator.moveClock({ seconds: 5 * HOUR });
    const third = await earn('three', 3, alice);
    await coordinator.publish();
    granted = await makeGrant(coordinator, await coordinator.key('admin'), { to: first.client, amount: 5 });
    coordinator.moveClock({ seconds: 50 * HOUR });
    const fourth = await earn('four', 4, alice);
    await coordinator.publish();
    receipts = [first, second, third, fourth, await earn('two', 5, itself), await earn('one', 6, alice)];
  });

  const get = async <Body>(path: string) => (await coordinator.call<Body>('GET', path)).body;
  const blocks = () => get<Block[]>('/explorer/blocks?limit=100');
  const transactions = (query = '') => get<Transaction[]>(`/explorer/transactions?limit=100${query}`);
  const refused = async (path: string) => refusal(await coordinator.call<Problem>('GET', path));

  describe.each([1, 2, 100])('following pages of %i', limit => {
    test('yields each block once, newest first', async () => {
      const pages = await allPages<Block>(coordinator, `/explorer/blocks?limit=${limit}`);
      expect(pages.flat().map(({ height }) => height)).toEqual([2, 1, 0]);
    });

    test.each([
      ['', [6, 5, 4, 3, 2, 1, 0]],
      ['&block=1', [2, 1, 0]],
      ['&type=grant', [3]],
      ['&type=receipt', [6, 5, 4, 2, 1, 0]],
      ['&type=receipt&block=1', [2, 1, 0]],
      ['&type=restore', []],
      [`&address=${NOBODY}`, []],
    ])('yields each transaction of "%s" once, newest first', async (query, expected) => {
      const pages = await allPages<Transaction>(coordinator, `/explorer/transactions?limit=${limit}${query}`);
      expect(pages.flat().map(({ index }) => index)).toEqual(expected);
    });

    test('yields each transaction of an address once, also where it pays itself', async () => {
      const { client, provider } = receipts[1] as Receipt;
      expect(client).toBe(provider);
      const path = `/explorer/transactions?limit=${limit}&address=${client}`;
      const pages = await allPages<Transaction>(coordinator, path);
      expect(pages.flat().map(({ index }) => index)).toEqual([5, 1]);
    });
  });

  test('has blocks of what was published, each behind the one before', async () => {
    const [second, first, genesis] = (await blocks()) as [Block, Block, Block];
    expect([genesis, first, second].map(({ tree_size, transactions }) => [tree_size, transactions])).toEqual([
      [0, 0],
      [3, 3],
      [5, 2],
    ]);
    expect([second.parent_hash, first.parent_hash, genesis.parent_hash]).toEqual([
      first.hash,
      genesis.hash,
      null,
    ]);
    const roots = await rootsOf(coordinator.running.modules.store.read, [3, 5]);
    expect([first.root_hash, second.root_hash]).toEqual([roots.get(3), roots.get(5)]);
  });

  test('counts in a block what it has', async () => {
    for (const { height, transactions: count, size, timestamp } of await blocks()) {
      const found = await transactions(`&block=${height}`);
      expect(found.map(transaction => transaction.height)).toEqual(Array(count).fill(height));
      expect(found.reduce((sum, transaction) => sum + transaction.size, 0)).toBe(size);
      expect(timestamp).toMatch(/^2026-01-2\dT.*\.000Z$/);
    }
  });

  test('shows a block by its height and by its hash, with what was signed for it', async () => {
    const listed = (await blocks())[1] as Block;
    const { checkpoint, ...block } = await get<BlockDetail>('/explorer/blocks/1');
    expect(block).toEqual(listed);
    expect(hash('sha256', parseNote(checkpoint).text)).toBe(block.hash);
    for (const id of [block.hash, block.hash.toUpperCase()])
      expect(await get(`/explorer/blocks/${id}`)).toEqual({ ...block, checkpoint });
  });

  test('lets a block be kept for ever once it has a successor', async () => {
    const caching = async (height: number) =>
      (await coordinator.call('GET', `/explorer/blocks/${height}`)).headers.get('cache-control');
    expect([await caching(1), await caching(2)]).toEqual(['public, max-age=604800, immutable', 'no-cache']);
  });

  test('shows a transaction as the statement that it is, and says where it stands', async () => {
    const published = receipts[2] as Receipt;
    const [listed] = await transactions('&block=1');
    const { statement, inclusion, ...transaction } = await get<TransactionDetail>(
      `/explorer/transactions/${listed?.hash}`,
    );
    expect(transaction).toEqual(listed);
    expect(await get('/explorer/transactions/2')).toEqual({ statement, inclusion, ...transaction });
    expect(statement).toEqual(published);
    expect(hashOf(published)).toBe(transaction.hash);
    expect({ ...published, inclusion }).toEqual(await get(`/v1/receipts/${published.receipt_id}`));
    expect(transaction).toMatchObject({
      ...{ index: 2, height: 1, type: 'receipt', id: published.receipt_id, job_id: published.job_id },
      ...{ from: published.client, to: published.provider, amount: published.price },
    });
  });

  test('shows a transaction that no block has yet', async () => {
    const [newest] = await transactions();
    expect(newest).toMatchObject({ index: 6, height: null, id: receipts[5]?.receipt_id });
    const path = `/explorer/transactions/${newest?.hash.toUpperCase()}`;
    expect(await get(path)).toEqual({ ...newest, statement: receipts[5], inclusion: null });
  });

  test('shows a grant as what nobody pays', async () => {
    const [, grant] = await transactions('&block=2');
    expect(grant).toMatchObject({
      type: 'grant',
      job_id: null,
      from: null,
      to: receipts[0]?.client,
      amount: 5,
    });
    expect(await get(`/explorer/transactions/${grant?.hash}`)).toMatchObject({
      ...grant,
      statement: granted,
    });
  });

  test('adds up an address from the entries that name it', async () => {
    const all = await transactions();
    for (const address of new Set(all.flatMap(({ from, to }) => (from === null ? [to] : [from, to])))) {
      const named = all.filter(({ from, to }) => from === address || to === address);
      const sum = (side: 'from' | 'to') =>
        named
          .filter(transaction => transaction[side] === address)
          .reduce((sum, { amount }) => sum + microCredits(amount), 0);
      const receipts = named.filter(({ type }) => type === 'receipt');
      const earned = receipts.filter(({ to }) => to === address).map(({ amount }) => microCredits(amount));
      expect(await get<AddressDetail>(`/explorer/addresses/${address}`)).toEqual({
        address,
        balance: (sum('to') - sum('from')) / 1e6,
        jobs: receipts.filter(({ from }) => from === address).length,
        jobs_run: receipts.filter(({ to }) => to === address).length,
        receipts: receipts.length,
        transactions: named.length,
        earned: earned.reduce((sum, amount) => sum + amount, 0) / 1e6,
        ...{ paid: 0, confirmed: 0, disputed: 0 },
      });
      expect(await transactions(`&address=${address}`)).toEqual(named);
    }
  });

  test('has nothing of an address that the ledger does not name', async () => {
    const counts = { jobs: 0, jobs_run: 0, receipts: 0, transactions: 0 };
    const nothing = { balance: 0, earned: 0, paid: 0, confirmed: 0, disputed: 0, ...counts };
    expect(await get(`/explorer/addresses/${NOBODY}`)).toEqual({ address: NOBODY, ...nothing });
  });

  test('finds everything by what names it, and says what it is', async () => {
    const { receipt_id, job_id, client } = receipts[0] as Receipt;
    const [block] = (await blocks()).slice(-2) as [Block];
    const [third, second, first] = (await transactions()).slice(-3) as [
      Transaction,
      Transaction,
      Transaction,
    ];
    const asBlock = { kind: 'block', id: block.hash, path: `/explorer/blocks/${block.hash}` };
    const as = ({ hash }: Transaction) => ({
      ...{ kind: 'transaction', id: hash, path: `/explorer/transactions/${hash}` },
    });
    const [, fourth] = (await transactions('&block=2')) as [Transaction, Transaction];
    const { grant_id } = granted;
    const path = `/v1/receipts/${receipt_id}`;
    const asReceipt = { kind: 'receipt', id: receipt_id, path };
    const expected = {
      1: [asBlock, as(second)],
      [block.hash]: [asBlock],
      [`0x${third.hash.toUpperCase()}`]: [as(third)],
      [receipt_id]: [asReceipt, as(first)],
      [job_id]: [{ kind: 'job', id: job_id, path }, asReceipt, as(first)],
      [grant_id]: [{ kind: 'grant', id: grant_id, path: `/v1/grants/${grant_id}` }, as(fourth)],
      [client]: [{ kind: 'address', id: client, path: `/explorer/addresses/${client}` }],
      ...{ nonsense: [], 7: [], [ZEROS]: [], [NOBODY]: [] },
    };
    for (const [text, results] of Object.entries(expected)) {
      expect([text, await get<SearchResults>(`/explorer/search?q=%20${text}`)]).toEqual([text, { results }]);
      for (const { path } of results) expect((await coordinator.call('GET', path)).status).toBe(200);
    }
  });

  test('does not find a job that nobody but its client knows of', async () => {
    const { job_id } = await actions(coordinator).submit({ model: 'private' });
    expect(await get(`/explorer/search?q=${job_id}`)).toEqual({ results: [] });
  });

  test('tells by hour and by day what was accounted for', async () => {
    const { hourly, daily, block_height } = await get<ExplorerStats>('/explorer/stats');
    const published = receipts
      .slice(0, 4)
      .map(({ completed_at, price }) => ({ at: completed_at * 1000, price }));
    for (const [points, ms, count] of [
      [hourly, HOUR * 1000, 48],
      [daily, 24 * HOUR * 1000, 90],
    ] as const) {
      const now = coordinator.now() - (coordinator.now() % ms);
      const expected = Array.from({ length: count }, (_, index) => {
        const from = now - (count - 1 - index) * ms;
        const then = published.filter(({ at }) => at >= from && at < from + ms);
        const credits = then.reduce((sum, { price }) => sum + microCredits(price), 0) / 1e6;
        return { time: new Date(from).toISOString(), receipts: then.length, credits };
      });
      expect(points).toEqual(expected);
    }
    expect(hourly.reduce((sum, point) => sum + point.receipts, 0)).toBe(1);
    expect(daily.reduce((sum, point) => sum + point.receipts, 0)).toBe(4);
    expect(block_height).toBe(2);
  });

  test.each([
    ['blocks/3', 'BLOCK_NOT_FOUND'],
    [`blocks/${ZEROS}`, 'BLOCK_NOT_FOUND'],
    ['transactions?block=3', 'BLOCK_NOT_FOUND'],
    [`transactions/${ZEROS}`, 'TRANSACTION_NOT_FOUND'],
  ])('has no /explorer/%s', async (path, code) => {
    expect(await refused(`/explorer/${path}`)).toEqual([404, code]);
  });

  test.each([
    ['blocks/-1', 'VALIDATION_INVALID_FORMAT', 'id'],
    ['blocks/latest', 'VALIDATION_INVALID_FORMAT', 'id'],
    ['blocks?cursor=nonsense', 'VALIDATION_INVALID_FORMAT', 'cursor'],
    ['blocks?limit=0', 'VALIDATION_OUT_OF_RANGE', 'limit'],
    ['transactions/-7', 'VALIDATION_INVALID_FORMAT', 'hash'],
    ['transactions?type=gift', 'VALIDATION_INVALID_FORMAT', 'type'],
    ['transactions?cursor=nonsense', 'VALIDATION_INVALID_FORMAT', 'cursor'],
    ['transactions?limit=101', 'VALIDATION_OUT_OF_RANGE', 'limit'],
    ['transactions?block=x', 'VALIDATION_INVALID_FORMAT', 'block'],
    [`addresses/${NOBODY}x`, 'VALIDATION_INVALID_FORMAT', 'address'],
    ['search', 'VALIDATION_MISSING_FIELD', 'q'],
    ['search?q=', 'VALIDATION_OUT_OF_RANGE', 'q'],
  ])('refuses /explorer/%s', async (path, code, field) => {
    expect(await refused(`/explorer/${path}`)).toEqual([400, code, field]);
  });

  test('counts the entries of a ledger that was there before it', async () => {
    const { client } = receipts[0] as Receipt;
    const before = await get(`/explorer/addresses/${client}`);
    const columns = ['jobs', 'jobs_run', 'receipts', 'transactions'];
    const drop = columns.map(column => `ALTER TABLE account DROP COLUMN ${column};`).join('');
    const statement = `${drop} DELETE FROM kysely_migration WHERE name = '008-explorer'`;
    await execute(coordinator.running.config, { sqlite: statement, postgres: statement });
    await coordinator.restart();
    expect(await get(`/explorer/addresses/${client}`)).toEqual(before);

    expect(await violations(coordinator.running.modules.store.read)).toEqual([]);
  });
});
