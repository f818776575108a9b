import { fail } from '../../errors.ts';

/** What a follower has been told last, besides chunks, in their order. */
export const STAGES = ['new', 'pending', 'running', 'ended', 'result', 'over'] as const;
export type Stage = (typeof STAGES)[number];

/** How far a follower of a job has come: it goes on from there at any coordinator. */
export interface EventCursor {
  stage: Stage;
  /** Attempt that it was told of. */
  attempt: number;
  /** Run of the stream that it reads. */
  run: number;
  /** Index of the chunk that it gets next. */
  next: number;
}

export const FROM_THE_START: EventCursor = { stage: 'new', attempt: 0, run: 0, next: 0 };

const CURSOR = /^([a-z]+)\.(\d{1,9})\.(\d{1,6})\.(\d{1,8})$/;

/** An event's id, from which `readEventId` gets the cursor. Opaque to clients. */
export const eventIdOf = ({ stage, attempt, run, next }: EventCursor) => `${stage}.${attempt}.${run}.${next}`;

/** Throws RequestError. */
export function readEventId(id: string): EventCursor {
  const [, stage, ...numbers] = CURSOR.exec(id) ?? [];
  const [attempt = 0, run = 0, next = 0] = numbers.map(Number);
  const known = STAGES.find(name => name === stage);
  if (known) return { stage: known, attempt, run, next };
  fail('VALIDATION_INVALID_FORMAT', "The event id is none of this coordinator's: take it from an event", {
    field: 'last_event_id',
  });
}
