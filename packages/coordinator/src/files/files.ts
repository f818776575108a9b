import type { FileObject, FilePage } from '@aitbc/protocol';
import { accountScope, type Principal } from '../accounts/keys.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import type { Limits } from '../limits/limits.ts';
import { unwrap } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import type { FileConfig } from './options.ts';
import { type FileFilter, findFile, findPart, listFiles } from './queries.ts';
import { partsOf } from './splitting.ts';
import { addPart, type FileRow, removeFile, wholeFile } from './upload.ts';

const DAY_MS = 24 * 3600 * 1000;
const MiB = 1024 * 1024;

export interface FilesOptions {
  config: FileConfig;
  store: Store;
  ids: Ids;
  limits: Pick<Limits, 'quotaOf'>;
}

/** A file that has come and that nobody sees yet. */
export interface Upload {
  fileId: string;
}

/** Files of clients. Each throws RequestError. */
export interface Files {
  /** The largest, in bytes. */
  readonly limit: number;
  /** Stores a file as it comes, no faster than it is written. Leaves nothing where it fails. */
  receive(principal: Principal, bytes: AsyncIterable<Uint8Array>): Promise<Upload>;
  /** Gives a file that has come to its owner, for so many seconds where that is less than files stay. */
  keep(upload: Upload, filename: string, seconds: number | undefined): Promise<FileObject>;
  discard(upload: Upload): Promise<void>;
  get(principal: Principal, id: string): Promise<FileObject>;
  list(principal: Principal, filter: Omit<FileFilter, 'accountId'>): Promise<FilePage>;
  remove(principal: Principal, id: string): Promise<void>;
  /** A file and its parts, as they are read. */
  content(principal: Principal, id: string): Promise<{ file: FileObject; parts: AsyncIterable<string> }>;
}

export function createFiles({ config, store, ids, limits }: FilesOptions): Files {
  const limit = config.fileLimit * MiB;

  async function owned(principal: Principal, id: string): Promise<FileRow> {
    const file = await findFile(store.read, id);
    const account = accountScope(principal);
    if (!file || (account !== null && file.account_id !== account)) fail('FILE_NOT_FOUND', 'File not found');
    return file;
  }

  async function* read({ id, parts }: FileRow): AsyncGenerator<string> {
    for (let index = 0; index < parts; index++) {
      const part = await findPart(store.read, id, index);
      if (part === undefined) throw new Error(`The file ${id} was erased while it was read`);
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
      async function* counted() {
        for await (const chunk of bytes) {
          size += chunk.length;
          if (size > limit) fail('PAYLOAD_TOO_LARGE', tooLarge(limit), { field: 'file' });
          yield chunk;
        }
      }
      try {
        for await (const text of partsOf(counted())) {
          unwrap(await store.write(addPart, { fileId, accountId, index, text, diskMib }));
          index++;
        }
      } catch (error) {
        // What is left where this fails too goes with its age.
        if (index > 0) await discard({ fileId }).catch(() => {});
        throw error;
      }
      if (index === 0) fail('VALIDATION_OUT_OF_RANGE', 'The file is empty', { field: 'file' });
      return { fileId };
    },

    async keep({ fileId }, filename, seconds = Infinity) {
      const keepMs = Math.min(config.fileDays * DAY_MS, seconds * 1000);
      return toFile(unwrap(await store.write(wholeFile, { fileId, filename, keepMs })));
    },

    discard,

    async get(principal, id) {
      return toFile(await owned(principal, id));
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
      const file = await owned(principal, id);
      return { file: toFile(file), parts: read(file) };
    },
  };
}

/** A part of a file for who reads it on behalf of its owner; undefined behind the last one. */
export const readPart = (store: Store, fileId: string, index: number) => findPart(store.read, fileId, index);

/** What a file that is refused for its size is told. */
export const tooLarge = (limit: number) => `The file is larger than ${limit / MiB} MiB`;

/** Unix seconds. */
const seconds = (time: number) => Math.floor(time / 1000);

function toFile({ id, bytes, created_at, expires_at, filename, purpose }: FileRow): FileObject {
  return {
    id,
    object: 'file',
    bytes,
    created_at: seconds(created_at),
    expires_at: seconds(expires_at),
    filename,
    purpose,
    status: 'processed',
  };
}
