import { fail } from '../../errors.ts';

/** The last thing, besides chunks, that a follower was sent, in order. */
export const STAGES = ['new', 'pending', 'running', 'ended', 'result', 'over'] as const;
export type FollowStage = (typeof STAGES)[number];

/** How far a follower of a job has come. It can continue from there at any coordinator. */
export interface EventCursor {
  stage: FollowStage;
  /** The attempt that the follower was told about. */
  attempt: number;
  /** How often the stream had started again when the follower read it. */
  restarts: number;
  /** The index of the next chunk. */
  next: number;
}

export const FROM_THE_START: EventCursor = { stage: 'new', attempt: 0, restarts: 0, next: 0 };

const CURSOR = /^([a-z]+)\.(\d{1,9})\.(\d{1,6})\.(\d{1,8})$/;

/** Returns the id of an event, which `readEventId` converts back to a cursor. The format is opaque to clients. */
export const eventIdOf = ({ stage, attempt, restarts, next }: EventCursor) =>
  `${stage}.${attempt}.${restarts}.${next}`;

/** Throws RequestError if the id has another format. */
export function readEventId(id: string): EventCursor {
  const [, stage, ...numbers] = CURSOR.exec(id) ?? [];
  const [attempt = 0, restarts = 0, next = 0] = numbers.map(Number);
  const known = STAGES.find(name => name === stage);
  if (known) return { stage: known, attempt, restarts, next };
  fail(
    'VALIDATION_INVALID_FORMAT',
    'This coordinator sent no event with this id: use the id of an event that you received',
    {
      field: 'last_event_id',
    },
  );
}
