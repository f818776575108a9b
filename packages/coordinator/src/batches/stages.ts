import type { BatchError } from '@aitbc/protocol';
import { loadRepeated, type Repeatable } from '../accounts/idempotency.ts';
import { holdFiles, loadFiles } from '../files/upload.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import { type BatchRow, BEGINNING, end, isAnswered, statusOf } from './batch.ts';

/**
 * The error for a step whose batch has changed since: another coordinator made the step, or the batch was cancelled.
 */
export const overtaken = failed('BATCH_INVALID_STATUS', 'The batch is no longer in this stage');

/** Changes each batch by a decision on its row, and releases the input files of batches that are done. */
async function moveBatches<Input extends { batchId: string }>(
  inputs: readonly Input[],
  { tx, publish }: WriteContext,
  decide: (batch: BatchRow, input: Input) => Outcome<BatchRow>,
): Promise<Outcome<BatchRow>[]> {
  const batches = await loadBatches(
    inputs.map(input => input.batchId),
    tx,
  );
  const before = [...batches.values()];
  const ended: BatchRow[] = [];
  const outcomes = inputs.map(input => {
    const batch = batches.get(input.batchId);
    if (!batch) return batchNotFound;
    const outcome = decide(batch, input);
    if (!outcome.ok) return outcome;
    batches.set(input.batchId, outcome.value);
    if (outcome.value.stage === 'done' && batch.stage !== 'done') ended.push(outcome.value);
    return outcome;
  });
  await tx.change(
    'batch',
    before.map(before => ({ before, after: batches.get(before.id) ?? before })),
  );
  await holdFiles(
    ended.map(batch => [batch.input_file_id, -1]),
    tx,
  );
  if (ended.length > 0) await publish('batch.ended', ended);
  return outcomes;
}

export interface BeginInput {
  batchId: string;
  /** The number of requests in the file. Not used if there are errors. */
  total: number;
  errors: readonly BatchError[];
}

/** Starts a batch whose file was validated, or fails it. */
export const beginBatches: Operation<BeginInput, BatchRow> = {
  name: 'batches.begin',
  apply: (inputs, context) =>
    moveBatches(inputs, context, (batch, { total, errors }) => {
      if (batch.stage !== 'validating') return overtaken;
      if (errors.length > 0)
        return done(end({ ...batch, errors: JSON.stringify(errors) }, 'failed', context.now));
      return done({ ...batch, total, stage: 'submitting', in_progress_at: context.now });
    }),
};

export interface CancelBatchInput {
  batchId: string;
  /** Null for an administrator. */
  accountId: number | null;
}

/** Cancels a batch for its owner. Answers that exist already are kept. */
export const cancelBatches: Operation<CancelBatchInput, BatchRow> = {
  name: 'batches.cancel',
  apply: (inputs, context) =>
    moveBatches(inputs, context, (batch, { accountId }) => {
      if (accountId !== null && batch.account_id !== accountId) return batchNotFound;
      const status = statusOf(batch);
      if (status === 'cancelling' || status === 'cancelled') return done(batch);
      const cancelled = { ...batch, outcome: 'cancelled', cancelling_at: context.now } as const;
      if (status === 'validating') return done(end(cancelled, 'cancelled', context.now));
      if (status === 'in_progress') return done({ ...cancelled, stage: 'ending' });
      return failed('BATCH_INVALID_STATUS', `A batch that is ${status} cannot be cancelled`);
    }),
};

/** Ends a batch whose window is over. */
export const expireBatches: Operation<{ batchId: string }, BatchRow> = {
  name: 'batches.expire',
  apply: (inputs, { now, ...context }) =>
    moveBatches(inputs, { now, ...context }, batch => {
      if (batch.expires_at > now || batch.outcome !== null || isAnswered(batch)) return overtaken;
      if (batch.stage === 'validating') return done(end(batch, 'expired', now));
      return done({ ...batch, stage: 'ending', outcome: 'expired', finalizing_at: now });
    }),
};

/** Starts writing the files of a batch whose jobs have all ended. */
export const finalizeBatches: Operation<{ batchId: string }, BatchRow> = {
  name: 'batches.finalize',
  apply: (inputs, context) =>
    moveBatches(inputs, context, batch => {
      const isReady = batch.stage === 'running' || batch.stage === 'ending';
      if (!isReady || batch.outstanding > 0) return overtaken;
      const outcome = batch.outcome ?? 'completed';
      const finalizing_at = outcome === 'completed' ? context.now : batch.finalizing_at;
      return done({ ...batch, ...BEGINNING, stage: 'writing', outcome, finalizing_at });
    }),
};

export interface CreateInput
  extends Repeatable,
    Pick<BatchRow, 'id' | 'endpoint' | 'completion_window' | 'metadata' | 'input_file_id' | 'tier'> {
  keyId: string | null;
  windowMs: number;
  /** The place of the batch's jobs in a trace, as a W3C `traceparent`. Absent if they belong to none. */
  traceparent?: string | undefined;
}

/** Creates a batch with a file of its owner, which is kept until the batch has ended. */
export const createBatches: Operation<CreateInput, BatchRow> = {
  name: 'batches.create',
  async apply(inputs, context) {
    const { tx, now } = context;
    const repeated = await loadRepeated(inputs, context);
    const files = await loadFiles(
      inputs.map(input => input.input_file_id),
      tx,
    );
    const made: BatchRow[] = [];
    const outcomes = inputs.map(input => {
      const before = repeated.answer(input);
      if (before) return before;
      const file = files.get(input.input_file_id);
      if (file?.status !== 'whole' || file.account_id !== input.accountId || file.purpose !== 'batch')
        return noSuchInput;
      made.push(newBatch(input, now));
      repeated.note(input, [input.id]);
      return done([input.id]);
    });
    await repeated.save();
    await tx.insert('batch', made);
    await holdFiles(
      made.map(batch => [batch.input_file_id, 1]),
      tx,
    );
    const ids = outcomes.flatMap(outcome => (outcome.ok ? outcome.value : []));
    const batches = await loadBatches(ids, tx);
    return outcomes.map(outcome => {
      if (!outcome.ok) return outcome;
      const batch = batches.get(outcome.value[0] ?? '');
      return batch ? done(batch) : batchNotFound;
    });
  },
};

const batchNotFound = failed('BATCH_NOT_FOUND', 'Batch not found');

const noSuchInput = failed('FILE_NOT_FOUND', 'There is no such file of yours to read requests from', {
  field: 'input_file_id',
});

export async function loadBatches(
  ids: readonly string[],
  tx: WriteContext['tx'],
): Promise<Map<string, BatchRow>> {
  const batches = await tx.load('batch', 'id', [...new Set(ids)]);
  return new Map(batches.map(batch => [batch.id, batch]));
}

function newBatch(input: CreateInput, now: number): BatchRow {
  const { id, accountId, endpoint, completion_window, metadata, input_file_id, tier, keyId, windowMs } =
    input;
  return {
    ...{ id, endpoint, completion_window, metadata, input_file_id, tier, ...BEGINNING },
    account_id: accountId,
    key_id: keyId,
    traceparent: input.traceparent ?? null,
    output_file_id: null,
    error_file_id: null,
    errors: null,
    stage: 'validating',
    outcome: null,
    ...{ total: 0, completed: 0, failed: 0, outstanding: 0 },
    created_at: now,
    expires_at: now + windowMs,
    in_progress_at: null,
    cancelling_at: null,
    finalizing_at: null,
    ended_at: null,
  };
}
