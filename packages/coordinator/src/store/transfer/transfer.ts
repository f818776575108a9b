import type { DatabaseEngine } from '../engine.ts';
import { openPostgresSource, openPostgresTarget } from '../postgres/transfer.ts';
import { openSqliteSource, openSqliteTarget } from '../sqlite/transfer.ts';
import type { Source, Target } from './database.ts';
import type { Header } from './format.ts';

export const openSource = (engine: DatabaseEngine): Promise<Source> =>
  engine.name === 'sqlite' ? openSqliteSource(engine.data) : openPostgresSource(engine);

export const openTarget = (engine: DatabaseEngine): Promise<Target> =>
  engine.name === 'sqlite' ? openSqliteTarget(engine.data) : openPostgresTarget(engine);

export interface TransferOptions {
  /** Called with the number of rows since the last call, `by`, and of all rows. */
  onProgress?: (progress: { step: 'export' | 'import' | 'check'; by: number; all: number }) => void;
  signal?: AbortSignal;
}

/** What an export or import has moved. */
export interface Transferred {
  rows: number;
  header: Header;
}

export const rowsOf = ({ tables }: Header) => Object.values(tables).reduce((sum, { rows }) => sum + rows, 0);
