import {
  GetJob,
  IdempotencyKey,
  Job,
  JobPreview,
  JobSummary,
  LIMITS,
  ListJobs,
  PublishedReceipt,
  SubmitBatch,
  SubmitOrPreview,
  Traceparent,
} from '@aitbc/protocol';
import { Type } from 'typebox';
import type { Guards } from '../../http/authentication.ts';
import { principalOf } from '../../http/authentication.ts';
import { preferredWait, signalOf } from '../../http/connection.ts';
import { linkAfter } from '../../http/pages.ts';
import { type App, answers, IdParams, keyed } from '../../http/routes.ts';
import { traceparentOf } from '../../http/trace-requests.ts';
import type { ReceiptService } from '../../receipts/receipts.ts';
import type { ClientJobs } from './client-jobs.ts';

export interface ClientJobRoutes {
  jobs: ClientJobs;
  receipts: ReceiptService;
  guards: Guards;
  batchBodyLimit: number;
}

const SubmitHeaders = Type.Object({
  'idempotency-key': Type.Optional(IdempotencyKey),
  traceparent: Type.Optional(Traceparent),
  prefer: Type.Optional(
    Type.String({
      description: 'With `wait=SECONDS` the answer comes when the job has ended, or after that time.',
    }),
  ),
});

const tags = ['jobs'];

export function clientJobRoutes(app: App, { jobs, receipts, guards, batchBodyLimit }: ClientJobRoutes): void {
  app.post(
    '/v1/jobs',
    {
      config: { beginsTrace: true },
      onRequest: guards.client,
      schema: {
        operationId: 'submitJob',
        summary: 'Submit a job',
        tags,
        security: keyed,
        headers: SubmitHeaders,
        body: SubmitOrPreview,
        response: answers({ 200: JobPreview, 201: Job }, 400, 401, 403, 409, 413),
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { dry_run: isPreview = false, ...asked } = request.body;
      if (isPreview) return reply.code(200).send(await jobs.preview(principal, asked));
      const submitted = await jobs.submit(principal, [asked], request.headers['idempotency-key'], {
        traceparent: traceparentOf(request),
      });
      const job = only(submitted.jobs);
      if (submitted.replayed) reply.header('idempotent-replayed', 'true');
      const wait = preferredWait(request);
      reply.code(201).header('location', `jobs/${job.job_id}`);
      if (wait === undefined) return job;
      reply.header('preference-applied', `wait=${wait}`);
      return await jobs.get(principal, job.job_id, wait, () => signalOf(reply));
    },
  );

  app.post(
    '/v1/jobs/batch',
    {
      config: { costly: 'write', beginsTrace: true },
      onRequest: guards.client,
      bodyLimit: batchBodyLimit,
      schema: {
        operationId: 'submitBatch',
        summary: 'Submit up to 1,000 jobs, all or none',
        tags,
        security: keyed,
        headers: Type.Pick(SubmitHeaders, ['idempotency-key', 'traceparent']),
        body: SubmitBatch,
        response: answers({ 201: Type.Object({ jobs: Type.Array(Job) }) }, 400, 401, 403, 409, 413),
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const submitted = await jobs.submit(principalOf(request), request.body.jobs, key, {
        traceparent: traceparentOf(request),
      });
      if (submitted.replayed) reply.header('idempotent-replayed', 'true');
      reply.code(201);
      return { jobs: submitted.jobs };
    },
  );

  app.get(
    '/v1/jobs',
    {
      config: { costly: 'read' },
      onRequest: guards.client,
      schema: {
        operationId: 'listJobs',
        summary: 'List your jobs, newest first, or those of all accounts for administrators',
        tags,
        security: keyed,
        querystring: ListJobs,
        response: answers({ 200: Type.Array(JobSummary) }, 400, 401, 403),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor, ...filter } = request.query;
      const page = await jobs.list(principalOf(request), { ...filter, limit, before: cursor });
      linkAfter(request, reply, page.next);
      return page.jobs;
    },
  );

  app.get(
    '/v1/jobs/:id',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'getJob',
        summary: 'Get a job with its result',
        tags,
        security: keyed,
        params: IdParams,
        querystring: GetJob,
        response: answers({ 200: Job }, 400, 401, 403, 404),
      },
    },
    async (request, reply) =>
      await jobs.get(principalOf(request), request.params.id, request.query.wait ?? 0, () => signalOf(reply)),
  );

  app.post(
    '/v1/jobs/:id/cancel',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'cancelJob',
        summary: 'Cancel a job, pending or running',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: Job }, 400, 401, 403, 404, 409, 410),
      },
    },
    async request => await jobs.cancel(principalOf(request), request.params.id),
  );

  app.get(
    '/v1/jobs/:id/receipt',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'getJobReceipt',
        summary: 'Get the receipt of your job',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: PublishedReceipt }, 400, 401, 403, 404),
      },
    },
    async request => await receipts.get(await jobs.receiptId(principalOf(request), request.params.id)),
  );
}

function only<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('One request makes one job');
  return item;
}
