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
  /** Default: the name of a `File`, otherwise `requests.jsonl`. */
  filename?: string | undefined;
  /** Seconds until the file is erased, at least 3,600. The coordinator may erase it sooner. */
  expiresAfter?: number | undefined;
}

export interface ListFiles {
  /** The id of a file. Only the files after it are listed. */
  after?: string | undefined;
  limit?: number | undefined;
  /** The order by age. Default `desc`, newest first. */
  order?: 'asc' | 'desc' | undefined;
  /** Which files to list: uploads (`batch`) or results of batches (`batch_output`). */
  purpose?: FileObject['purpose'] | undefined;
}

/** Files with the requests and the answers of batches. */
export class Files extends Resource {
  /**
   * Uploads the requests of a batch. This is not retried when an answer is lost, as it would create a second
   * file.
   */
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

  /** Returns a file's size, name and expiry. `content` returns what is in it. */
  get(fileId: string, options?: RequestOptions): Promise<FileObject> {
    return this.requests.get(pathOf(fileId), options);
  }

  /** Lists your files, newest first. */
  list(query: ListFiles = {}, options?: RequestOptions): Paged<FileObject> {
    return this.requests.list('/v1/files', { ...query }, options, readOpenAiPage<FileObject>);
  }

  /** Returns the response with a file's content unread: `text()` reads all of it, `body` piece by piece. */
  content(fileId: string, options?: RequestOptions): Promise<Response> {
    return this.requests.send({ path: `${pathOf(fileId)}/content`, as: 'response', fresh: true }, options);
  }

  /**
   * Yields the lines of a file, each parsed as JSON. Only a few lines are in memory at once, whatever the
   * file's size.
   */
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

  /** Erases a file. A batch that has started with it continues. */
  delete(fileId: string, options?: RequestOptions): Promise<DeletedFile> {
    return this.requests.send({ method: 'DELETE', path: pathOf(fileId) }, options);
  }
}

const pathOf = (fileId: string) => `/v1/files/${id(fileId)}`;
