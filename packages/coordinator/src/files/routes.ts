import { Readable } from 'node:stream';
import { CLOSED, DeletedFile, FileObject, FilePage, LIMITS } from '@aitbc/protocol';
import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { fail, RequestError } from '../errors.ts';
import { invalidRequest } from '../gateway/errors.ts';
import { ListQuery, readPage, readParam } from '../gateway/page-query.ts';
import { openAiResponses } from '../gateway/responses.ts';
import { type Guards, principalOf } from '../http/authentication.ts';
import type { LongBody } from '../http/body-limits.ts';
import { type App, IdParams, keyed } from '../http/routes.ts';
import { type ClientFiles, fileTooLarge, type Upload } from './files.ts';

export interface FileRoutes {
  files: ClientFiles;
  guards: Guards;
  bodyLimits: LongBody;
}

const tags = ['openai'];
const KiB = 1024;

/** The size allowed for the other parts of a form, in bytes. */
const FORM_BYTES = 64 * KiB;

const FileForm = Type.Object(
  {
    purpose: Type.Enum(['batch'], { type: 'string' }),
    file: Type.String({
      format: 'binary',
      contentMediaType: 'application/jsonl',
      description: 'JSON lines in UTF-8, one for each request.',
    }),
    'expires_after[anchor]': Type.Optional(Type.Enum(['created_at'], { type: 'string' })),
    'expires_after[seconds]': Type.Optional(
      Type.Integer({
        minimum: 3600,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'The file is erased so many seconds after its creation, or sooner.',
      }),
    ),
  },
  CLOSED,
);

const content = {
  description: 'The content that was uploaded, or that the batch wrote',
  content: { 'application/octet-stream': { schema: Type.String() } },
};

/**
 * Adds the file routes. They need a Fastify scope of their own within the gateway's, because only they accept forms.
 */
