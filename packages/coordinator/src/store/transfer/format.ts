import { createHash } from 'node:crypto';
import type { DatabaseEngine } from '../engine.ts';
import { TABLE_NAMES, type Table } from '../schema.ts';
import type { Value } from '../transaction.ts';

/*
 * The format of an export: JSON lines, compressed by gzip.
 *
 *   {"format":"aitbc-store","version":1,"schema":"001-initial",…,"tables":{"account":{"columns":["id",…],"rows":1},…}}
 *   {"account":[1,"ait1…",null,1769266800000]}
 *   …
 *   {"totals":{"account":{"rows":1,"sha256":"…"},…}}
 *
 * The first line describes the tables. Then comes a line for each row, with its values in the order of its table's
 * columns: table by table, rows sorted by primary key. The last line has each table's number of rows, and the SHA-256 of
 * its lines, each with its line feed. Texts are as clients sent them, however the engine encodes them.
 */

export const FORMAT = 'aitbc-store';
export const FORMAT_VERSION = 1;

export interface Header {
  format: typeof FORMAT;
  version: typeof FORMAT_VERSION;
  /** Name of the last migration. */
  schema: string;
  /** The engine that the data comes from. */
  engine: DatabaseEngine['name'];
  /** ISO 8601. */
  exported_at: string;
  /** The name in receipts, or null where no coordinator has started yet. */
  coordinator_id: string | null;
  tables: Record<Table, { columns: readonly string[]; rows: number }>;
}

export interface Footer {
  /** SHA-256 in hex. */
  totals: Record<Table, { rows: number; sha256: string }>;
}

export const lineOf = (value: Header | Footer) => `${JSON.stringify(value)}\n`;

export const rowLine = (table: Table, values: readonly Value[]) => `${JSON.stringify({ [table]: values })}\n`;

/** Counts and hashes the lines of each table. */
export function createTallies() {
  const tallies = new Map(TABLE_NAMES.map(table => [table, { rows: 0, hash: createHash('sha256') }]));
  return {
    /** Adds the lines of this many rows, each with its line feed. */
    add(table: Table, lines: string | Uint8Array, rows: number): void {
      const tally = tallies.get(table);
      tally?.hash.update(lines);
      if (tally) tally.rows += rows;
    },
    /** Must be called once, at the end. */
    totals(): Footer['totals'] {
      const totals = [...tallies].map(([table, { rows, hash }]) => [
        table,
        { rows, sha256: hash.digest('hex') },
      ]);
      return Object.fromEntries(totals);
    },
  };
}

/** The first table whose count or hash differs. */
export function differingTable(a: Footer['totals'], b: Footer['totals']): Table | undefined {
  return TABLE_NAMES.find(
    table => a[table]?.rows !== b[table]?.rows || a[table]?.sha256 !== b[table]?.sha256,
  );
}

/** A file that can't be imported, or a store that can't take it. The message is a full explanation for the operator. */
export class TransferError extends Error {
  override name = 'TransferError';
}
