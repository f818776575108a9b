import { generateKeyPairSync, hash, randomBytes, sign } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { ClaimedJobs, ClaimJobs, CompleteJob, Job, type MinerJob, Receipt, SubmitJob } from '@aitbc/protocol';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';

/*
 * The least that the four calls of a lifecycle can honestly cost: requests are checked, every answer is sent after its
 * data is on disk, each result gets a signed receipt, and a job is read from the database. The requests that arrive
 * during one turn of the event loop share a transaction. There are no accounts, leases, limits, fairness, counters or
 * ledger. So it is the limit that a coordinator on SQLite can be compared with.
 */

const { values } = parseArgs({ options: { data: { type: 'string', default: ':memory:' } } });

const database = new DatabaseSync(values.data);
database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 10000;
  CREATE TABLE job (id TEXT PRIMARY KEY, status TEXT, model TEXT, prompt TEXT, salt TEXT, prompt_hash TEXT,
    created_at INTEGER, started_at INTEGER, completed_at INTEGER, miner_id TEXT, receipt_id TEXT) WITHOUT ROWID;
  CREATE TABLE output (job_id TEXT PRIMARY KEY, result TEXT);
  CREATE TABLE receipt (id TEXT PRIMARY KEY, body TEXT)`);
const insertJob = database.prepare(
  'INSERT INTO job (id, status, model, prompt, salt, prompt_hash, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
);
const startJob = database.prepare('UPDATE job SET status = ?, miner_id = ?, started_at = ? WHERE id = ?');
const endJob = database.prepare('UPDATE job SET status = ?, completed_at = ?, receipt_id = ? WHERE id = ?');
const insertOutput = database.prepare('INSERT INTO output (job_id, result) VALUES (?, ?)');
const insertReceipt = database.prepare('INSERT INTO receipt (id, body) VALUES (?, ?)');
const selectJob = database.prepare(
  'SELECT job.*, output.result FROM job LEFT JOIN output ON output.job_id = job.id WHERE job.id = ?',
);

interface JobRow {
  id: string;
  status: Job['status'];
  model: string;
  prompt: string;
  salt: string;
  prompt_hash: string;
  created_at: number;
  started_at: number | null;
  completed_at: number | null;
  miner_id: string | null;
  receipt_id: string | null;
  result: string | null;
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const keyId = String(publicKey.export({ format: 'jwk' }).x);
/** The unfinished jobs: those that wait, in order, and all by id. */
const pending: JobRow[] = [];
const open = new Map<string, JobRow>();
let lastId = 0;
const nextId = (prefix: string) => `${prefix}-${String(++lastId).padStart(26, '0')}`;

interface Write {
  apply(): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

let writes: Write[] = [];

/** Runs a write in the transaction of this turn of the event loop. Resolves once it is on disk. */
function durably<T>(apply: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    if (writes.length === 0) setImmediate(commit);
    writes.push({ apply, resolve: resolve as Write['resolve'], reject });
  });
}

function commit(): void {
  const batch = writes;
  writes = [];
  try {
    database.exec('BEGIN IMMEDIATE');
    const results = batch.map(({ apply }) => apply());
    database.exec('COMMIT');
    batch.forEach(({ resolve }, index) => {
      resolve(results[index]);
    });
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    for (const { reject } of batch) reject(error);
  }
}

function submit({ prompt = '', model = '' }: SubmitJob): JobRow {
  const salt = randomBytes(16).toString('hex');
  const prompt_hash = hash('sha256', salt + prompt);
  const job: JobRow = {
    ...{ id: nextId('job'), status: 'pending', model, prompt, salt, prompt_hash, created_at: Date.now() },
    ...{ started_at: null, completed_at: null, miner_id: null, receipt_id: null, result: null },
  };
  insertJob.run(job.id, job.status, model, prompt, salt, prompt_hash, job.created_at);
  pending.push(job);
  open.set(job.id, job);
  return job;
}

function claim(minerId: string): JobRow[] {
  const [job] = pending.splice(0, 1);
  if (!job) return [];
  Object.assign(job, { status: 'running', miner_id: minerId, started_at: Date.now() });
  startJob.run(job.status, minerId, job.started_at, job.id);
  return [job];
}

function complete(id: string, result: string): string {
  const job = open.get(id);
  if (!job) throw new Error(`No job ${id} is running`);
  open.delete(id);
  const now = Date.now();
  const receipt = signReceipt(job, result, now);
  endJob.run('completed', now, receipt.id, id);
  insertOutput.run(id, result);
  insertReceipt.run(receipt.id, receipt.body);
  return receipt.body;
}

const ADDRESS = `ait1${'q'.repeat(38)}`;

/** The members are in the order of canonical JSON, so that their text can be signed. */
function signReceipt(job: JobRow, result: string, now: number): { id: string; body: string } {
  const ms = now - (job.started_at ?? now);
  const id = nextId('rcpt');
  const unsigned = {
    artifact_hash: hash('sha256', job.salt + result),
    client: ADDRESS,
    completed_at: Math.floor(now / 1000),
    coordinator_id: 'coord-000000000000',
    duration_ms: ms,
    job_id: job.id,
    metadata: { miner_id: job.miner_id, rate: 0.01 },
    model: job.model,
    nonce: randomBytes(16).toString('hex'),
    price: ms / 1e5,
    prompt_hash: job.prompt_hash,
    provider: ADDRESS,
    receipt_id: id,
  };
  const times = { started_at: Math.floor((job.started_at ?? now) / 1000), unit_type: 'gpu_second' };
  const rest = { ...times, units: ms / 1000, version: '1.0' };
  const signature = sign(null, Buffer.from(JSON.stringify({ ...unsigned, ...rest })), privateKey);
  const signed = { alg: 'Ed25519', key_id: keyId, sig: signature.toString('base64url') };
  return { id, body: JSON.stringify({ ...unsigned, signature: signed, ...rest }) };
}

const time = (ms: number) => new Date(ms).toISOString();
const timeOrNull = (ms: number | null) => (ms === null ? null : time(ms));

function toJob(job: JobRow): Job {
  return {
    ...{ job_id: job.id, status: job.status, model: job.model, prompt: job.prompt, params: {}, priority: 0 },
    ...{ constraints: {}, metadata: null, stream: false, attempts: 0, max_attempts: 3 },
    created_at: time(job.created_at),
    expires_at: time(job.created_at + 3_600_000),
    started_at: timeOrNull(job.started_at),
    completed_at: timeOrNull(job.completed_at),
    ...{ miner_id: job.miner_id, result: job.result, usage: null, error: null, receipt_id: job.receipt_id },
    ...{ erased_at: null, salt: job.salt },
    queue:
      job.status === 'pending'
        ? { position: pending.length, eligible_miners: 64, estimated_start_seconds: 0, reason: null }
        : null,
  };
}

function toMinerJob({ id, status, model, prompt, salt, created_at }: JobRow): MinerJob {
  const leaseEnd = time(Date.now() + 120_000);
  return {
    ...{ job_id: id, status, model, params: {}, priority: 0, constraints: {}, salt, prompt, stream: false },
    ...{ attempt: 1, created_at: time(created_at), lease_expires_at: leaseEnd, deadline: leaseEnd },
  };
}

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

app.post('/v1/jobs', { schema: { body: SubmitJob, response: { 201: Job } } }, async (request, reply) => {
  reply.code(201);
  return toJob(await durably(() => submit(request.body)));
});

app.get<{ Params: { id: string } }>('/v1/jobs/:id', { schema: { response: { 200: Job } } }, async request => {
  const job = selectJob.get(request.params.id) as JobRow | undefined;
  if (!job) throw new Error('Job not found');
  return toJob(job);
});

app.post('/v1/miners/register', async (_, reply) => {
  reply.code(201);
  return {};
});

app.post<{ Params: { id: string } }>(
  '/v1/miners/:id/claims',
  { schema: { body: ClaimJobs, response: { 200: ClaimedJobs } } },
  async request => ({ jobs: (await durably(() => claim(request.params.id))).map(toMinerJob) }),
);

app.post<{ Params: { id: string }; Body: CompleteJob }>(
  '/v1/jobs/:id/complete',
  { schema: { body: CompleteJob, response: { 200: Receipt } } },
  async (request, reply) => {
    const receipt = await durably(() => complete(request.params.id, request.body.result));
    return reply.type('application/json; charset=utf-8').serializer(String).send(receipt);
  },
);

process.once('SIGTERM', () => app.close());
process.stdout.write(`${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
