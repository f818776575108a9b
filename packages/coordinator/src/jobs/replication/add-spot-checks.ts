import { hash } from 'node:crypto';
import { formatTraceparent, parseTraceparent } from '@aitbc/tracing';
import { findOrCreateAccount } from '../../accounts/accounts.ts';
import { parseJsonObject } from '../../store/json.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import type { CheckRun, SavedChange, SpotCheck } from '../../store/topics.ts';
import type { JobRow } from '../job.ts';
import { loadMiners } from '../lookup.ts';
import { isDeterministic } from '../replication-request.ts';
import { insertJobs } from '../save-jobs.ts';
import { createRanker } from '../scheduling/fairness.ts';
import { loadJobQueues, type QueueKey, RUNS } from '../scheduling/job-queues.ts';
import { newRow } from '../submitting/submit-jobs.ts';

/*
 * Some completed jobs are secretly run once more by another operator's miner, and the results must be the same (see
 * `decide-spot-checks.ts`). The coordinator pays for these runs.
 */

/** The name of the account that pays for checks. */
const PAYER = 'spot-checks';

/** The time to live of a check. After that the job stays unchecked. */
const CHECK_TTL_MS = 3600 * 1000;

/** Adds check runs for completed jobs that were drawn, if their results can be compared. The referee is held back until it is needed. */
export async function addSpotChecks(changes: readonly SavedChange[], context: WriteContext): Promise<void> {
  const drawn = changes.flatMap(({ after, spotCheck }) => (spotCheck ? [{ job: after, spotCheck }] : []));
  if (drawn.length === 0) return;
  const { tx, now } = context;
  const due = await loadComparable(drawn, context);
  const [first] = due;
  if (!first) return;
  const account = await findOrCreateAccount(first.spotCheck.payer, PAYER, context);
  const jobQueues = await loadJobQueues(
    due.map(({ place }) => place),
    context,
  );
  const fairQueues = new Set(due.map(({ place }) => jobQueues.queueOf(place)));
  const ranker = await createRanker(tx, [...fairQueues], [account.id]);

  const runs = due.flatMap(({ job, spotCheck: { check, referee }, place, input }) => {
    const run = (own: CheckRun): JobRow => {
      const promptHash = hash('sha256', own.salt + input.prompt);
      const { model, max_attempts: maxAttempts } = job;
      const asked = {
        ...own,
        promptHash,
        request: { model },
        place,
        ttlMs: CHECK_TTL_MS,
        maxAttempts,
        promptBytes: Buffer.byteLength(input.prompt),
      };
      const row = newRow(asked, account.id, jobQueues, ranker, now);
      const traceparent = newTraceOf(own, job);
      return { ...row, token_limit: job.token_limit, role: 'run', run_of: job.id, traceparent };
    };
    const later = { held_until: now + 2 * CHECK_TTL_MS };
    return [run(check), { ...run(referee), ...later }].map(row => ({
      row,
      input: { ...input, job_id: row.id, metadata: null },
    }));
  });
  await insertJobs(
    runs.map(({ row }) => row),
    context,
  );
  await tx.insert(
    'job_input',
    runs.map(({ input }) => input),
  );
  await ranker.save();
  // The operator that ran the job cannot check it.
  const miners = await loadMiners(
    tx,
    due.map(({ job }) => job.miner_id ?? ''),
  );
  const owners = due.map(({ job: { id, miner_id } }) => {
    const { operator_id = 0 } = miners.get(miner_id ?? '') ?? {};
    return { id, owners: JSON.stringify({ [operator_id]: id }) };
  });
  await tx.update('job', owners);
}

/**
 * Begins a trace for the check of a job that belongs to one. It is not in the job's own trace: two miners that have jobs
 * of one trace would know that these are the same. The spans of the check name the job.
 */
function newTraceOf({ traceId, spanId }: CheckRun, { traceparent }: JobRow): string | null {
  const place = parseTraceparent(traceparent);
  return place ? formatTraceparent({ traceId, spanId, flags: place.flags }) : null;
}

interface Drawn {
  /** The job as it completed. */
  job: JobRow;
  spotCheck: SpotCheck;
}

interface Comparable extends Drawn {
  input: Row<'job_input'>;
  place: QueueKey;
}

async function loadComparable(drawn: readonly Drawn[], { tx }: WriteContext): Promise<Comparable[]> {
  const own = drawn.filter(({ job }) => job.role === 'ordinary' && job.stream === 0);
  if (own.length === 0) return [];
  const inputs = await tx.load(
    'job_input',
    'job_id',
    own.map(({ job }) => job.id),
  );
  const inputsById = new Map(inputs.map(input => [input.job_id, input]));
  const queueIds = [...new Set(own.map(({ job }) => job.queue_id))];
  const queues = await tx.load('queue', 'id', queueIds);
  const queuesById = new Map(queues.map(queue => [queue.id, queue]));
  return own.flatMap(each => {
    const input = inputsById.get(each.job.id);
    const queue = queuesById.get(each.job.queue_id);
    if (!input || !queue || !isComparable(input)) return [];
    const { id: _, ...requirements } = queue;
    return [{ ...each, input, place: { ...requirements, priority: each.job.priority, restriction: RUNS } }];
  });
}

/** Jobs with tools are not comparable, because engines invent the ids of tool calls. */
function isComparable({ prompt, kind, params }: Row<'job_input'>): boolean {
  if (!isDeterministic(parseJsonObject(params) ?? {})) return false;
  const asked = kind === 'prompt' ? {} : parseJsonObject(prompt);
  return asked !== undefined && !('tools' in asked);
}
