import { hash } from 'node:crypto';
import type { AnswerDetails, FinishReason, ResultType, Signature, TokenUsage } from '@aitbc/protocol';
import { verifyAttestation } from '@aitbc/receipts';
import { countAnswers } from '../../explorer/overview/answer-counters.ts';
import { type MinerPolicy, noteSeen } from '../../miners/presence.ts';
import { type MeasuredAttempt, smoothSpeeds } from '../../miners/speed.ts';
import { passProbation } from '../../miners/standing.ts';
import { loadReceiptBodies } from '../../receipts/issue-receipts.ts';
import { plausibleUsage } from '../../receipts/token-limit.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import type { SpotCheck } from '../../store/topics.ts';
import { isReadable, unreadable } from '../damaged-jobs.ts';
import { type JobChange, type JobRow, markCompleted } from '../job.ts';
import { isHeldBy, loadNamed, type MinerActor, type NamedRows, notLeased } from '../lookup.ts';
import { saveJobs } from '../save-jobs.ts';
import { type EndedAttempt, type SettlementPolicy, settleAttempts } from './settle.ts';

export interface CompleteInput extends MinerActor {
  jobId: string;
  receiptId: string;
  nonce: string;
  result: string;
  resultType?: ResultType | undefined;
  finishReason?: FinishReason | undefined;
  details?: AnswerDetails | undefined;
  /** The parameters that applied, as canonical JSON. */
  parameters?: string | undefined;
  renderedPromptHash?: string | undefined;
  reportedAt: number | undefined;
  usage: TokenUsage | undefined;
  attestation?: Attested | undefined;
  /** Set if this job was drawn for a spot check. */
  spotCheck?: SpotCheck | undefined;
}

/** A miner's signature and whether it is valid. */
export interface Attested {
  signature: Signature;
  /** Whether the signature matches the job and the result. Whether the key is the miner's is checked with the lease. */
  genuine: boolean;
}

interface Completion extends JobChange {
  input: CompleteInput;
  miner: Row<'miner'>;
  artifactHash: string;
  /** The miner's token counts, capped by what its texts allow. */
  usage: TokenUsage | undefined;
}

type Decision = { error: Outcome<never> } | { repeated: string } | { completion: Completion };

/**
 * Completes jobs with their results and returns the receipts as JSON. A repeated completion returns the same receipt.
 */
export function completeJobs(policy: SettlementPolicy & MinerPolicy): Operation<CompleteInput, string> {
  return {
    name: 'jobs.complete',
    async apply(inputs, context) {
      const named = await loadNamed(inputs, context.tx);
      const standings = await noteSeen(named.acting, policy, context);
      const decisions = inputs.map(input => {
        const decision = decide(input, named, context.now);
        if ('completion' in decision) named.jobs.set(input.jobId, decision.completion.after);
        return decision;
      });
      const completions = decisions.flatMap(decision =>
        'completion' in decision ? [decision.completion] : [],
      );
      const receipts = await settle(completions, policy, context);
      await passProbation(
        completions.map(({ miner }) => miner),
        standings,
        context,
      );
      const repeated = decisions.flatMap(decision => ('repeated' in decision ? [decision.repeated] : []));
      for (const [id, body] of await loadReceiptBodies(repeated, context.tx)) receipts.set(id, body);
      return decisions.map(decision => {
        if ('error' in decision) return decision.error;
        const id = 'repeated' in decision ? decision.repeated : decision.completion.input.receiptId;
        return done(receipts.get(id) ?? missing(id));
      });
    },
  };
}

function decide(input: CompleteInput, named: NamedRows, now: number): Decision {
  const found = named.find(input);
  if (!found.ok) return { error: found };
  const { job, miner } = found.value;
  if (job.status === 'completed' && job.miner_id === miner.id && job.receipt_id)
    return { repeated: job.receipt_id };
  if (!isHeldBy(job, miner)) return { error: notLeased(job, miner.id) };
  // A damaged row has no reliable price or times to sign. The sweep ends the job.
  if (!isReadable(job)) return { error: unreadable };
  const error = checkAttestation(input.attestation, miner);
  if (error) return { error };
  const artifactHash = artifactHashOf(job, input.result);
  return {
    completion: {
      input,
      before: job,
      after: markCompleted(job, input.receiptId, now),
      ...(input.spotCheck && { spotCheck: input.spotCheck }),
      miner,
      artifactHash,
      usage: usageOf(input, job),
    },
  };
}

/** The counts are capped before they are signed and before speeds are computed from them. */
function usageOf({ usage, result, details }: CompleteInput, job: JobRow): TokenUsage | undefined {
  if (!usage) return undefined;
  const { reasoning = '', refusal = '' } = details ?? {};
  const answer = Buffer.byteLength(result) + Buffer.byteLength(reasoning) + Buffer.byteLength(refusal);
  return plausibleUsage(usage, { prompt: job.prompt_bytes, answer });
}

