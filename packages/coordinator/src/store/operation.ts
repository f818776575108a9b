import { type ErrorInfo, RequestError } from '../errors.ts';
import type { StoreEvent } from './events.ts';
import type { Topics } from './topics.ts';
import type { WriteTransaction } from './transaction.ts';

/** The result of one input of an operation. An input with an error changed nothing. */
export type Outcome<Output> = { ok: true; value: Output } | { ok: false; error: ErrorInfo };

export const done = <Output>(value: Output): Outcome<Output> => ({ ok: true, value });

export const failed = (
  code: ErrorInfo['code'],
  detail: string,
  more: Omit<ErrorInfo, 'code' | 'detail'> = {},
): Outcome<never> => ({ ok: false, error: { code, detail, ...more } });

/** @throws {RequestError} where the outcome is an error */
export function unwrap<Output>(outcome: Outcome<Output>): Output {
  if (outcome.ok) return outcome.value;
  throw new RequestError(outcome.error);
}

export interface WriteContext {
  tx: WriteTransaction;
  /** The time of the batch, in ms since the epoch. All its operations see the same time. */
  now: number;
  /**
   * A monotonic clock in ms, for durations only: it starts anywhere, and setting the system's clock does not move it.
   * Equals `now` where `now` is injected.
   */
  uptime: number;
  /** Passes the event to the store's listeners once the transaction is committed. */
  emit(event: StoreEvent): void;
  /** Calls the subscribers of `topic` one after the other, within this transaction, each with all changes. */
  publish<Topic extends keyof Topics>(topic: Topic, changes: readonly Topics[Topic][]): Promise<void>;
}

/**
 * A kind of write. `apply` gets all of its inputs in the batch, in order of arrival, and returns an outcome for each in
 * the same order. An input with an error outcome must change nothing. A throw rolls back the whole batch.
 */
export interface Operation<Input, Output> {
  /** Unique: the batch order has it. */
  readonly name: string;
  /**
   * Whether a batch of nothing but such operations resolves before it is on disk. A crash of the machine may then lose
   * it, but never a later batch without it: the log is synced in order.
   */
  readonly resolvesBeforeSync?: boolean;
  apply(inputs: readonly Input[], context: WriteContext): Promise<Outcome<Output>[]>;
}
