import { ClaimJobs, CompleteJob, SubmitJob } from '@aitbc/protocol';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import { Type } from 'typebox';

/** What a client asks a miner for. */
export interface Work {
  model: string;
  prompt: string;
}

/** A job queue with the three operations of a lifecycle. Each resolves once its effect is durable. */
export interface PeerQueue {
  /** Resolves with the id of the new job. */
  submit(work: Work): Promise<string>;
  /** Returns a job that nobody else gets; undefined when none is pending. */
  claim(): Promise<({ id: string } & Work) | undefined>;
  complete(id: string, result: string): Promise<void>;
  close(): Promise<void>;
}

const Submitted = Type.Object({ job_id: Type.String() });
const Claimed = Type.Object({
  jobs: Type.Array(Type.Object({ job_id: Type.String(), model: Type.String(), prompt: Type.String() })),
});
const Completed = Type.Object({ job_id: Type.String(), status: Type.String() });

/**
 * Serves the routes that the load generator uses. Requests are validated as in the coordinator. Answers are
 * shorter, as they contain no receipts.
 */
export async function serve(queue: PeerQueue): Promise<void> {
  const app = Fastify({
    // The schemas contain keywords for the reference that validators ignore.
    ajv: { customOptions: { strict: false } },
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.post(
    '/v1/jobs',
    { schema: { body: SubmitJob, response: { 201: Submitted } } },
    async (request, reply) => {
      const { model = '', prompt = '' } = request.body;
      const job_id = await queue.submit({ model, prompt });
      reply.code(201);
      return { job_id };
    },
  );

  app.post('/v1/miners/register', async (_, reply) => {
    reply.code(201);
    return {};
  });

  app.post('/v1/miners/:id/claims', { schema: { body: ClaimJobs, response: { 200: Claimed } } }, async () => {
    const job = await queue.claim();
    return { jobs: job ? [{ job_id: job.id, model: job.model, prompt: job.prompt }] : [] };
  });

  app.post<{ Params: { id: string }; Body: CompleteJob }>(
    '/v1/jobs/:id/complete',
    { schema: { body: CompleteJob, response: { 200: Completed } } },
    async request => {
      const { id } = request.params;
      await queue.complete(id, request.body.result);
      return { job_id: id, status: 'completed' };
    },
  );

  process.once('SIGTERM', () => app.close().then(() => queue.close()));
  process.stdout.write(`${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
}
