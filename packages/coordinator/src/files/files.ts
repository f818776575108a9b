import type { FileObject, FilePage } from '@aitbc/protocol';
import { accountScope, type Principal } from '../accounts/keys.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import type { Limits } from '../limits/limits.ts';
import { unwrap } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import type { FileConfig } from './options.ts';
import { type FileFilter, findFile, findPart, listFiles } from './queries.ts';
import { splitIntoParts } from './split-parts.ts';
import { addPart, completeUpload, type FileRow, removeFile } from './upload.ts';

const DAY_MS = 24 * 3600 * 1000;
const MiB = 1024 * 1024;

export interface FilesOptions {
  config: FileConfig;
  store: Store;
  ids: Ids;
  limits: Pick<Limits, 'quotaOf'>;
}

/** A file that was received completely and is not visible yet. */
export interface Upload {
  fileId: string;
}

/** Clients' files. Each method throws RequestError. */
export interface ClientFiles {
  /** The largest allowed size, in bytes. */
  readonly limit: number;
  /**
   * Stores the parts of a file while it arrives, and waits for the store before reading on. On an error it stores
   * nothing.
   */
  receive(principal: Principal, bytes: AsyncIterable<Uint8Array>): Promise<Upload>;
  /** Makes a received file visible to its owner. `seconds` shortens the time after which it is erased. */
  complete(upload: Upload, filename: string, seconds: number | undefined): Promise<FileObject>;
  discard(upload: Upload): Promise<void>;
  get(principal: Principal, id: string): Promise<FileObject>;
  list(principal: Principal, filter: Omit<FileFilter, 'accountId'>): Promise<FilePage>;
  remove(principal: Principal, id: string): Promise<void>;
  /** Returns a file and its text. Parts are read from the store one at a time. */
  content(principal: Principal, id: string): Promise<{ file: FileObject; parts: AsyncIterable<string> }>;
}

export function createClientFiles({ config, store, ids, limits }: FilesOptions): ClientFiles {
  const limit = config.fileLimit * MiB;

  async function findOwned(principal: Principal, id: string): Promise<FileRow> {
    const file = await findFile(store.read, id);
    const account = accountScope(principal);
    if (!file || (account !== null && file.account_id !== account)) fail('FILE_NOT_FOUND', 'File not found');
    return file;
  }

  async function* read({ id, parts }: FileRow): AsyncGenerator<string> {
    for (let index = 0; index < parts; index++) {
      const part = await findPart(store.read, id, index);
      if (part === undefined) throw new Error(`The file ${id} was erased during reading`);
      yield part;
    }
  }

  async function discard({ fileId }: Upload): Promise<void> {
    await store.write(removeFile, { fileId, accountId: null });
  }

  return {
    limit,

    async receive({ accountId, tier }, bytes) {
      const diskMib = limits.quotaOf(tier)?.disk_mib ?? null;
      const fileId = ids.next('file');
      let index = 0;
      let size = 0;
      async function* countedChunks() {
        for await (const chunk of bytes) {
          size += chunk.length;
          if (size > limit) fail('PAYLOAD_TOO_LARGE', fileTooLarge(limit), { field: 'file' });
          yield chunk;
        }
      }
      try {
        for await (const text of splitIntoParts(countedChunks())) {
          unwrap(await store.write(addPart, { fileId, accountId, index, text, diskMib }));
          index++;
        }
      } catch (error) {
        // If this fails too, the parts are erased when the upload counts as abandoned.
        if (index > 0) await discard({ fileId }).catch(() => {});
        throw error;
      }
      if (index === 0) fail('VALIDATION_OUT_OF_RANGE', 'The file is empty', { field: 'file' });
      return { fileId };
    },

    async complete({ fileId }, filename, seconds = Infinity) {
      const keepMs = Math.min(config.fileDays * DAY_MS, seconds * 1000);
      return toFile(unwrap(await store.write(completeUpload, { fileId, filename, keepMs })));
    },

    discard,

    async get(principal, id) {
      return toFile(await findOwned(principal, id));
    },

    async list({ accountId }, filter) {
      const found = await listFiles(store.read, { ...filter, accountId, limit: filter.limit + 1 });
      const data = found.slice(0, filter.limit).map(toFile);
      return {
        object: 'list',
        data,
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
        has_more: found.length > filter.limit,
      };
    },

    async remove(principal, id) {
      const accountId = accountScope(principal);
      unwrap(await store.write(removeFile, { fileId: id, accountId }));
    },

    async content(principal, id) {
      const file = await findOwned(principal, id);
      return { file: toFile(file), parts: read(file) };
    },
  };
}

/** Returns a part of a file, or undefined if there is no such part. The caller has checked who may read the file. */
export const readPart = (store: Store, fileId: string, index: number) => findPart(store.read, fileId, index);

export const fileTooLarge = (limit: number) => `The file is larger than ${limit / MiB} MiB`;

const unixSeconds = (time: number) => Math.floor(time / 1000);

function toFile({ id, bytes, created_at, expires_at, filename, purpose }: FileRow): FileObject {
  return {
    id,
    object: 'file',
    bytes,
    created_at: unixSeconds(created_at),
    expires_at: unixSeconds(expires_at),
    filename,
    purpose,
    status: 'processed',
  };
}
