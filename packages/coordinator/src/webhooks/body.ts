import type { Kysely } from 'kysely';
import { toBatch } from '../batches/batch.ts';
import type { JobRow } from '../jobs/job.ts';
import { jobErrorOf, toResult } from '../jobs/views.ts';
import { isoTime } from '../store/numbers.ts';
import type { DatabaseSchema, Row } from '../store/schema.ts';
import { TEST_EVENT } from './manage.ts';
import { readOwnWebhook } from './own-webhooks.ts';
import { findSubjects, type SubjectIds, type Subjects } from './queries.ts';
import type { DeliveryRow } from './webhook.ts';

/** Standard Webhooks asks for bodies below this size, in bytes. */
const MAX_BODY_BYTES = 20_000;

export interface BodyRequest {
  delivery: DeliveryRow;
  includeResult: boolean;
}

/** What is posted, and the job's own URL if it has one. */
export interface Body {
  text: string;
  ownUrl: string | undefined;
}

/** Builds the bodies of deliveries from their subjects' rows, by delivery. Those whose subject exists no more have none. */
export async function buildBodies(
  db: Kysely<DatabaseSchema>,
  requests: readonly BodyRequest[],
): Promise<Map<string, Body>> {
  const subjects = await findSubjects(db, idsOf(requests));
  const bodies = new Map<string, Body>();
  for (const { delivery, includeResult } of requests) {
    const text = textOf(delivery, subjects, includeResult);
    if (text === undefined) continue;
    const job = kindOf(delivery) === 'job' ? subjects.jobs.get(delivery.subject) : undefined;
    bodies.set(delivery.id, { text, ownUrl: readOwnWebhook(job?.webhook ?? null)?.url });
  }
  return bodies;
}

type Kind = 'job' | 'batch' | 'receipt' | 'miner' | 'webhook';
const kindOf = ({ type }: DeliveryRow) => type.split('.')[0] as Kind;

function idsOf(requests: readonly BodyRequest[]): SubjectIds {
  const of = (kind: Kind) => [
    ...new Set(requests.flatMap(({ delivery }) => (kindOf(delivery) === kind ? [delivery.subject] : []))),
  ];
  const results = requests.filter(
    ({ delivery, includeResult }) => includeResult && delivery.type === 'job.completed',
  );
  return {
    jobs: of('job'),
    results: results.map(({ delivery }) => delivery.subject),
    receipts: of('receipt'),
    batches: of('batch'),
    miners: of('miner'),
  };
}

function textOf(delivery: DeliveryRow, subjects: Subjects, includeResult: boolean): string | undefined {
  const { type, subject, occurred_at } = delivery;
  for (const data of formsOf(delivery, subjects, includeResult)) {
    const body = JSON.stringify({ type, timestamp: isoTime(occurred_at), data });
    if (Buffer.byteLength(body) < MAX_BODY_BYTES) return body;
  }
  return type === TEST_EVENT
    ? JSON.stringify({ type, timestamp: isoTime(occurred_at), data: { test_id: subject } })
    : undefined;
}

/** Yields the data of a delivery, in forms that become smaller until one fits. */
function* formsOf(
  { type, subject, occurred_at }: DeliveryRow,
  subjects: Subjects,
  includeResult: boolean,
): Generator<object> {
  const job = subjects.jobs.get(subject);
  const batch = subjects.batches.get(subject);
  const miner = subjects.miners.get(subject);
  const receipt = subjects.receipts.get(subject);
  if (job) {
    const result = includeResult ? subjects.outputs.get(subject) : undefined;
    const data = jobData(job, subjects);
    if (result) yield { ...data, ...toResult(result) };
    const thin = result ? { ...data, result_too_large: true } : data;
    yield thin;
    yield { ...thin, metadata: null };
  }
  if (batch) {
    const { errors: _, metadata, ...data } = toBatch(batch);
    yield { ...data, metadata };
    yield { ...data, metadata: null };
  }
  if (receipt !== undefined) yield JSON.parse(receipt) as object;
  if (miner) yield minerData(miner, type, occurred_at);
}

function jobData(job: JobRow, { metadata, receipts }: Subjects) {
  const receipt = job.receipt_id === null ? undefined : receipts.get(job.receipt_id);
  const ownData = metadata.get(job.id);
  return {
    job_id: job.id,
    status: job.status,
    model: job.model,
    attempts: job.attempts,
    created_at: isoTime(job.created_at),
    started_at: job.started_at === null ? null : isoTime(job.started_at),
    completed_at: job.completed_at === null ? null : isoTime(job.completed_at),
    miner_id: job.miner_id,
    metadata: ownData ? (JSON.parse(ownData) as object) : null,
    error: jobErrorOf(job),
    receipt_id: job.receipt_id,
    receipt: receipt === undefined ? null : (JSON.parse(receipt) as object),
  };
}

/** Returns the verification that led to a suspension; null where none did, or where it has ended since. */
const suspensionOf = ({ suspended_at, suspended_by }: Row<'miner'>, occurredAt: number) =>
  suspended_at === occurredAt ? suspended_by : null;

const minerData = (miner: Row<'miner'>, type: string, occurredAt: number) => ({
  miner_id: miner.id,
  region: miner.region,
  ...(type === 'miner.suspended'
    ? { suspended_at: isoTime(occurredAt), suspended_by: suspensionOf(miner, occurredAt) }
    : { offline_at: isoTime(occurredAt) }),
});
