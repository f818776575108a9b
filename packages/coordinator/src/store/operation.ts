import { type ErrorInfo, RequestError } from '../errors.ts';
import type { StoreEvent } from './events.ts';
import type { Transaction } from './transaction.ts';

/** What came of one input of an operation. With an error, the input changed nothing. */
export type Outcome<Output> = { ok: true; value: Output } | { ok: false; error: ErrorInfo };

export const done = <Output>(value: Output): Outcome<Output> => ({ ok: true, value });

export const failed = (
  code: ErrorInfo['code'],
  detail: string,
  more: Omit<ErrorInfo, 'code' | 'detail'> = {},
): Outcome<never> => ({ ok: false, error: { code, detail, ...more } });

/**
 * The value of an outcome.
 *
 * @throws {RequestError} where the outcome is an error
 */
export function unwrap<Output>(outcome: Outcome<Output>): Output {
  if (outcome.ok) return outcome.value;
  throw new RequestError(outcome.error);
}

export interface WriteContext {
  tx: Transaction;
  /** One moment for the whole batch, in ms since the epoch. */
  now: number;
  /**
   * The process's monotonic clock in ms, for durations: where it stands says nothing, and no step of the clock moves it.
   * Where `now` is injected, it is `now`.
   */
  uptime: number;
  /** Told to whoever waits, once the transaction is committed. */
  emit(event: StoreEvent): void;
  /** Calls the subscribers of `topic` within this transaction, one after the other, each with all changes. */
  publish(topic: string, changes: unknown): Promise<void>;
}

/**
 * A kind of write. It gets all inputs of its kind that are in the batch, in the order in which they came, and
 * answers each in the same order. An input that it answers with an error leaves no trace; a throw undoes the whole batch.
 */
export interface Operation<Input, Output> {
  /** Unique, since operations are told by their names where they cross threads, and where they are put in order. */
  readonly name: string;
  apply(inputs: readonly Input[], context: WriteContext): Promise<Outcome<Output>[]>;
}
