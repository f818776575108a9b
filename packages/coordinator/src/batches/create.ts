import { loadRepeated, type Repeatable } from '../accounts/idempotency.ts';
import { holdFiles, loadFiles } from '../files/upload.ts';
import { done, failed, type Operation, type WriteContext } from '../store/operation.ts';
import type { BatchRow } from './batch.ts';
import { BEGINNING } from './lines.ts';

export interface CreateInput
  extends Repeatable,
    Pick<BatchRow, 'id' | 'endpoint' | 'completion_window' | 'metadata' | 'input_file_id' | 'tier'> {
  windowMs: number;
}

/** Begins a batch with a file of its owner's, which stays until the batch has ended. */
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

export const batchNotFound = failed('BATCH_NOT_FOUND', 'Batch not found');

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
  const { id, accountId, endpoint, completion_window, metadata, input_file_id, tier, windowMs } = input;
  return {
    ...{ id, endpoint, completion_window, metadata, input_file_id, tier, ...BEGINNING },
    account_id: accountId,
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
