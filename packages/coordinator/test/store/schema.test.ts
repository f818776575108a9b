import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { TABLES } from '../../src/store/schema.ts';
import { databasePath } from '../../src/store/sqlite/connection.ts';
import { type DatabaseOptions, ENGINES } from '../harness/engines.ts';

/*
 * What a migration makes of the schema is seen in the change of a file. Released migrations are never changed: of an
 * existing table, the file may only change with a new one. `npx vitest run packages/coordinator/test/store -u` writes it.
 */

/** Statements that make the schema anew, or the nearest to them that the engine tells. */
const describe: Record<string, (options: DatabaseOptions) => Promise<string[]>> = {
  async sqlite({ data }) {
    const database = new DatabaseSync(databasePath(data), { readOnly: true });
    const rows = database
      .prepare(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'kysely%' ORDER BY tbl_name, type DESC, name",
      )
      .all();
    database.close();
    return rows.map(({ sql }) => String(sql).replace(/([(,]) ?(?="|constraint)/g, '$1\n  '));
  },
  async postgres({ databaseUrl }) {
    const client = new Client(databaseUrl);
    await client.connect();
    const { rows } = await client.query<{ line: string }>(PARTS);
    await client.end();
    return rows.map(({ line }) => line);
  },
};

const PARTS = `SELECT line FROM (
  SELECT c.relname, 1 AS part, a.attnum AS place, format('%s.%s %s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN attcollation NOT IN (0, 100) THEN ' collate ' || (SELECT collname FROM pg_collation WHERE oid = attcollation) END,
      CASE WHEN a.attnotnull THEN ' not null' END,
      ' default ' || pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT conrelid::regclass::text, 2, 0, format('%s constraint %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
  UNION ALL SELECT tablename, 3, 0, indexdef FROM pg_indexes WHERE schemaname = 'public'
    AND indexname NOT IN (SELECT conname FROM pg_constraint)
) AS parts WHERE relname NOT LIKE 'kysely%' ORDER BY relname COLLATE "C", part, place, line COLLATE "C"`;

test.each(ENGINES)('the schema on $name is what the file says', async engine => {
  const { options, remove } = await engine.prepare();
  const lines = (await describe[engine.name]?.(options)) ?? [];
  await remove();
  expect(lines.length).toBeGreaterThan(30);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`schema/${engine.name}.txt`);
});

test('the coordinator describes the columns as the database has them', async () => {
  const lines = (await readFile(new URL('schema/postgres.txt', import.meta.url), 'utf8')).split('\n');
  const found = lines.flatMap(line => line.match(/^(\w+\.\w+ (text|bigint|double precision))\b/)?.[1] ?? []);
  const described = Object.entries(TABLES).flatMap(([table, { columns }]) =>
    Object.entries(columns).map(([column, { type }]) => `${table}.${column} ${type}`),
  );
  // The rate limiter makes statements of its own for its table.
  const ours = found.filter(column => !column.startsWith('rate_limit.'));
  expect(described.sort()).toEqual(ours.sort());
});
