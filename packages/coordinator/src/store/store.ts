import type { Kysely } from 'kysely';
import type { StoreListener } from './events.ts';
import type { Lookup } from './lookup.ts';
import type { Operation, Outcome } from './operation.ts';
import type { DatabaseSchema } from './schema.ts';
import type { StoreUnavailable } from './unavailable.ts';

/** A step of background work. `more` says whether another step has work to do at once. */
export type BackgroundStep = Operation<undefined, { more: boolean }>;

export async function runStep(store: Pick<Store, 'write'>, step: BackgroundStep): Promise<boolean> {
  const outcome = await store.write(step, undefined);
  return outcome.ok && outcome.value.more;
}

/** The database as the modules see it. */
export interface Store {
  /** Whether other coordinators may use the same database. */
  readonly isShared: boolean;
  /** Queries over the committed state. */
  readonly read: Kysely<DatabaseSchema>;
  /** Returns the rows of one key. What is asked for at the same time shares a statement where that is cheaper. */
  lookUp<R>(query: Lookup<R>, key: string): Promise<R[]>;
  /** Resolves once the write is durable. */
  write<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Outcome<Output>>;
  /** Calls `listener` after each commit with events. Returns a function that removes the listener. */
  onCommit(listener: StoreListener): () => void;
  /** Calls `listener` whenever a write fails because of the database. */
  onFault(listener: (fault: StoreUnavailable) => void): void;
  /** @throws {StoreUnavailable} once a newer version has changed the schema, since rows may have another meaning then */
  requireCurrent(): void;
  /** Rejects where the database does not answer or takes no writes. Costs only a read where a write succeeded recently. */
  ping(): Promise<void>;
  /** Waits for the writes in progress, then closes the connections. */
  close(): Promise<void>;
}
