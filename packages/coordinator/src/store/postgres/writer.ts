import { mayResolveBeforeSync, type WriteCall } from '../batcher.ts';
import type { StoreEvent } from '../events.ts';
import { applyCalls, executeCalls, type Transact } from '../execute.ts';
import type { WriteContext } from '../operation.ts';
import { StoreUnavailable } from '../unavailable.ts';
import { createWriteProber } from '../write-health.ts';
import { createContext, createPositionOf, type WritePlan } from '../write-plan.ts';
import type { Committed, Writer } from '../writer.ts';
import { createConnectBackoff } from './backoff.ts';
import { type PostgresOptions, translatePostgresError } from './connection.ts';
import type { ReplicaListener } from './listener-locks.ts';
import { createMutex } from './mutex.ts';
import { notifyStatements } from './notifications.ts';
import { openWriteSession, type WriteSession } from './session.ts';

export interface PostgresWriterOptions extends PostgresOptions {
  /** This coordinator as a listener for notifications. */
  listener: ReplicaListener;
  plan: WritePlan;
}

/**
 * Writes over one connection, which it opens when needed and again when it breaks. Durability order: a batch's rows and
 * its notification are in one transaction, COMMIT returns once the log is on disk, and only then do the batch's writes
 * resolve.
 *
 * While the database commits one batch, the next one is computed from the rows that the first leaves in memory, and sent
 * right after it. Each transaction stores its batch's name and requires to find the name of the batch before. Where that
 * batch was rolled back, or another coordinator has written since, the whole next batch fails and runs again alone, on
 * the rows in the database. So no batch is ever committed that was computed from other rows than those before it.
 */
export function createPostgresWriter({ listener, plan, ...options }: PostgresWriterOptions): Writer {
  const backoff = createConnectBackoff();
  const turns = createMutex();
  const doubt = createWriteProber();
  const position = createPositionOf(plan);
  let session: WriteSession | undefined;
  /** Whether a batch may have been committed whose events did not go out. */
  let mayHaveMissedEvents = false;

  async function currentSession(): Promise<WriteSession> {
    if (session && !session.isBroken) return session;
    session = await backoff.attempt(() => openWriteSession(options));
    return session;
  }

  /** The events of a committed transaction. */
  function toCommittedEvents(emitted: readonly StoreEvent[]): StoreEvent[] {
    // This transaction had the write lock, so the one with the unknown outcome has ended.
    const events: StoreEvent[] = mayHaveMissedEvents ? [{ type: 'missed' }, ...emitted] : [...emitted];
    mayHaveMissedEvents = false;
    return events;
  }

  /** Runs `work` in a transaction, and resolves when it is sent. `committed` settles with the transaction's outcome. */
  async function send(
    on: WriteSession,
    { ahead, now, sync }: { ahead: boolean; now: number | undefined; sync: boolean },
    work: (context: WriteContext) => Promise<void>,
  ) {
    const emitted: StoreEvent[] = [];
    let proven = () => {};
    const began = ahead ? on.beginWithoutWaiting() : await on.begin();
    const moment = now ?? began.now;
    try {
      const base = {
        tx: on.tx,
        now: moment,
        uptime: now ?? performance.now(),
        emit: (event: StoreEvent) => emitted.push(event),
      };
      await work(createContext(base, plan));
      proven = await doubt.probe(on.tx, moment);
    } catch (error) {
      throw (await on.rollBack()) ?? error;
    }
    return { emitted, committed: on.commit(notifyStatements(emitted, listener), { sync }).then(proven) };
  }

  /** Closes the session after a fault of the server or the connection, since its last transaction's outcome is unknown. */
  function noteFailure(on: WriteSession, error: unknown): unknown {
    const translated = translatePostgresError(error);
    doubt.noteFailure(translated);
    // A full disk rolls the transaction back, and the session stays usable.
    if (translated instanceof StoreUnavailable && translated.fault !== 'full') {
      on.discard();
      mayHaveMissedEvents = true;
    }
    return translated;
  }

  /** Runs all calls in one transaction, right after those already sent. Returns undefined where they must run alone. */
  async function commitBehind(
    calls: readonly WriteCall[],
    now: number | undefined,
    sent: () => void,
  ): Promise<Committed | undefined> {
    const turn = await turns.acquire();
    let on: WriteSession | undefined;
    try {
      on = await currentSession();
      if (on.hasFailed) return undefined;
      let outcomes: Awaited<ReturnType<typeof applyCalls>> = [];
      const { emitted, committed } = await send(
        on,
        { ahead: on.canSendAhead, now, sync: !mayResolveBeforeSync(calls) },
        async context => {
          outcomes = await applyCalls(calls, context, position);
        },
      );
      turn.release();
      sent();
      await committed;
      return { results: outcomes.map(outcome => ({ outcome })), events: toCommittedEvents(emitted) };
    } catch (error) {
      const translated = on ? noteFailure(on, error) : error;
      if (translated instanceof StoreUnavailable) throw translated;
      return undefined;
    } finally {
      turn.release();
    }
  }

  /** Waits for all sent transactions, then runs the calls on the rows in the database. */
  async function commitAlone(calls: readonly WriteCall[], now: number | undefined): Promise<Committed> {
    const turn = await turns.acquire();
    const events: StoreEvent[] = [];
    try {
      const on = await currentSession();
      await on.recover();
      const transact: Transact = async work => {
        try {
          const { emitted, committed } = await send(
            on,
            { ahead: false, now, sync: !mayResolveBeforeSync(calls) },
            work,
          );
          await committed;
          events.push(...toCommittedEvents(emitted));
        } catch (error) {
          const translated = noteFailure(on, error);
          if (!on.isBroken) await on.recover();
          throw translated;
        }
      };
      return { results: await executeCalls(calls, transact, position), events };
    } finally {
      turn.release();
    }
  }

  return {
    maxOpen: 2,
    syncUnderWay: undefined,
    async commit(calls, now, sent) {
      return (await commitBehind(calls, now, sent)) ?? (await commitAlone(calls, now));
    },
    async close() {
      const turn = await turns.acquire();
      if (!session?.isBroken) await session?.client.end();
      turn.release();
    },
  };
}
