import { type MinerPolicy, noteSeen } from '../../miners/presence.ts';
import type { StreamChunk } from '../../store/events.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../../store/operation.ts';
import type { NewRow, Row } from '../../store/schema.ts';
import { chunkId } from '../chunk-ids.ts';
import { extendLease, type JobRow } from '../job.ts';
import type { LeasePolicy } from '../lease.ts';
import { isHeldBy, loadNamed, type MinerActor, notLeased } from '../lookup.ts';
import { saveLeases } from '../save-jobs.ts';

export interface PostInput extends MinerActor {
  jobId: string;
  /** The number of the attempt. Chunks of another attempt are rejected. */
  attempt: number | undefined;
  /** The index of the first chunk. */
  first: number;
  chunks: readonly StreamChunk[];
}

export interface Posted {
  job: JobRow;
  /** The index of the next chunk. */
  next: number;
}

export interface StreamPolicy extends LeasePolicy, MinerPolicy {
  /** The length limit of a stream, in UTF-8 bytes. */
  maxBytes: number;
  /** The most chunks of a stream. */
  maxChunks: number;
  /** Whether chunks are acknowledged before they are on disk. */
  resolvesBeforeSync: boolean;
}

/** A lease is written only if that extends it by this part, so that not every chunk costs a write to its job. */
const WORTH_EXTENDING = 0.1;

/**
 * Stores text of jobs that their miners hold, and extends the leases. Chunks that are already there are ignored, and a
 * gap is an error. The text of a job that does not stream is accepted and dropped.
 */
export function postChunks(policy: StreamPolicy): Operation<PostInput, Posted> {
  return {
    name: 'jobs.post-chunks',
    resolvesBeforeSync: policy.resolvesBeforeSync,
    async apply(inputs, context) {
      const ids = [...new Set(inputs.map(input => input.jobId))];
      const [named, rows] = await Promise.all([
        loadNamed(inputs, context.tx),
        context.tx.load('job_stream', 'job_id', ids),
      ]);
      const streams = new Map(rows.map(row => [row.job_id, row]));
      const growths = new Map<string, Grown>();
      const extended = new Map<string, JobRow>();
      const outcomes = inputs.map(input => {
        const found = named.find(input);
        if (!found.ok) return found;
        const { job, miner } = found.value;
        if (!isHeldBy(job, miner)) return notLeased(job, miner.id);
        if (input.attempt !== undefined && input.attempt !== job.attempts) return overtaken(job);
        const before = streams.get(job.id) ?? newStream(job.id);
        const outcome = append(input, job, before, policy, context.now);
        if (!outcome.ok) return outcome;
        const { after, added, next } = outcome.value;
        if (added.length > 0) {
          streams.set(job.id, after);
          const growth = growths.get(job.id);
          growths.set(job.id, {
            before: growth?.before ?? before,
            after,
            added: [...(growth?.added ?? []), ...added],
          });
        }
        const lease = extendLease(job, context.now, policy);
        if (isWorth(lease, job, policy)) {
          named.jobs.set(job.id, lease);
          extended.set(job.id, lease);
        }
        return done({ job: lease, next });
      });
      await noteSeen(named.acting, policy, context);
      await save([...growths.values()], context);
      await saveLeases([...extended.values()], context);
      return outcomes;
    },
  };
}

const newStream = (jobId: string): Row<'job_stream'> => ({
  job_id: jobId,
  restarts: 0,
  chunks: 0,
  bytes: 0,
  first_chunk_at: null,
  ended_at: null,
});

interface Appended {
  after: Row<'job_stream'>;
  added: readonly StreamChunk[];
  next: number;
}

function append(
  { first, chunks }: PostInput,
  job: JobRow,
  stream: Row<'job_stream'>,
  { maxBytes, maxChunks }: StreamPolicy,
  now: number,
): Outcome<Appended> {
  if (job.stream === 0) return done({ after: stream, added: [], next: first + chunks.length });
  if (first > stream.chunks) {
    const detail = `The next chunk of this attempt is ${stream.chunks}: one is missing before ${first}`;
    return failed('VALIDATION_OUT_OF_RANGE', detail, { field: 'first' });
  }
  const fresh = chunks.slice(stream.chunks - first);
  const bytes = fresh.reduce((sum, { text }) => sum + Buffer.byteLength(text), stream.bytes);
  const count = stream.chunks + fresh.length;
  if (bytes > maxBytes) return failed('PAYLOAD_TOO_LARGE', `A stream has at most ${maxBytes} bytes of text`);
  if (count > maxChunks) return failed('PAYLOAD_TOO_LARGE', `A stream has at most ${maxChunks} chunks`);
  const first_chunk_at = stream.first_chunk_at ?? now;
  return done({ after: { ...stream, chunks: count, bytes, first_chunk_at }, added: fresh, next: count });
}

function overtaken({ id, attempts }: JobRow): Outcome<never> {
  return failed('JOB_NOT_LEASED', `Job ${id} is in its attempt ${attempts}: this one is over`);
}

const isWorth = (lease: JobRow, job: JobRow, { leaseMs }: LeasePolicy) =>
  (lease.lease_expires_at ?? 0) - (job.lease_expires_at ?? 0) >= leaseMs * WORTH_EXTENDING;

interface Grown {
  before: Row<'job_stream'>;
  after: Row<'job_stream'>;
  added: readonly StreamChunk[];
}

async function save(grown: readonly Grown[], { tx, emit }: WriteContext): Promise<void> {
  const chunks = grown.flatMap(({ before: { job_id, restarts, chunks }, added }) =>
    added.map(
      (chunk, index): NewRow<'job_chunk'> => ({ id: chunkId(job_id, restarts, chunks + index), ...chunk }),
    ),
  );
  await tx.insert('job_chunk', chunks);
  await tx.upsert(
    'job_stream',
    grown.map(({ after }) => after),
  );
  for (const { before, added } of grown) {
    const growth = { restarts: before.restarts, first: before.chunks, chunks: added };
    emit({ type: 'job.streamed', jobId: before.job_id, growth });
  }
}
