import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import type { CoordinatorData } from './server.ts';

/*
 * Puts finished jobs with their texts into the database of a coordinator that is not running: copies of a job that it has
 * completed, in the shape of its own rows. They have no receipts, as entries of the ledger cannot be copied.
 */

const TABLES = ['job', 'job_input', 'job_output'] as const;

/** Rows that one statement inserts. */
const PORTION = 100_000;

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

interface Database {
  query: Query;
  /** Returns an expression for the text of the column `n`, padded with zeros, as an id's part must be. */
  padded(digits: number): string;
  close(): Promise<void>;
}

export async function addFinishedJobs(
  data: CoordinatorData,
  jobs: number,
  onProgress: (done: number) => void,
): Promise<void> {
  const database = await open(data);
  try {
    const [template] = await database.query("SELECT * FROM job WHERE status = 'completed' LIMIT 1");
    if (!template) throw new Error('There is no completed job to copy');
    for (let from = 0; from < jobs; from += PORTION) {
      for (const table of TABLES)
        await copy(database, { table, id: `${template.id}`, from, to: Math.min(jobs, from + PORTION) });
      onProgress(from);
    }
    await database.query(`UPDATE counter SET value = value + ${jobs} WHERE name = 'jobs.completed'`);
  } finally {
    await database.close();
  }
}

async function copy(
  { query, padded }: Database,
  { table, id, from, to }: { table: string; id: string; from: number; to: number },
): Promise<void> {
  const key = table === 'job' ? 'id' : 'job_id';
  const [row] = await query(`SELECT * FROM ${table} WHERE ${key} = '${id}'`);
  const columns = Object.keys(row ?? {});
  // Ids of jobs sort by time. These are older than all others.
  const values = columns.map(column => {
    if (column === key) return `'job-' || ${padded(26)}`;
    return column === 'receipt_id' ? 'NULL' : column;
  });
  await query(`WITH RECURSIVE numbers (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${to})
    INSERT INTO ${table} (${columns.join(', ')})
    SELECT ${values.join(', ')} FROM numbers, ${table} WHERE ${key} = '${id}'`);
}

async function open({ folder, database }: CoordinatorData): Promise<Database> {
  if (!database) return openSqlite(`${folder}/coordinator.db`);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return {
    query: async sql => (await client.query(sql)).rows,
    padded: digits => `lpad(n::text, ${digits}, '0')`,
    close: () => client.end(),
  };
}

function openSqlite(path: string): Database {
  const file = new DatabaseSync(path);
  return {
    query: async sql => file.prepare(sql).all(),
    padded: digits => `printf('%0${digits}d', n)`,
    close: async () => file.close(),
  };
}
