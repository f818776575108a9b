import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WitnessError } from './errors.ts';

const SCHEMA_VERSION = 1;

/** What a witness must never forget. Every change is on the disk when its call returns. */
export interface State {
  /** False when this call has created the state. */
  readonly isOld: boolean;
  /** The witness's verifier key, once it has one. */
  vkey(): string | undefined;
  setVkey(vkey: string): void;
  /** Returns the last checkpoint of a log, with the log's signature and the witness's. */
  checkpoint(origin: string): string | undefined;
  checkpoints(): { origin: string; note: string }[];
  /** Replaces a log's last checkpoint if it is still `before`. Returns whether it has. */
  replaceCheckpoint(origin: string, before: string | undefined, note: string): boolean;
  /** Returns a checkpoint that the witness has signed but not remembered. */
  forgotten(origin: string): string | undefined;
  setForgotten(origin: string, note: string): void;
  /** Returns the keys that are pinned to an address. */
  pinned(url: string): string | undefined;
  /** Pins keys to an address, unless it has some already. */
  pin(url: string, vkeys: string): void;
  close(): void;
}

/**
 * Opens the state in a folder, creating both when missing, and locks out other processes.
 *
 * @throws WitnessError
 */
export function openState(folder: string): State {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'witness.db');
  // SQLite gives its log file the mode of the database file.
  closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file);
  try {
    return stateOf(database, { isOld: prepare(database, file) });
  } catch (error) {
    database.close();
    throw explained(error, folder);
  }
}

/** Creates missing tables. Returns whether they existed. */
function prepare(database: DatabaseSync, file: string): boolean {
  // The operating system holds the lock: the first transaction takes it, and it ends with the process.
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec('BEGIN EXCLUSIVE');
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version === 0) {
    chmodSync(file, 0o600);
    database.exec(`CREATE TABLE identity (vkey TEXT NOT NULL) STRICT;
      CREATE TABLE checkpoint (origin TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT;
      CREATE TABLE forgotten (origin TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT;
      CREATE TABLE pinned (url TEXT PRIMARY KEY, vkeys TEXT NOT NULL) STRICT;
      PRAGMA user_version = ${SCHEMA_VERSION}`);
  }
  database.exec('COMMIT');
  if (version > SCHEMA_VERSION) throw new WitnessError('a newer version of this program has written it');
  return version > 0;
}

function stateOf(database: DatabaseSync, { isOld }: Pick<State, 'isOld'>): State {
  const one = (sql: string) => {
    const statement = database.prepare(sql);
    return (...values: string[]) => Object.values(statement.get(...values) ?? {})[0] as string | undefined;
  };
  const change = (sql: string) => {
    const statement = database.prepare(sql);
    return (...values: string[]) => Number(statement.run(...values).changes) > 0;
  };
  const checkpoints = database.prepare('SELECT origin, note FROM checkpoint ORDER BY origin');
  const first = change('INSERT INTO checkpoint (origin, note) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const next = change('UPDATE checkpoint SET note = ? WHERE origin = ? AND note = ?');
  return {
    isOld,
    vkey: one('SELECT vkey FROM identity'),
    setVkey: change('INSERT INTO identity (vkey) VALUES (?)'),
    checkpoint: one('SELECT note FROM checkpoint WHERE origin = ?'),
    checkpoints: () => checkpoints.all() as unknown as { origin: string; note: string }[],
    replaceCheckpoint: (origin, before, note) =>
      before === undefined ? first(origin, note) : next(note, origin, before),
    forgotten: one('SELECT note FROM forgotten WHERE origin = ?'),
    setForgotten: change('INSERT INTO forgotten (origin, note) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    pinned: one('SELECT vkeys FROM pinned WHERE url = ?'),
    pin: change('INSERT INTO pinned (url, vkeys) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    close: () => database.close(),
  };
}

const BUSY = 5;

function explained(error: unknown, folder: string): unknown {
  const { errcode, message } = error as { errcode?: number; message: string };
  if (errcode === BUSY) return new WitnessError(`Another witness runs on ${folder}: give this one its own`);
  if (errcode !== undefined || error instanceof WitnessError) {
    return new WitnessError(`The state in ${folder} can't be used: ${message}`);
  }
  return error;
}