export async function fileRoutes(app: App, { files, guards, bodyLimits }: FileRoutes): Promise<void> {
  await app.register(multipart, {
    // The size of a file is checked while it arrives, so that an upload that is too large fails early.
    limits: { files: 1, fields: 8, fieldSize: KiB, fileSize: Infinity },
  });

  app.post(
    '/v1/files',
    {
      onRequest: guards.client,
      config: { longBody: bodyLimits },
      schema: {
        operationId: 'createFile',
        summary: 'Upload the requests of a batch',
        tags,
        security: keyed,
        consumes: ['multipart/form-data'],
        body: FileForm,
        response: openAiResponses({ 200: FileObject }, 400, 401, 403, 413, 503),
      },
    },
    async request => {
      if (!request.isMultipart())
        throw invalidRequest('A file must be uploaded as multipart/form-data', 'file', 'invalid_type');
      if (Number(request.headers['content-length'] ?? 0) > files.limit + FORM_BYTES)
        fail('PAYLOAD_TOO_LARGE', fileTooLarge(files.limit), { field: 'file' });
      try {
        return await receiveForm(request, files);
      } finally {
        // A client that is still sending reads the answer only if the rest of its body is read.
        request.raw.unpipe();
        request.raw.resume();
      }
    },
  );

  app.get(
    '/v1/files',
    {
      config: { costly: 'read' },
      onRequest: guards.client,
      schema: {
        operationId: 'listFiles',
        summary: 'List your files',
        tags,
        security: keyed,
        querystring: Type.Object({
          ...ListQuery.properties,
          order: Type.Optional(
            Type.Enum(['asc', 'desc'], {
              type: 'string',
              description: 'The order by age. The default is `desc`: newest first.',
            }),
          ),
          purpose: Type.Optional(Type.Enum(['batch', 'batch_output'], { type: 'string' })),
        }),
        response: openAiResponses({ 200: FilePage }, 400, 401, 403),
      },
    },
    async request => {
      const { order, purpose } = request.query;
      return await files.list(principalOf(request), {
        ...readPage(request.query),
        order: readParam('order', order, ['asc', 'desc']) ?? 'desc',
        purpose: readParam('purpose', purpose, ['batch', 'batch_output']),
      });
    },
  );

  app.get(
    '/v1/files/:id',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'getFile',
        summary: 'Get a file without its content',
        tags,
        security: keyed,
        params: IdParams,
        response: openAiResponses({ 200: FileObject }, 400, 401, 403, 404),
      },
    },
    async request => await files.get(principalOf(request), request.params.id),
  );

  app.delete(
    '/v1/files/:id',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'deleteFile',
        summary: 'Erase a file. A batch that already uses it continues',
        tags,
        security: keyed,
        params: IdParams,
        response: openAiResponses({ 200: DeletedFile }, 400, 401, 403, 404),
      },
    },
    async request => {
      const { id } = request.params;
      await files.remove(principalOf(request), id);
      return { id, object: 'file' as const, deleted: true as const };
    },
  );

  app.get(
    '/v1/files/:id/content',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'downloadFile',
        summary: 'Download the content of a file',
        tags,
        security: keyed,
        params: IdParams,
        response: openAiResponses({ 200: content }, 400, 401, 403, 404),
      },
    },
    async (request, reply) => {
      const { file, parts } = await files.content(principalOf(request), request.params.id);
      return reply
        .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`)
        .header('content-length', file.bytes)
        .type('application/octet-stream')
        .send(Readable.from(parts, { objectMode: false }) as never);
    },
  );
}

/** Stores the file of a form while it arrives. Other fields may come before or after the file. */
async function receiveForm(request: FastifyRequest, files: ClientFiles): Promise<FileObject> {
  const fields = new Map<string, unknown>();
  let upload: Upload | undefined;
  let filename = '';
  try {
    for await (const part of checkedParts(request.parts())) {
      if (!Object.hasOwn(FileForm.properties, part.fieldname)) throw unknownField(part.fieldname);
      if (part.type === 'field') {
        fields.set(part.fieldname, part.value);
        continue;
      }
      if (part.fieldname !== 'file')
        throw invalidRequest(`${part.fieldname} must not be a file`, part.fieldname, 'invalid_type');
      filename = (part.filename ?? '').toWellFormed();
      upload = await files.receive(principalOf(request), checkedParts(part.file));
    }
    if (!upload) throw invalidRequest('file is missing', 'file', 'missing_required_parameter');
    checkForm(fields, filename);
    return await files.complete(upload, filename, expirySeconds(fields));
  } catch (error) {
    if (upload) await files.discard(upload).catch(() => {});
    // The client is gone: this error is not sent to anybody, and must not be logged as a failure of the coordinator.
    if (!request.raw.complete && request.raw.destroyed)
      throw invalidRequest('The upload was interrupted', 'file', 'incomplete_upload');
    throw error;
  }
}

const unknownField = (name: string) =>
  invalidRequest(`The parameter ${name} is unknown or not supported`, name, 'unsupported_parameter');

/** Reports any error of reading the form as an invalid form. */
async function* checkedParts<T>(parts: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* parts;
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw invalidRequest(
      `The form cannot be read: ${(error as Error).message}`,
      undefined,
      'invalid_multipart',
    );
  }
}

function checkForm(fields: ReadonlyMap<string, unknown>, filename: string): void {
  if (!fields.has('purpose'))
    throw invalidRequest('purpose is missing', 'purpose', 'missing_required_parameter');
  if (fields.get('purpose') !== 'batch')
    throw invalidRequest('purpose must be batch', 'purpose', 'unsupported_value');
  if (filename === '' || filename.length > LIMITS.fileNameLength)
    throw invalidRequest(
      `The name of the file must have 1 to ${LIMITS.fileNameLength} characters`,
      'file',
      'invalid_value',
    );
  readParam('expires_after[anchor]', fields.get('expires_after[anchor]'), ['created_at']);
}

function expirySeconds(fields: ReadonlyMap<string, unknown>): number | undefined {
  const name = 'expires_after[seconds]';
  const text = fields.get(name);
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isSafeInteger(seconds) && seconds >= 3600) return seconds;
  throw invalidRequest(`${name} must be a whole number from 3600`, name, 'invalid_value');
}
