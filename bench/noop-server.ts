import { ClaimedJobs, ClaimJobs, CompleteJob, Job, type MinerJob, Receipt, SubmitJob } from '@aitbc/protocol';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';

/*
 * The coordinator's routes and schemas without any work behind them. This measures the cost of HTTP,
 * validation and serialization alone. The answers have the shape and size of real ones.
 */

const TIME = new Date().toISOString();
/** The coordinator's validator settings: bodies are checked, and not changed to fit. */
const CHECKS = {
  useDefaults: true,
  allErrors: false,
  strict: false,
  strictNumbers: true,
  coerceTypes: false,
  removeAdditional: false,
} as const;
const app = Fastify({
  forceCloseConnections: 'idle',
  requestIdHeader: false,
  routerOptions: { ignoreTrailingSlash: true, maxParamLength: 128 },
  ajv: { customOptions: CHECKS },
}).withTypeProvider<TypeBoxTypeProvider>();

const pending: Job[] = [];
let submitted = 0;

app.post('/v1/jobs', { schema: { body: SubmitJob, response: { 201: Job } } }, async (request, reply) => {
  const job = jobOf(request.body);
  pending.push(job);
  reply.code(201);
  return job;
});

app.post('/v1/miners/register', async (_, reply) => {
  reply.code(201);
  return {};
});

app.post(
  '/v1/miners/:id/claims',
  { schema: { body: ClaimJobs, response: { 200: ClaimedJobs } } },
  async () => ({
    jobs: pending.splice(0, 1).map(toMinerJob),
  }),
);

app.post<{ Params: { id: string } }>(
  '/v1/jobs/:id/complete',
  { schema: { body: CompleteJob, response: { 200: Receipt } } },
  async request => receiptOf(request.params.id),
);

function jobOf({ prompt = '', model }: SubmitJob): Job {
  return {
    job_id: `job-${String(submitted++).padStart(26, '0')}`,
    status: 'pending',
    model,
    prompt,
    params: {},
    priority: 0,
    constraints: {},
    metadata: null,
    stream: false,
    attempts: 0,
    max_attempts: 3,
    created_at: TIME,
    expires_at: TIME,
    started_at: null,
    completed_at: null,
    miner_id: null,
    result: null,
    usage: null,
    error: null,
    receipt_id: null,
    erased_at: null,
    salt: '0'.repeat(32),
    queue: { position: 1, eligible_miners: 64, estimated_start_seconds: 0, reason: null },
  };
}

function toMinerJob({ job_id, status, model, prompt, params, priority, constraints, salt }: Job): MinerJob {
  return {
    ...{ job_id, status, model, params, priority, constraints, salt },
    prompt: prompt ?? '',
    stream: false,
    attempt: 1,
    created_at: TIME,
    lease_expires_at: TIME,
    deadline: TIME,
  };
}

function receiptOf(jobId: string): Receipt {
  return {
    version: '1.0',
    receipt_id: `rcpt-${'0'.repeat(26)}`,
    job_id: jobId,
    provider: `ait1${'q'.repeat(58)}`,
    client: `ait1${'q'.repeat(58)}`,
    units: 0.012,
    unit_type: 'gpu_second',
    price: 0.00012,
    model: 'bench',
    prompt_hash: '0'.repeat(64),
    artifact_hash: '0'.repeat(64),
    started_at: 1_769_266_800,
    completed_at: 1_769_266_800,
    duration_ms: 12,
    coordinator_id: 'coord-000000000000',
    nonce: '0'.repeat(32),
    metadata: { miner_id: 'bench', rate: 0.01 },
    signature: { alg: 'Ed25519', key_id: 'A'.repeat(43), sig: 'A'.repeat(86) },
  };
}

process.once('SIGTERM', () => app.close());
process.stdout.write(`${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
