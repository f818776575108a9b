import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { openStore, readConfig } from '../../src/index.ts';
import { createLedger, type PublicLedger } from '../../src/ledger/ledger.ts';
import { loadSigner, signingKeyPath } from '../../src/receipts/signing-key.ts';
import type { Store } from '../../src/store/store.ts';
import { type Database, describeEachEngine } from '../harness/engines.ts';
import { falseCheckpoints, publishedNotes } from '../harness/ledger.ts';
import { violations } from '../invariants/violations.ts';

const PROGRAM = inject('programs').ledgerSteps;

/** Enough for two levels of tiles, so that a half of a step would be seen. */
const COUNT = 300;

/** Moments between any two steps of an entry's way, with what is there afterwards. */
const MOMENTS = [
  ['before test.append-numbered', { entries: 0, size: 0, published: 0, signed: 0 }],
  ['after test.append-numbered', { entries: COUNT, size: 0, published: 0, signed: 0 }],
  ['before ledger.integrate', { entries: COUNT, size: 0, published: 0, signed: 0 }],
  ['after ledger.integrate', { entries: COUNT, size: COUNT, published: 0, signed: 0 }],
  ['before ledger.publish', { entries: COUNT, size: COUNT, published: 0, signed: COUNT }],
  ['after ledger.publish', { entries: COUNT, size: COUNT, published: COUNT, signed: COUNT }],
] as const;

const APART = /before (test|ledger\.integrate)/;

describeEachEngine('a ledger whose process is killed', engine => {
  let database: Database;
  beforeEach(async () => {
    database = await engine.prepare();
    loadSigner(signingKeyPath(readConfig({ given: database.options })));
    await open(ledger => ledger.publish(0));
  });
  afterEach(() => database.remove());

  /** Its exit code; null when it was killed. */
  async function run(from: number, count: number, kill = ''): Promise<number | null> {
    const { data, databaseUrl } = database.options;
    const url = databaseUrl === undefined ? [] : ['--database-url', databaseUrl];
    const argv = [
      PROGRAM,
      '--data',
      data,
      ...url,
      '--from',
      `${from}`,
      '--count',
      `${count}`,
      '--kill',
      kill,
    ];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = await once(child, 'exit');
    return code;
  }

  async function open<T>(use: (ledger: PublicLedger, store: Store) => Promise<T>): Promise<T> {
    const config = readConfig({ given: database.options });
    const store = await openStore(config, Date.now);
    try {
      return await use(await createLedger({ config, store, coordinatorId: 'steps', now: Date.now }), store);
    } finally {
      await store.close();
    }
  }

  async function state({ latest }: PublicLedger, { read }: Store) {
    const tree = await read.selectFrom('tree').select(['entries', 'size']).executeTakeFirst();
    const file = await readFile(join(database.options.data, 'ledger-checkpoint'), 'utf8');
    const published = (await latest())?.size;
    return { ...(tree ?? { entries: 0, size: 0 }), published, signed: Number(file.split('\n')[1]) };
  }

  // Of two moments with nothing between them, one does for PostgreSQL.
  const moments = engine.name === 'sqlite' ? MOMENTS : MOMENTS.filter(([kill]) => !APART.test(kill));
  test.each(moments)('%s has what was done by then, and goes on', async (kill, expected) => {
    expect(await run(0, COUNT, kill)).toBe(null);
    expect(await open(state)).toEqual(expected);
    expect(await run(expected.entries, COUNT)).toBe(0);
    await open(async ({ vkey }, { read }) => {
      const notes = await publishedNotes(read);
      expect(notes.map(note => Number(note.split('\n')[1])).at(-1)).toBe(expected.entries + COUNT);
      expect(await falseCheckpoints(read, vkey, notes)).toEqual([]);
      expect(await violations(read)).toEqual([]);
    });
  });
});
