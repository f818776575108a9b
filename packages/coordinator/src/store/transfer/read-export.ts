import { SCHEMA_VERSION } from '../migrations/migrate.ts';
import { TABLE_NAMES, type Table } from '../schema.ts';
import type { Value } from '../transaction.ts';
import {
  createTallies,
  differingTable,
  FORMAT,
  FORMAT_VERSION,
  type Footer,
  type Header,
  TransferError,
} from './format.ts';

export interface Export {
  header: Header;
  /** Yields all rows, each chunk with rows of one table. Rejects with TransferError, at the end where lines are missing. */
  chunks(): AsyncGenerator<RowChunk>;
  /** The counts and hashes of the last line, which match the rows. Throws before the last chunk was read. */
  totals(): Footer['totals'];
}

interface RowChunk {
  table: Table;
  rows: Record<string, Value>[];
}

const ROWS_AT_ONCE = 500;
const BYTES_AT_ONCE = 1024 * 1024;

/** Reads an export from its lines, and checks each against the format. Rejects with TransferError. */
export async function readExport(lines: AsyncIterator<Buffer>): Promise<Export> {
  const first = await lines.next();
  if (first.done) throw new TransferError('The file is empty');
  const header = headerFrom(first.value);
  const tallies = createTallies();
  let footer: Footer | undefined;

  async function* rows(): AsyncGenerator<FileRow> {
    for (let number = 2; ; number++) {
      const { value: line, done } = await lines.next();
      if (done) throw new TransferError('The file is not whole: its last line is missing');
      const entry = parse(line, number);
      if (Object.hasOwn(entry, 'totals')) {
        footer = wholeFooter(entry as Footer, tallies.totals());
        break;
      }
      const { table, values } = rowFrom(entry, header, number);
      tallies.add(table, line, 1);
      yield { table, values, bytes: line.length };
    }
    if (!(await lines.next()).done) throw new TransferError('Something follows the last line of the file');
  }

  return {
    header,
    chunks: () => inChunks(rows()),
    totals() {
      if (!footer) throw new Error('The file is not read to its end');
      return footer.totals;
    },
  };
}

interface FileRow {
  table: Table;
  values: Record<string, Value>;
  bytes: number;
}

async function* inChunks(rows: AsyncIterable<FileRow>): AsyncGenerator<RowChunk> {
  let chunk: RowChunk | undefined;
  let size = 0;
  for await (const { table, values, bytes } of rows) {
    if (chunk && (chunk.table !== table || chunk.rows.length === ROWS_AT_ONCE || size > BYTES_AT_ONCE)) {
      yield chunk;
      chunk = undefined;
    }
    if (!chunk) {
      chunk = { table, rows: [] };
      size = 0;
    }
    chunk.rows.push(values);
    size += bytes;
  }
  if (chunk) yield chunk;
}

function headerFrom(line: Buffer): Header {
  const header = parse(line, 1) as Header;
  if (header.format !== FORMAT) throw new TransferError('The file is not an export of a coordinator');
  if (header.version !== FORMAT_VERSION) {
    throw new TransferError(
      `The file is of format ${header.version}, and this program knows ${FORMAT_VERSION}: use the version that wrote it`,
    );
  }
  if (header.schema !== SCHEMA_VERSION) {
    throw new TransferError(
      `The file has the schema ${header.schema}, and this program ${SCHEMA_VERSION}: import it with the version that wrote it, then upgrade`,
    );
  }
  const missing = TABLE_NAMES.find(table => !Array.isArray(header.tables?.[table]?.columns));
  if (missing) throw new TransferError(`The first line of the file lacks the columns of ${missing}`);
  return header;
}

function rowFrom(entry: object, { tables }: Header, number: number) {
  const [[name, values] = ['', null], ...others] = Object.entries(entry);
  const table = TABLE_NAMES.find(table => table === name);
  const columns = table && tables[table].columns;
  const isRow = Array.isArray(values) && values.length === columns?.length && values.every(isValue);
  if (!table || !columns || !isRow || others.length > 0)
    throw new TransferError(`Line ${number} of the file is not a row of a table that its first line has`);
  return {
    table,
    values: Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null])),
  };
}

const isValue = (value: unknown) => value === null || typeof value === 'string' || typeof value === 'number';

function wholeFooter(footer: Footer, found: Footer['totals']): Footer {
  const table = differingTable(Object(footer.totals), found);
  if (!table) return footer;
  throw new TransferError(
    `The file is not whole: its ${found[table].rows} rows of ${table} differ from those that its last line states`,
  );
}

function parse(line: Buffer, number: number): object {
  try {
    return Object(JSON.parse(line.toString()));
  } catch {
    throw new TransferError(`Line ${number} of the file is not JSON`);
  }
}
