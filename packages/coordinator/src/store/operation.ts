import type { ErrorCode, Problem } from '@aitbc/protocol';
import type { StoreEvent } from './events.ts';
import type { Transaction } from './transaction.ts';

/** Why an operation changed nothing. */
export interface Refusal {
  code: ErrorCode;
  detail: string;
  field?: string;
  retryAfter?: number;
  /** What is wrong where; for administrators. */
  components?: Problem['components'];
}

export type Outcome<Output> = { ok: true; value: Output } | { ok: false; refusal: Refusal };

export const done = <Output>(value: Output): Outcome<Output> => ({ ok: true, value });
export const refused = (
  code: ErrorCode,
  detail: string,
  more: Omit<Refusal, 'code' | 'detail'> = {},
): Outcome<never> => ({
  ok: false,
  refusal: { code, detail, ...more },
});

/** A refusal on its way to the caller. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

/** Throws Refused. */
export function refuse(code: ErrorCode, detail: string, more: Omit<Refusal, 'code' | 'detail'> = {}): never {
  throw new Refused({ code, detail, ...more });
}

/** The value of an outcome. Throws Refused where there is none. */
export function unwrap<Output>(outcome: Outcome<Output>): Output {
  if (outcome.ok) return outcome.value;
  throw new Refused(outcome.refusal);
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
}

/**
 * A kind of write. It gets all inputs of its kind that are in the batch, in the order in which they came, and
 * answers each in the same order. A refusal leaves no trace; a throw undoes the whole batch.
 */
export interface Operation<Input, Output> {
  readonly name: string;
  /** Where it stands in a batch: lower first, so that what frees capacity comes before what takes it. */
  readonly order: number;
  apply(inputs: readonly Input[], context: WriteContext): Promise<Outcome<Output>[]>;
}
