import type { DeletedFile, FileObject } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import { type Paged, readOpenAiPage } from '../pages.ts';
import { Resource } from '../requests.ts';
import { id } from '../transport.ts';

/** Uploads and downloads take longer than other requests. */
const UPLOAD_TIMEOUT_MS = 10 * 60_000;

export interface CreateFile {
  /** JSON lines. A `Blob` of a file on disk (`openAsBlob` of `node:fs`) is read while it is sent. */
  file: Blob | string | Uint8Array<ArrayBuffer>;
  /** The name of a `File` unless given, else `requests.jsonl`. */
  filename?: string | undefined;
  /** Seconds until it is erased, from 3,600. Sooner where the coordinator keeps no file that long. */
  expiresAfter?: number | undefined;
}

export interface ListFiles {
  /** The id of a file: only what is behind it is listed. */
  after?: string | undefined;
  limit?: number | undefined;
  /** By age; `desc`, the newest first, unless given. */
  order?: 'asc' | 'desc' | undefined;
  /** What was uploaded (`batch`), or what batches have written (`batch_output`). */
  purpose?: FileObject['purpose'] | undefined;
}

/** Files of requests for batches, and files of their answers. */
export class Files extends Resource {
  /** Uploads the requests of a batch. Not repeated when an answer is lost: that would make a second file. */
  create({ file, filename, expiresAfter }: CreateFile, options?: RequestOptions): Promise<FileObject> {
    const form = new FormData();
    form.set('purpose', 'batch');
    if (expiresAfter !== undefined) {
      form.set('expires_after[anchor]', 'created_at');
      form.set('expires_after[seconds]', String(expiresAfter));
    }
    const blob = file instanceof Blob ? file : new Blob([file]);
    const ownName = file instanceof Blob && 'name' in file ? String(file.name) : undefined;
    form.set('file', blob, filename ?? ownName ?? 'requests.jsonl');
    const call = { method: 'POST', path: '/v1/files', body: form } as const;
    return this.requests.send(call, { timeout: UPLOAD_TIMEOUT_MS, ...options });
  }

  /** What is known of a file: its size, its name, when it is erased. `content` has what is in it. */
  get(fileId: string, options?: RequestOptions): Promise<FileObject> {
    return this.requests.get(pathOf(fileId), options);
  }

  /** Your files, newest first. */
  list(query: ListFiles = {}, options?: RequestOptions): Paged<FileObject> {
    return this.requests.list('/v1/files', { ...query }, options, readOpenAiPage<FileObject>);
  }

  /** The content of a file, unread: `text()` has it whole, `body` piece by piece. */
  content(fileId: string, options?: RequestOptions): Promise<Response> {
    return this.requests.send({ path: `${pathOf(fileId)}/content`, as: 'response', fresh: true }, options);
  }

  /** The lines of a file, each parsed as JSON. Whatever size the file has, a few of them are in memory at once. */
  async *lines<Line = unknown>(fileId: string, options?: RequestOptions): AsyncGenerator<Line, void> {
    const { body } = await this.content(fileId, options);
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    try {
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        const lines = (rest + part.value).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
      }
      if (rest.trim() !== '') yield JSON.parse(rest);
    } finally {
      reader?.cancel().catch(() => {});
    }
  }

  /** Erases a file. A batch that has begun with it goes on. */
  delete(fileId: string, options?: RequestOptions): Promise<DeletedFile> {
    return this.requests.send({ method: 'DELETE', path: pathOf(fileId) }, options);
  }
}

const pathOf = (fileId: string) => `/v1/files/${id(fileId)}`;
