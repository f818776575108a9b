import { type StoreFault, StoreUnavailable } from '../unavailable.ts';

/** SQLite's result codes (sqlite.org/rescode.html) for faults of the database or its disk rather than of a statement. */
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

/** Extended result codes whose fault differs from that of their primary code. */
const EXTENDED: Record<number, StoreFault> = {
  1032: 'failing', // SQLITE_READONLY_DBMOVED: the file was moved or deleted
  4874: 'full', // SQLITE_IOERR_SHMSIZE: the index of the write-ahead log can't grow
  8458: 'damaged', // SQLITE_IOERR_CORRUPTFS
};

/** The database's fault behind an error, or undefined for an error of the statement or the program. */
export function sqliteFaultOf(error: unknown): StoreFault | undefined {
  const { code, errcode } = Object(error) as { code?: string; errcode?: number };
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return undefined;
  return EXTENDED[errcode] ?? FAULTS[errcode & 0xff];
}

/** Turns an error from a fault of the database into StoreUnavailable, and returns any other error unchanged. */
export function translateSqliteError(error: unknown): unknown {
  const fault = sqliteFaultOf(error);
  return fault === undefined ? error : new StoreUnavailable(error, fault);
}

/** Runs `work`. Throws StoreUnavailable where the database fails. */
export function withTranslatedError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translateSqliteError(error);
  }
}
