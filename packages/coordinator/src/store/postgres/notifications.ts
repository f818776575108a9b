import { setTimeout } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Client, QueryConfig } from 'pg';
import { isLocal, type SharedEvent, type StoreEvent } from '../events.ts';
import { newerThanThis, SELECT_DONE } from '../migrations/migrate.ts';
import type { DatabaseSchema } from '../schema.ts';
import { connectPostgres, type PostgresOptions } from './connection.ts';
import { lockListenerPlace, type ReplicaListener, tryBecomeFirst } from './listener-locks.ts';
import { OTHER_LISTENERS } from './locks.ts';

const CHANNEL = 'aitbc';
const LISTEN = `LISTEN ${CHANNEL}`;
const NOTIFY = { name: 'notify', text: `SELECT pg_notify('${CHANNEL}', $1)` };
const NOTIFY_OTHERS = {
  name: 'notify_others',
  text: `${NOTIFY.text} WHERE NOT pg_try_advisory_xact_lock(${OTHER_LISTENERS})`,
};

/** PostgreSQL allows just under 8,000 bytes. Escapes may take some of them. */
const PAYLOAD_LIMIT = 7_000;

const RECONNECT_MS = 1_000;

/** An event as it crosses between replicas. `miner` names a changed row, which may be too large to send: receivers read it. */
type ReplicaEvent = Exclude<SharedEvent, { type: 'miner.changed' }> | { type: 'miner'; id: string };

interface Message {
  from: string;
  events: ReplicaEvent[];
}

export interface Notifications {
  /**
   * Reads the changed miners of these events again and passes them on. Own commits and the notifications of others
   * arrive over different connections in any order, so the older of two changes might otherwise win.
   */
  rereadMiners(events: readonly StoreEvent[]): void;
  close(): Promise<void>;
}

export interface ListenOptions extends PostgresOptions {
  /** This coordinator as a listener. Its own notifications are ignored. */
  listener: ReplicaListener;
  /** Called when another coordinator has changed the schema to one that this program does not know. */
  onNewer(newer: Error): void;
}

/** Notifies all coordinators that the schema was changed. Older versions treat it as a missed event. */
export const TELL_MIGRATED = `SELECT pg_notify('${CHANNEL}', 'migrated')`;

/**
 * Passes on the events that other replicas commit. After each new connection it sends a `missed` event, since PostgreSQL
 * does not keep notifications for a client that is not connected.
 */
export function listen(
  { listener, onNewer, ...options }: ListenOptions,
  read: Kysely<DatabaseSchema>,
  notify: (events: readonly StoreEvent[]) => void,
): Notifications {
  const stopped = new AbortController();
  let client: Client | undefined;
  let last = Promise.resolve();

  async function deliver(events: readonly ReplicaEvent[]): Promise<void> {
    const ids = events.flatMap(event => (event.type === 'miner' ? [event.id] : []));
    const rows =
      ids.length === 0 ? [] : await read.selectFrom('miner').selectAll().where('id', 'in', ids).execute();
    const others = events.filter(event => event.type !== 'miner');
    notify([...rows.map(miner => ({ type: 'miner.changed', miner }) as const), ...others]);
  }

  /** Keeps the order of events, also where some have to wait for rows. */
  function deliverInOrder(events: readonly ReplicaEvent[]) {
    last = last.then(() => deliver(events)).catch(() => notify([{ type: 'missed' }]));
  }

  function receive(payload: string) {
    const message = readMessage(payload);
    if (message?.from === listener.id) return;
    if (!message && client) checkSchema(client).catch(() => {});
    if (message) deliverInOrder(message.events);
    else notify([{ type: 'missed' }]);
  }

  async function checkSchema(connected: Client): Promise<void> {
    const { rows } = await connected.query<{ name: string }>(SELECT_DONE);
    const newer = newerThanThis(rows);
    if (newer) onNewer(newer);
  }

  async function listenOnce(): Promise<void> {
    const connected = await connectPostgres(options);
    client = connected;
    if (stopped.signal.aborted) return await connected.end();
    const ended = new Promise<void>(resolve => connected.once('end', resolve));
    connected.on('notification', ({ payload = '' }) => receive(payload));
    try {
      await lockListenerPlace(connected, listener);
      await connected.query(LISTEN);
      await checkSchema(connected);
      notify([{ type: 'missed' }]);
      await keepListening(connected, ended);
    } finally {
      listener.isFirst = false;
      await connected.end();
    }
  }

  /** Uses the connection from time to time: a dead connection is noticed only when it is used. */
  async function keepListening(connected: Client, ended: Promise<void>): Promise<void> {
    const beat = async () => {
      await tryBecomeFirst(connected, listener);
      await connected.query(LISTEN);
      await checkSchema(connected);
    };
    const timer = setInterval(() => beat().catch(() => {}), options.timeoutMs);
    await ended.finally(() => clearInterval(timer));
  }

  async function listenUntilClosed(): Promise<void> {
    const { signal } = stopped;
    while (!signal.aborted) {
      await listenOnce().catch(() => {});
      await setTimeout(RECONNECT_MS, undefined, { signal }).catch(() => {});
    }
  }

  const listening = listenUntilClosed();
  return {
    rereadMiners(events) {
      const told = events.flatMap(event => (event.type === 'miner.changed' ? [toReplicaEvent(event)] : []));
      if (told.length > 0) deliverInOrder(told);
    },
    async close() {
      stopped.abort();
      await client?.end().catch(() => {});
      await listening;
      await last;
    },
  };
}

/** The statements that notify other listeners when their transaction commits. */
export function notifyStatements(events: readonly StoreEvent[], listener: ReplicaListener): QueryConfig[] {
  const statement = listener.isFirst ? NOTIFY_OTHERS : NOTIFY;
  return messagesOf(events, listener.id).map(message => ({
    ...statement,
    values: [JSON.stringify(message)],
  }));
}

/** Packs a batch's events into one message, or into more where they exceed the limit. */
function messagesOf(events: readonly StoreEvent[], from: string): Message[] {
  const messages: Message[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const event of events) {
    if (isLocal(event)) continue;
    const told = toReplicaEvent(event);
    const bytes = Buffer.byteLength(JSON.stringify(told)) + 1;
    if (size + bytes > PAYLOAD_LIMIT) {
      messages.push({ from, events: [] });
      size = 100;
    }
    messages.at(-1)?.events.push(told);
    size += bytes;
  }
  return messages;
}

function toReplicaEvent(event: SharedEvent): ReplicaEvent {
  if (event.type === 'miner.changed') return { type: 'miner', id: event.miner.id };
  return event.type === 'job.streamed' ? { type: event.type, jobId: event.jobId } : event;
}

/** Returns undefined for a payload that is not from a coordinator of this version. */
function readMessage(payload: string): Message | undefined {
  try {
    const { from, events }: Partial<Message> = JSON.parse(payload);
    return typeof from === 'string' && Array.isArray(events) ? { from, events } : undefined;
  } catch {
    return undefined;
  }
}
