import type { Call } from '../batcher.ts';
import type { StoreEvent } from '../events.ts';
import { apply, execute, type Transact } from '../execute.ts';
import type { WriteContext } from '../operation.ts';
import { StoreUnavailable } from '../unavailable.ts';
import { createDoubt } from '../write-health.ts';
import { contextOf, positionsIn, type WritePlan } from '../write-plan.ts';
import type { Committed, Writer } from '../writer.ts';
import { createBackoff } from './backoff.ts';
import { type PostgresOptions, translate } from './connection.ts';
import type { Listener } from './listening.ts';
import { notifying } from './notifications.ts';
import { openSession, type Session } from './session.ts';
import { createTurns } from './turns.ts';

export interface PostgresWriterOptions extends PostgresOptions {
  /** Its own part in who listens. */
  listener: Listener;
  plan: WritePlan;
}

/**
 * Writes over one connection, made when needed and made anew when it breaks. Durability order: a batch's rows and its
 * notification are in one transaction, COMMIT answers once its log is on disk, and only then are its callers answered.
 *
 * Batches follow each other closely: while the database commits one, the next is decided on what that one leaves, and
 * sent behind it. Each names itself in its transaction, and demands to find the name of the one before it. Where that
 * was rolled back, or somebody else has written since, the next one fails as a whole and is done again, alone, on what
 * there is. So nothing is ever committed that was decided on something else.
 */
export function createPostgresWriter({ listener, plan, ...options }: PostgresWriterOptions): Writer {
  const backoff = createBackoff();
  const turns = createTurns();
  const doubt = createDoubt();
  const position = positionsIn(plan);
  let session: Session | undefined;
  /** Whether a batch may have been committed whose events nobody here was told. */
  let isUnsure = false;

  async function current(): Promise<Session> {
    if (session && !session.broken) return session;
    session = await backoff.attempt(() => openSession(options));
    return session;
  }

  /** What was emitted, once it may be told. */
  function told(emitted: readonly StoreEvent[]): StoreEvent[] {
    // Having had the lock, this transaction came after the end of that one, whichever it was.
    const events: StoreEvent[] = isUnsure ? [{ type: 'missed' }, ...emitted] : [...emitted];
    isUnsure = false;
    return events;
  }

  /** Runs `work` in a transaction, and answers when it is on its way: `committed` tells what came of it. */
  async function send(
    on: Session,
    { ahead, now }: { ahead: boolean; now: number | undefined },
    work: (context: WriteContext) => Promise<void>,
  ) {
    const emitted: StoreEvent[] = [];
    let proven = () => {};
    const began = ahead ? on.beginAhead() : await on.begin();
    const moment = now ?? began.now;
    try {
      const base = {
        tx: on.tx,
        now: moment,
        uptime: now ?? performance.now(),
        emit: (event: StoreEvent) => emitted.push(event),
      };
      await work(contextOf(base, plan));
      proven = await doubt.write(on.tx, moment);
    } catch (error) {
      throw (await on.rollBack()) ?? error;
    }
    return { emitted, committed: on.commit(notifying(emitted, listener)).then(proven) };
  }

  /** What is of the session's or the server's making ends the session, since what became of it is unknown. */
  function failed(on: Session, error: unknown): unknown {
    const translated = translate(error);
    doubt.failed(translated);
    // A full disk undoes the transaction, and leaves its session as good as it was.
    if (translated instanceof StoreUnavailable && translated.fault !== 'full') {
      on.fail();
      isUnsure = true;
    }
    return translated;
  }

  /** All calls in one transaction, behind what is on its way already. Undefined where they have to be done alone. */
  async function commitBehind(
    calls: readonly Call[],
    now: number | undefined,
    sent: () => void,
  ): Promise<Committed | undefined> {
    const turn = await turns.take();
    let on: Session | undefined;
    try {
      on = await current();
      if (on.hasFailed) return undefined;
      let outcomes: Awaited<ReturnType<typeof apply>> = [];
      const { emitted, committed } = await send(on, { ahead: on.mayGoAhead, now }, async context => {
        outcomes = await apply(calls, context, position);
      });
      turn.end();
      sent();
      await committed;
      return { results: outcomes.map(outcome => ({ outcome })), events: told(emitted) };
    } catch (error) {
      const translated = on ? failed(on, error) : error;
      if (translated instanceof StoreUnavailable) throw translated;
      return undefined;
    } finally {
      turn.end();
    }
  }

  /** Waits for all that is on its way, and goes on from what the database has. */
  async function commitAlone(calls: readonly Call[], now: number | undefined): Promise<Committed> {
    const turn = await turns.take();
    const events: StoreEvent[] = [];
    try {
      const on = await current();
      await on.recover();
      const transact: Transact = async work => {
        try {
          const { emitted, committed } = await send(on, { ahead: false, now }, work);
          await committed;
          events.push(...told(emitted));
        } catch (error) {
          const translated = failed(on, error);
          if (!on.broken) await on.recover();
          throw translated;
        }
      };
      return { results: await execute(calls, transact, position), events };
    } finally {
      turn.end();
    }
  }

  return {
    async commit(calls, now, sent) {
      return (await commitBehind(calls, now, sent)) ?? (await commitAlone(calls, now));
    },
    async close() {
      const turn = await turns.take();
      if (!session?.broken) await session?.client.end();
      turn.end();
    },
  };
}