const artifactHashOf = (job: Pick<JobRow, 'salt'>, result: string) => hash('sha256', job.salt + result);

/** Whether the signature covers this result of this job, whoever signed it. */
export async function isAttested(
  { id, model, prompt_hash, salt }: Pick<JobRow, 'id' | 'model' | 'prompt_hash' | 'salt'>,
  result: string,
  signature: Signature,
): Promise<boolean> {
  const artifact_hash = artifactHashOf({ salt }, result);
  return await verifyAttestation({ job_id: id, model, prompt_hash, artifact_hash }, signature);
}

function checkAttestation(attested: Attested | undefined, miner: Row<'miner'>): Outcome<never> | undefined {
  const field = 'signature';
  if (!attested) {
    if (miner.public_key === null) return undefined;
    const detail = `Miner ${miner.id} is registered with a public key: its results must be signed with it`;
    return failed('RECEIPT_INVALID_SIGNATURE', detail, { field });
  }
  const { signature, genuine } = attested;
  if (signature.key_id !== miner.public_key) {
    return failed(
      'RECEIPT_INVALID_SIGNATURE',
      'The result is signed with another key than the miner registered',
      { field },
    );
  }
  if (genuine) return undefined;
  return failed('RECEIPT_INVALID_SIGNATURE', "The miner's signature does not fit the result", { field });
}

async function settle(
  completions: readonly Completion[],
  policy: SettlementPolicy,
  context: WriteContext,
): Promise<Map<string, string>> {
  const runs = completions.map(({ input, before, miner, artifactHash, usage }): EndedAttempt => {
    const { receiptId, nonce, reportedAt, attestation, parameters, renderedPromptHash } = input;
    return {
      ...{ job: before, miner, receiptId, nonce, artifactHash, reportedAt, usage },
      ...{ attestation: attestation?.signature, renderedPromptHash },
      parametersHash: parameters === undefined ? undefined : hash('sha256', before.salt + parameters),
    };
  });
  const [settled] = await Promise.all([
    settleAttempts(runs, policy, context),
    noteSpeeds(completions, context),
  ]);
  const outputs = completions.map(({ input, usage }) => ({
    job_id: input.jobId,
    result: input.result,
    type: input.resultType ?? ('text' as const),
    finish_reason: input.finishReason ?? null,
    usage: usage ? JSON.stringify(usage) : null,
    details: input.details ? JSON.stringify(input.details) : null,
    parameters: input.parameters ?? null,
  }));
  await context.tx.insert('job_output', outputs);
  await saveJobs(
    completions.map((completion, index) => ({ ...completion, paid: settled[index]?.paid })),
    context,
  );
  await smoothRunTimes(completions, context);
  return new Map(runs.map(({ receiptId }, index) => [receiptId, settled[index]?.body ?? missing('receipt')]));
}

async function noteSpeeds(completions: readonly Completion[], context: WriteContext): Promise<void> {
  const streamed = completions.flatMap(({ before }) => (before.stream === 1 ? [before.id] : []));
  const streams = await context.tx.load('job_stream', 'job_id', streamed);
  const firstChunks = new Map(streams.map(stream => [stream.job_id, stream.first_chunk_at]));
  const runs = completions.map(
    ({ input, before, usage }): MeasuredAttempt => ({
      minerId: input.minerId,
      model: before.model,
      startedAt: before.started_at ?? context.now,
      firstChunkAt: firstChunks.get(before.id) ?? null,
      usage,
    }),
  );
  await smoothSpeeds(runs, context);
  await countAnswers(runs, context);
}

const SMOOTHING = 0.2;

/** Updates the average run time by model and priority, which start estimates use. */
async function smoothRunTimes(completions: readonly Completion[], { tx, now }: WriteContext): Promise<void> {
  const queueIds = [...new Set(completions.map(({ before }) => before.queue_id))];
  const queues = await tx.load('queue', 'id', queueIds);
  const clockIds = new Map(queues.map(queue => [queue.id, queue.clock_id]));
  const clocks = await tx.load('fair_clock', 'id', [...new Set(clockIds.values())]);
  for (const clock of clocks) {
    for (const { before } of completions) {
      if (clockIds.get(before.queue_id) !== clock.id) continue;
      const ran = now - (before.started_at ?? now);
      clock.average_run_ms = clock.average_run_ms === 0 ? ran : smooth(clock.average_run_ms, ran);
    }
  }
  await tx.update(
    'fair_clock',
    clocks.map(({ id, average_run_ms }) => ({ id, average_run_ms })),
  );
}

const smooth = (average: number, run: number) => average + SMOOTHING * (run - average);

function missing(what: string): never {
  throw new Error(`${what} is missing in the store`);
}
