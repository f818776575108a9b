import type { Kysely } from 'kysely';
import type { StoreListener } from './events.ts';
import type { Operation, Outcome } from './operation.ts';
import type { Schema } from './schema.ts';
import type { StoreUnavailable } from './unavailable.ts';

/** A step of work that nobody asks for: it answers whether another step has something to do at once. */
export type Step = Operation<undefined, { more: boolean }>;

export async function stepOf(store: Pick<Store, 'write'>, step: Step): Promise<boolean> {
  const outcome = await store.write(step, undefined);
  return outcome.ok && outcome.value.more;
}

/** A database engine, as the modules see it. */
export interface Store {
  /** Whether other coordinators may use it, too. */
  readonly isShared: boolean;
  /** Committed state. */
  readonly read: Kysely<Schema>;
  /** Resolves once the write is durable. */
  write<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Outcome<Output>>;
  /** Calls `listener` after each commit that had events; returns how to stop. */
  onCommit(listener: StoreListener): () => void;
  /** Calls `listener` with each fault of the database that a write fails for. */
  onFault(listener: (fault: StoreUnavailable) => void): void;
  /** @throws {StoreUnavailable} once a newer version has changed the schema: what is read may mean something else */
  requireCurrent(): void;
  /** Rejects when the engine does not answer, or takes no writes. Cheap where writes have succeeded just now. */
  ping(): Promise<void>;
  /** Waits for what is in flight, then closes. */
  close(): Promise<void>;
}
