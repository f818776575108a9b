import type { Batch } from '@aitbc/protocol';
import type { Row } from '../store/schema.ts';

/*
 * The life of a batch. Its stage says what is done next, and its owner sees its status:
 *
 *   validating ──▶ submitting ──▶ running ──▶ writing ──▶ done
 *   (validating)   (in_progress)              (finalizing) (completed)
 *        │               └──window over, cancel──▶ ending ──▶ writing ──▶ done
 *        │                          (finalizing or cancelling)           (expired or cancelled)
 *        └──wrong file, window over, cancel──▶ done (failed, expired or cancelled)
 *
 * The transaction of a step checks that the batch still has the stage and file position that the step was prepared for,
 * and advances the batch. So any number of coordinators may prepare the same step and one succeeds. A coordinator that
 * stops loses at most a step that was not made.
 */

/** The start of a line: the part of the file, the offset in it in characters, and the number of the line, from 1. */
export interface Place {
  part: number;
  position: number;
  line: number;
}

export const BEGINNING: Place = { part: 0, position: 0, line: 1 };

export type BatchRow = Row<'batch'>;
export type Stage = BatchRow['stage'];

export function statusOf({ stage, outcome }: Pick<BatchRow, 'stage' | 'outcome'>): Batch['status'] {
  if (stage === 'done') return outcome ?? 'completed';
  if (stage === 'validating') return 'validating';
  if (outcome === 'cancelled') return 'cancelling';
  return stage === 'submitting' || stage === 'running' ? 'in_progress' : 'finalizing';
}

export const placeOf = ({ part, position, line }: BatchRow): Place => ({ part, position, line });

/** Whether the batch still has the stage and position that a step was prepared for. */
export const isAt = (batch: BatchRow | undefined, stage: Stage, place: Place): batch is BatchRow =>
  batch?.stage === stage &&
  batch.part === place.part &&
  batch.position === place.position &&
  batch.line === place.line;

/** Whether all requests were answered, even if the window has ended since. */
export const isAnswered = ({ stage, total, completed }: BatchRow) =>
  stage === 'running' && completed === total;

export function end(batch: BatchRow, outcome: NonNullable<BatchRow['outcome']>, now: number): BatchRow {
  return { ...batch, stage: 'done', outcome, ended_at: now };
}

/** Returns Unix seconds. */
const seconds = (time: number | null) => (time === null ? null : Math.floor(time / 1000));

export function toBatch(batch: BatchRow): Batch {
  const { total, completed, failed, errors, metadata } = batch;
  const endedAs = (outcome: BatchRow['outcome']) =>
    batch.outcome === outcome ? seconds(batch.ended_at) : null;
  return {
    id: batch.id,
    object: 'batch',
    endpoint: batch.endpoint,
    errors: errors === null ? null : { object: 'list', data: JSON.parse(errors) },
    input_file_id: batch.input_file_id,
    completion_window: batch.completion_window,
    status: statusOf(batch),
    output_file_id: batch.stage === 'done' ? batch.output_file_id : null,
    error_file_id: batch.stage === 'done' ? batch.error_file_id : null,
    created_at: Math.floor(batch.created_at / 1000),
    in_progress_at: seconds(batch.in_progress_at),
    expires_at: Math.floor(batch.expires_at / 1000),
    finalizing_at: seconds(batch.finalizing_at),
    completed_at: endedAs('completed'),
    failed_at: endedAs('failed'),
    expired_at: endedAs('expired'),
    cancelling_at: seconds(batch.cancelling_at),
    cancelled_at: endedAs('cancelled'),
    request_counts: { total, completed, failed },
    metadata: metadata === null ? null : JSON.parse(metadata),
  };
}
