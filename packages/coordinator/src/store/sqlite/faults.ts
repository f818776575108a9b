import { type StoreFault, StoreUnavailable } from '../unavailable.ts';

/** SQLite's result codes that say something of the database or its disk rather than of the statement. */
const FAULTS: Record<number, StoreFault> = {
  3: 'read-only', // SQLITE_PERM
  5: 'busy', // SQLITE_BUSY
  6: 'busy', // SQLITE_LOCKED
  7: 'failing', // SQLITE_NOMEM
  8: 'read-only', // SQLITE_READONLY
  10: 'failing', // SQLITE_IOERR
  11: 'damaged', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'failing', // SQLITE_CANTOPEN
  15: 'busy', // SQLITE_PROTOCOL
  26: 'damaged', // SQLITE_NOTADB
};

/** Extended result codes that say more than their kind does. */
const EXTENDED: Record<number, StoreFault> = {
  1032: 'failing', // SQLITE_READONLY_DBMOVED: the file was moved or deleted
  4874: 'full', // SQLITE_IOERR_SHMSIZE: the index of the write-ahead log can't grow
  8458: 'damaged', // SQLITE_IOERR_CORRUPTFS
};

/** What kind of fault of the database an error is; undefined for an error of the statement or the program. */
export function faultOf(error: unknown): StoreFault | undefined {
  const { code, errcode } = Object(error) as { code?: string; errcode?: number };
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return undefined;
  return EXTENDED[errcode] ?? FAULTS[errcode & 0xff];
}

/** Faults of the database as StoreUnavailable; any other error as it is. */
export function translate(error: unknown): unknown {
  const fault = faultOf(error);
  return fault === undefined ? error : new StoreUnavailable(error, fault);
}

/** Runs `work`. Throws StoreUnavailable for faults of the database. */
export function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translate(error);
  }
}
