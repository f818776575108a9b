import { done, type Operation, refused, type WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Transaction } from '../store/transaction.ts';

export type FileRow = Row<'file'>;

/** An upload of which nothing has come for so long is given up, in ms. */
const UPLOAD_PAUSE_MS = 15 * 60_000;

/** The id of a part, so that they sort. */
export const partId = (fileId: string, index: number) => `${fileId}/${String(index).padStart(8, '0')}`;

export const fileNotFound = refused('FILE_NOT_FOUND', 'File not found');

export interface PartInput {
  fileId: string;
  accountId: number;
  /** Counted from 0; the first one begins the file. */
  index: number;
  text: string;
}

/** Takes a further part of a file that nobody sees yet. */
export const addPart: Operation<PartInput, undefined> = {
  name: 'files.add-part',
  order: 40,
  async apply(inputs, { tx, now }) {
    const begun = inputs.filter(({ index }) => index === 0);
    await tx.insert(
      'file',
      begun.map(({ fileId, accountId }) =>
        newFile({ id: fileId, accountId, purpose: 'batch', filename: '' }, now),
      ),
    );
    const files = await loadFiles(
      inputs.map(input => input.fileId),
      tx,
    );
    const taken = inputs.filter(({ fileId, index }) => {
      const file = files.get(fileId);
      return file?.status === 'partial' && file.parts === index;
    });
    await insertParts(taken, tx);
    await tx.update(
      'file',
      'id',
      ['parts', 'expires_at'],
      taken.map(({ fileId, index }) => ({
        id: fileId,
        parts: index + 1,
        expires_at: now + UPLOAD_PAUSE_MS,
      })),
    );
    return inputs.map(input => (taken.includes(input) ? done(undefined) : fileNotFound));
  },
};

export interface WholeInput extends Pick<FileRow, 'filename' | 'bytes'> {
  fileId: string;
  keepMs: number;
}

/** Shows a file of which all has come. */
export const wholeFile: Operation<WholeInput, FileRow> = {
  name: 'files.whole',
  order: 41,
  async apply(inputs, { tx, now }) {
    const files = await loadFiles(
      inputs.map(input => input.fileId),
      tx,
    );
    const outcomes = inputs.map(({ fileId, keepMs, filename, bytes }) => {
      const file = files.get(fileId);
      if (file?.status !== 'partial') return fileNotFound;
      const expires_at = file.created_at + Math.max(keepMs, now - file.created_at);
      return done<FileRow>({ ...file, filename, bytes, expires_at, status: 'whole' });
    });
    await saveFiles(
      outcomes.flatMap(outcome => (outcome.ok ? outcome.value : [])),
      tx,
    );
    return outcomes;
  },
};

export interface RemoveInput {
  fileId: string;
  /** Null for an administrator. */
  accountId: number | null;
}

/** Nobody sees the file any more; its parts go when no batch needs them. */
export const removeFile: Operation<RemoveInput, undefined> = {
  name: 'files.remove',
  order: 42,
  async apply(inputs, { tx, now }) {
    const files = await loadFiles(
      inputs.map(input => input.fileId),
      tx,
    );
    const outcomes = inputs.map(({ fileId, accountId }) => {
      const file = files.get(fileId);
      if (!file || file.status === 'deleted' || (accountId !== null && file.account_id !== accountId))
        return fileNotFound;
      files.set(fileId, { ...file, status: 'deleted', expires_at: now });
      return done(undefined);
    });
    await saveFiles(
      [...files.values()].filter(file => file.status === 'deleted'),
      tx,
    );
    return outcomes;
  },
};

export async function loadFiles(
  ids: readonly string[],
  tx: WriteContext['tx'],
): Promise<Map<string, FileRow>> {
  const files = await tx.load('file', 'id', [...new Set(ids)]);
  return new Map(files.map(file => [file.id, file]));
}

/** Batches that begin to need files, or need them no longer. */
export async function holdFiles(
  changes: readonly (readonly [fileId: string, by: 1 | -1])[],
  tx: Transaction,
): Promise<void> {
  for (const [id, uses] of changes) await tx.add('file', 'id', [{ id, uses }]);
}

/** A file that a batch writes, from its first part on. */
export interface FileStart extends Pick<FileRow, 'id' | 'purpose' | 'filename'> {
  accountId: number;
}

/** Writes a part behind those that are there. Nobody sees the file, and nobody clears it away, until it is finished. */
export async function appendPart(
  start: FileStart,
  text: string,
  tx: Transaction,
  now: number,
): Promise<void> {
  const [found] = await tx.load('file', 'id', [start.id]);
  const file = found ?? { ...newFile(start, now), uses: 1 };
  if (!found) await tx.insert('file', [file]);
  await insertParts([{ fileId: file.id, index: file.parts, text }], tx);
  const bytes = file.bytes + Buffer.byteLength(text);
  await tx.update('file', 'id', ['parts', 'bytes'], [{ id: file.id, parts: file.parts + 1, bytes }]);
}

/** Shows a file that was written to its end. */
export async function finishFile(id: string, keepMs: number, tx: Transaction, now: number): Promise<void> {
  const file = { id, status: 'whole' as const, uses: 0, created_at: now, expires_at: now + keepMs };
  await tx.update('file', 'id', ['status', 'uses', 'created_at', 'expires_at'], [file]);
}

function newFile({ id, accountId, purpose, filename }: FileStart, now: number): FileRow {
  return {
    ...{ id, purpose, filename },
    account_id: accountId,
    status: 'partial',
    bytes: 0,
    parts: 0,
    uses: 0,
    created_at: now,
    expires_at: now + UPLOAD_PAUSE_MS,
  };
}

async function insertParts(
  parts: readonly Pick<PartInput, 'fileId' | 'index' | 'text'>[],
  tx: Transaction,
): Promise<void> {
  await tx.insert(
    'file_part',
    parts.map(({ fileId, index, text }) => ({ id: partId(fileId, index), text })),
  );
}

async function saveFiles(files: readonly FileRow[], tx: Transaction): Promise<void> {
  await tx.update('file', 'id', ['status', 'filename', 'bytes', 'expires_at'], files);
}
