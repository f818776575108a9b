import { hash } from 'node:crypto';
import type { JobParams } from '@aitbc/protocol';
import { deliveredUsage } from '../../receipts/token-limit.ts';
import { parseJsonObject } from '../../store/json.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import type { Paid } from '../../store/topics.ts';
import { chunkId, textEnd } from '../chunk-ids.ts';
import type { JobRow } from '../job.ts';
import { type EndedAttempt, type SettlementPolicy, settleAttempts } from './settle.ts';

/** A job that is being cancelled, and the ids for its receipt. */
export interface CancelledAttempt {
  /** The job as it was before the cancellation. */
  job: JobRow;
  receiptId: string;
  nonce: string;
}

/**
 * Pays for text that clients could read before the job was cancelled. Issues receipts and stores the text as the job's
 * result, which opens the receipt's hash. Returns what was paid, by job. Does nothing if no job streams.
 */
export async function settleDelivered(
  cancelled: readonly CancelledAttempt[],
  policy: SettlementPolicy,
  context: WriteContext,
): Promise<ReadonlyMap<string, Paid>> {
  const streaming = cancelled.filter(({ job }) => job.stream === 1 && job.status === 'running');
  if (streaming.length === 0) return new Map();
  const deliveries = (await loadDeliveries(streaming, context)).filter(({ chunks }) => chunks.length > 0);
  const ended = deliveries.map(delivery => ({ delivery, ...textOf(delivery) }));
  const runs = ended.map(({ delivery: { run, miner }, text, usage }): EndedAttempt => {
    const artifactHash = hash('sha256', run.job.salt + text);
    const none = { reportedAt: undefined, attestation: undefined };
    return { ...run, miner, artifactHash, usage, isCancelled: true, ...none };
  });
  const settled = await settleAttempts(runs, policy, context);
  const outputs = ended.map(({ delivery, text, reasoning, usage }) => ({
    job_id: delivery.run.job.id,
    result: text,
    type: 'text' as const,
    finish_reason: null,
    usage: JSON.stringify(usage),
    details: reasoning === '' ? null : JSON.stringify({ reasoning }),
  }));
  await context.tx.insert('job_output', outputs);
  return new Map(
    runs.flatMap(({ job }, index) => {
      const { paid } = settled[index] ?? {};
      return paid ? [[job.id, paid] as const] : [];
    }),
  );
}

interface Delivery {
  run: CancelledAttempt;
  miner: Row<'miner'>;
  input: Row<'job_input'> | undefined;
  chunks: readonly Row<'job_chunk'>[];
}

async function loadDeliveries(runs: readonly CancelledAttempt[], { tx }: WriteContext): Promise<Delivery[]> {
  const ids = runs.map(({ job }) => job.id);
  const minerIds = runs.flatMap(({ job }) => job.miner_id ?? []);
  const [streamRows, inputRows, minerRows] = await Promise.all([
    tx.load('job_stream', 'job_id', ids),
    tx.load('job_input', 'job_id', ids),
    tx.load('miner', 'id', [...new Set(minerIds)]),
  ]);
  const streams = new Map(streamRows.map(stream => [stream.job_id, stream]));
  const inputs = new Map(inputRows.map(input => [input.job_id, input]));
  const miners = new Map(minerRows.map(miner => [miner.id, miner]));
  const deliveries: Delivery[] = [];
  for (const run of runs) {
    const { id, miner_id } = run.job;
    const [stream, miner] = [streams.get(id), miners.get(miner_id ?? '')];
    if (!stream || stream.chunks === 0 || !miner) continue;
    // One indexed query for each stream. The length of a stream is limited, and a batch cancels few of them.
    const sql = 'SELECT * FROM job_chunk WHERE id >= ? AND id < ? ORDER BY id';
    const range = [chunkId(id, stream.restarts, 0), textEnd(id, stream.restarts)];
    const chunks = await tx.query<Row<'job_chunk'>>(['job_chunk'], sql, range);
    deliveries.push({ run, miner, input: inputs.get(id), chunks });
  }
  return deliveries;
}

function textOf({ run: { job }, input, chunks }: Delivery) {
  const joined = (kind: Row<'job_chunk'>['kind']) =>
    chunks.flatMap(chunk => (chunk.kind === kind ? [chunk.text] : [])).join('');
  const [text, reasoning] = [joined('text'), joined('reasoning')];
  const params: JobParams = input ? (parseJsonObject(input.params) ?? {}) : {};
  const bytes = {
    prompt: job.prompt_bytes ?? Buffer.byteLength(input?.prompt ?? ''),
    answer: Buffer.byteLength(text) + Buffer.byteLength(reasoning),
  };
  return { text, reasoning, usage: deliveredUsage(bytes, chunks.length, params.max_tokens) };
}
