import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { asConfigError, type EngineConfig, engineOf } from '../engine.ts';
import { type NewRow, TABLE_NAMES, type Table } from '../schema.ts';
import type { Value } from '../transaction.ts';
import type { Target } from './database.ts';
import { createTallies, differingTable, type Header, rowLine, TransferError } from './format.ts';
import { splitLines } from './lines.ts';
import { type Export, readExport } from './read-export.ts';
import { openTarget, rowsOf, type TransferOptions, type Transferred } from './transfer.ts';

/**
 * Fills an empty store with an export, in one transaction. It is committed only if every table has the count and the
 * hash that the file states. The memory that it needs does not grow with the data.
 *
 * @throws {TransferError} where the file is incomplete or has another schema, or the store is not empty
 * @throws {ConfigError} where the store can't be opened
 */
export async function importStore(
  config: EngineConfig,
  from: Iterable<Uint8Array> | AsyncIterable<Uint8Array | string>,
  { onProgress = () => {}, signal }: TransferOptions = {},
): Promise<Transferred> {
  const engine = engineOf(config);
  let transferred: Transferred | undefined;
  const take = async (bytes: AsyncIterable<Uint8Array>) => {
    const file = await readExport(splitLines(bytes));
    const target = await asConfigError(engine, openTarget(engine));
    try {
      await fill(target, file, onProgress);
    } finally {
      await target.close();
    }
    transferred = { rows: rowsOf(file.header), header: file.header };
  };
  await pipeline(Readable.from(from), createGunzip(), take, signal ? { signal } : {}).catch(rejectPlainly);
  if (!transferred) throw new TransferError('The file is empty');
  return transferred;
}

function rejectPlainly(error: NodeJS.ErrnoException): never {
  if (!error.code?.startsWith('Z_')) throw error;
  throw new TransferError(`The file is not an export, or not whole: ${error.message}`);
}

type Report = NonNullable<TransferOptions['onProgress']>;

async function fill(target: Target, file: Export, report: Report): Promise<void> {
  await requireEmpty(target);
  await requireColumns(target, file.header);
  const all = rowsOf(file.header);
  for await (const { table, rows } of file.chunks()) {
    await target.tx.insert(table, rows as unknown as NewRow<Table>[]);
    await target.flushWrites();
    report({ step: 'import', by: rows.length, all });
  }
  await check(target, file, report);
  await target.commit();
}

/** Throws where the store has rows other than the zero counters that migrations insert, and deletes those. */
async function requireEmpty(target: Target): Promise<void> {
  const counters: Value[] = [];
  for (const table of TABLE_NAMES) {
    const columns = table === 'counter' ? ['name', 'value'] : await target.columns(table);
    for await (const rows of target.read(table, columns)) {
      if (table !== 'counter' || rows.some(([, value]) => value !== 0)) {
        throw new TransferError(
          `The store is not empty, there are rows in ${table}: import into a new data folder or an empty database`,
        );
      }
      counters.push(...rows.flatMap(([name]) => name ?? []));
    }
  }
  await target.tx.delete('counter', counters);
  await target.flushWrites();
}

async function requireColumns(target: Target, { tables }: Header): Promise<void> {
  for (const table of TABLE_NAMES) {
    const wanted = (await target.columns(table)).toSorted().join(', ');
    const found = tables[table].columns.toSorted().join(', ');
    if (found !== wanted)
      throw new TransferError(`The file has the columns ${found} of ${table}, and this program ${wanted}`);
  }
}

/** Throws where a table's rows in the store differ from the file's count or hash. */
async function check(target: Target, { header, totals }: Export, report: Report): Promise<void> {
  const tallies = createTallies();
  const all = rowsOf(header);
  for (const table of TABLE_NAMES) {
    for await (const rows of target.read(table, header.tables[table].columns)) {
      tallies.add(table, rows.map(row => rowLine(table, row)).join(''), rows.length);
      report({ step: 'check', by: rows.length, all });
    }
  }
  const table = differingTable(tallies.totals(), totals());
  if (table) throw new TransferError(`The rows of ${table} in the store are not those of the file`);
}
