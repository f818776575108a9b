import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { asConfigError, type EngineConfig, engineOf } from '../engine.ts';
import { SCHEMA_VERSION } from '../migrations/migrate.ts';
import { COORDINATOR_ID, TABLE_NAMES } from '../schema.ts';
import type { Source } from './database.ts';
import { createTallies, FORMAT, FORMAT_VERSION, type Header, lineOf, rowLine } from './format.ts';
import { openSource, rowsOf, type TransferOptions, type Transferred } from './transfer.ts';

/**
 * Writes all data of a store in its present state to `to`, in the format of format.ts, and ends the stream. A coordinator
 * may run on the store meanwhile. The memory that it needs does not grow with the data.
 *
 * @throws {ConfigError} where the store can't be read
 */
export async function exportStore(
  config: EngineConfig & { coordinatorId?: string },
  to: Writable,
  { onProgress = () => {}, signal }: TransferOptions = {},
): Promise<Transferred> {
  const engine = engineOf(config);
  const source = await asConfigError(engine, openSource(engine));
  try {
    const header: Header = {
      format: FORMAT,
      version: FORMAT_VERSION,
      schema: SCHEMA_VERSION,
      engine: engine.name,
      exported_at: new Date().toISOString(),
      coordinator_id: config.coordinatorId ?? (await coordinatorIdIn(source)),
      tables: await tablesIn(source),
    };
    const rows = rowsOf(header);
    const lines = linesOf(source, header, by => onProgress({ step: 'export', by, all: rows }));
    await pipeline(lines, createGzip(), to, signal ? { signal } : {});
    return { rows, header };
  } finally {
    await source.close();
  }
}

async function coordinatorIdIn(source: Source): Promise<string | null> {
  for await (const settings of source.read('setting', ['name', 'value'])) {
    const found = settings.find(([name]) => name === COORDINATOR_ID);
    if (found) return String(found[1]);
  }
  return null;
}

async function tablesIn(source: Source): Promise<Header['tables']> {
  const tables: Partial<Header['tables']> = {};
  for (const table of TABLE_NAMES)
    tables[table] = { columns: await source.columns(table), rows: await source.count(table) };
  return tables as Header['tables'];
}

async function* linesOf(source: Source, header: Header, report: (rows: number) => void) {
  yield lineOf(header);
  const tallies = createTallies();
  for (const table of TABLE_NAMES) {
    for await (const rows of source.read(table, header.tables[table].columns)) {
      const lines = rows.map(row => rowLine(table, row)).join('');
      tallies.add(table, lines, rows.length);
      yield lines;
      report(rows.length);
    }
  }
  yield lineOf({ totals: tallies.totals() });
}
