import { storageFault } from '../limits/quotas.ts';
import { done, failed, type Operation, type WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { WriteTransaction } from '../store/transaction.ts';

export type FileRow = Row<'file'>;

/** The time after its last part when an unfinished upload counts as abandoned. */
const ABANDONED_AFTER_MS = 15 * 60_000;

/** Returns the id of a part. The number is padded so that the ids sort in the order of the parts. */
export const partId = (fileId: string, index: number) => `${fileId}/${String(index).padStart(8, '0')}`;

const fileNotFound = failed('FILE_NOT_FOUND', 'File not found');

export interface PartInput {
  fileId: string;
  accountId: number;
  /** The number of the part, from 0. Part 0 creates the file. */
  index: number;
  text: string;
  /** The account's storage quota in MiB, or null if it is unlimited. */
  diskMib: number | null;
}

/** Adds a part to a file that is not visible yet. Fails if the account has no storage left. */
export const addPart: Operation<PartInput, undefined> = {
  name: 'files.add-part',
  async apply(inputs, { tx, now }) {
    const ids = inputs.map(input => input.fileId);
    const files = await loadFiles(ids, tx);
    const accounts = await loadLimitedAccounts(inputs, tx);
    const created: FileRow[] = [];
    const added: PartInput[] = [];
    const outcomes = inputs.map(input => {
      const { fileId, accountId, index, text, diskMib } = input;
      const found = files.get(fileId);
      const isNew = index === 0 && !found;
      const file = isNew ? newFile({ id: fileId, accountId, purpose: 'batch', filename: '' }, now) : found;
      if (file?.status !== 'partial' || file.parts !== index) return fileNotFound;
      const bytes = Buffer.byteLength(text);
      const account = accounts.get(accountId);
      const fault = account && storageFault(account, diskMib, bytes);
      if (fault) return fault;
      if (account) account.file_bytes += bytes;
      if (isNew) created.push(file);
      added.push(input);
      const grown = {
        ...file,
        parts: index + 1,
        bytes: file.bytes + bytes,
        expires_at: now + ABANDONED_AFTER_MS,
      };
      files.set(fileId, grown);
      return done(undefined);
    });
    await tx.insert('file', created);
    await insertParts(added, tx);
    const grown = [...new Set(added.map(({ fileId }) => fileId))].flatMap(id => files.get(id) ?? []);
    await tx.update(
      'file',
      grown.map(({ id, parts, bytes, expires_at }) => ({ id, parts, bytes, expires_at })),
    );
    await countBytes(
      added.map(({ accountId, text }) => ({ account_id: accountId, bytes: Buffer.byteLength(text) })),
      tx,
    );
    return outcomes;
  },
};

export interface CompleteUploadInput extends Pick<FileRow, 'filename'> {
  fileId: string;
  keepMs: number;
}

/** Makes a completely uploaded file visible. */
export const completeUpload: Operation<CompleteUploadInput, FileRow> = {
  name: 'files.whole',
  async apply(inputs, { tx, now }) {
    const files = await loadFiles(
      inputs.map(input => input.fileId),
      tx,
    );
    const outcomes = inputs.map(({ fileId, keepMs, filename }) => {
      const file = files.get(fileId);
      if (file?.status !== 'partial') return fileNotFound;
      const expires_at = file.created_at + Math.max(keepMs, now - file.created_at);
      return done<FileRow>({ ...file, filename, expires_at, status: 'whole' });
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

/** Hides a file from everybody. Its parts are erased when no batch uses the file any more. */
export const removeFile: Operation<RemoveInput, undefined> = {
  name: 'files.remove',
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

/** Counts how many batches use each file: +1 when a batch begins to use a file, -1 when it ends. */
export async function holdFiles(
  changes: readonly (readonly [fileId: string, by: 1 | -1])[],
  tx: WriteTransaction,
): Promise<void> {
  for (const [id, uses] of changes) await tx.add('file', [{ id, uses }]);
}

/** What a file is created with when a batch writes its first part. */
export interface FileStart extends Pick<FileRow, 'id' | 'purpose' | 'filename'> {
  accountId: number;
}

/** Appends a part to a file that a batch writes. The file is invisible, and safe from erasure, until it is finished. */
export async function appendPart(
  start: FileStart,
  text: string,
  tx: WriteTransaction,
  now: number,
): Promise<void> {
  const [found] = await tx.load('file', 'id', [start.id]);
  const file = found ?? { ...newFile(start, now), uses: 1 };
  if (!found) await tx.insert('file', [file]);
  await insertParts([{ fileId: file.id, index: file.parts, text }], tx);
  const added = Buffer.byteLength(text);
  const grown = { id: file.id, parts: file.parts + 1, bytes: file.bytes + added };
  await tx.update('file', [grown]);
  await countBytes([{ account_id: file.account_id, bytes: added }], tx);
}

/** Adds to the storage that accounts use. Negative numbers of bytes free storage. */
export async function countBytes(
  changes: readonly Pick<FileRow, 'account_id' | 'bytes'>[],
  tx: WriteTransaction,
): Promise<void> {
  await tx.add(
    'account',
    changes.map(({ account_id, bytes }) => ({ id: account_id, file_bytes: bytes })),
  );
}

/** Loads only the accounts with a storage quota, so that the others cost no query. */
async function loadLimitedAccounts(
  inputs: readonly PartInput[],
  tx: WriteTransaction,
): Promise<Map<number, Row<'account'>>> {
  const ids = new Set(inputs.flatMap(({ accountId, diskMib }) => (diskMib === null ? [] : [accountId])));
  const accounts = await tx.load('account', 'id', [...ids]);
  return new Map(accounts.map(account => [account.id, account]));
}

/** Makes a file that a batch has written visible. */
export async function finishFile(
  id: string,
  keepMs: number,
  tx: WriteTransaction,
  now: number,
): Promise<void> {
  const file = { id, status: 'whole' as const, uses: 0, created_at: now, expires_at: now + keepMs };
  await tx.update('file', [file]);
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
    expires_at: now + ABANDONED_AFTER_MS,
  };
}

async function insertParts(
  parts: readonly Pick<PartInput, 'fileId' | 'index' | 'text'>[],
  tx: WriteTransaction,
): Promise<void> {
  await tx.insert(
    'file_part',
    parts.map(({ fileId, index, text }) => ({ id: partId(fileId, index), text })),
  );
}

async function saveFiles(files: readonly FileRow[], tx: WriteTransaction): Promise<void> {
  await tx.update(
    'file',
    files.map(({ id, status, filename, expires_at }) => ({ id, status, filename, expires_at })),
  );
}
