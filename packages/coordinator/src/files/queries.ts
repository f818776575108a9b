import type { Kysely } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';
import { type FileRow, partId } from './upload.ts';

type Db = Kysely<DatabaseSchema>;

const PURPOSES = ['batch', 'batch_output'] as const satisfies FileRow['purpose'][];

export async function findFile(db: Db, id: string): Promise<FileRow | undefined> {
  return await db
    .selectFrom('file')
    .selectAll()
    .where('id', '=', id)
    .where('status', '=', 'whole')
    .executeTakeFirst();
}

export async function findPart(db: Db, fileId: string, index: number): Promise<string | undefined> {
  const part = await db
    .selectFrom('file_part')
    .select('text')
    .where('id', '=', partId(fileId, index))
    .executeTakeFirst();
  return part?.text;
}

export interface FileFilter {
  accountId: number;
  purpose: Row<'file'>['purpose'] | undefined;
  /** Only files that come after this one, in the given order. */
  after: string | undefined;
  order: 'asc' | 'desc';
  limit: number;
}

/**
 * Lists files by id, which is also the order of creation. The index includes the purpose, so a list of all purposes
 * merges one page of each.
 */
export async function listFiles(db: Db, filter: FileFilter): Promise<FileRow[]> {
  const { order, limit, purpose } = filter;
  const [first, ...others] = (purpose ? [purpose] : PURPOSES).map(each => pageOfPurpose(db, filter, each));
  if (!first) return [];
  const pages = others.reduce((query, page) => query.unionAll(page), first);
  return await db.selectFrom(pages.as('file')).selectAll().orderBy('id', order).limit(limit).execute();
}

function pageOfPurpose(db: Db, { accountId, after, order, limit }: FileFilter, purpose: FileRow['purpose']) {
  let query = db
    .selectFrom('file')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('status', '=', 'whole')
    .where('purpose', '=', purpose);
  if (after !== undefined) query = query.where('id', order === 'asc' ? '>' : '<', after);
  // SQLite accepts ORDER BY and LIMIT within a union only in a subquery.
  return db.selectFrom(query.orderBy('id', order).limit(limit).as('page')).selectAll();
}
