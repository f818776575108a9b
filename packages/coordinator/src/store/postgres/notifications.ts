import { setTimeout } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Client, QueryConfig } from 'pg';
import type { StoreEvent } from '../events.ts';
import { newerThanThis, SELECT_DONE } from '../migrations/migrate.ts';
import type { Schema } from '../schema.ts';
import { connect, type PostgresOptions } from './connection.ts';
import { type Listener, moveUp, takePlace } from './listening.ts';
import { OTHER_LISTENERS } from './locks.ts';

const CHANNEL = 'aitbc';
const LISTEN = `LISTEN ${CHANNEL}`;
const NOTIFY = { name: 'notify', text: `SELECT pg_notify('${CHANNEL}', $1)` };
const NOTIFY_OTHERS = {
  name: 'notify_others',
  text: `${NOTIFY.text} WHERE NOT pg_try_advisory_xact_lock(${OTHER_LISTENERS})`,
};

/** PostgreSQL takes less than 8,000 bytes, of which escapes may take some. */
const PAYLOAD_LIMIT = 7_000;

const RECONNECT_MS = 1_000;

/** What crosses between replicas: `miner` stands for a row that is too large, and is read by who needs it. */
type Told =
  | Exclude<StoreEvent, { type: 'miner.changed' | 'job.unreadable' | 'clock.set' | 'missed' }>
  | { type: 'miner'; id: string };

interface Message {
  from: string;
  events: Told[];
}

export interface Notifications {
  /**
   * Looks again at miners that were told of here. A commit's answer and what others committed since come over different
   * connections, in any order: without this the older of two changes might stay.
   */
  confirm(events: readonly StoreEvent[]): void;
  close(): Promise<void>;
}

export interface ListenOptions extends PostgresOptions {
  /** Its own notifications are none to be heard here. */
  listener: Listener;
  /** Called where another coordinator has brought the schema to where this program does not know it. */
  onNewer(newer: Error): void;
}

/** Tells all coordinators that the schema was changed. Older versions take it for something that they have missed. */
export const TELL_MIGRATED = `SELECT pg_notify('${CHANNEL}', 'migrated')`;

/**
 * Hears what other replicas commit. After each time that the connection was lost it tells of a `missed` event, since
 * nobody keeps notifications for who does not listen.
 */
export function listen(
  { listener, onNewer, ...options }: ListenOptions,
  read: Kysely<Schema>,
  hear: (events: readonly StoreEvent[]) => void,
): Notifications {
  const stopped = new AbortController();
  let client: Client | undefined;
  let last = Promise.resolve();

  async function follow(events: readonly Told[]): Promise<void> {
    const ids = events.flatMap(event => (event.type === 'miner' ? [event.id] : []));
    const rows =
      ids.length === 0 ? [] : await read.selectFrom('miner').selectAll().where('id', 'in', ids).execute();
    const others = events.filter(event => event.type !== 'miner');
    hear([...rows.map(miner => ({ type: 'miner.changed', miner }) as const), ...others]);
  }

  /** In their order, also where one has to wait for rows. */
  function followNext(events: readonly Told[]) {
    last = last.then(() => follow(events)).catch(() => hear([{ type: 'missed' }]));
  }

  function receive(payload: string) {
    const message = readMessage(payload);
    if (message?.from === listener.id) return;
    if (!message && client) checkSchema(client).catch(() => {});
    if (message) followNext(message.events);
    else hear([{ type: 'missed' }]);
  }

  async function checkSchema(connected: Client): Promise<void> {
    const { rows } = await connected.query<{ name: string }>(SELECT_DONE);
    const newer = newerThanThis(rows);
    if (newer) onNewer(newer);
  }

  async function attend(): Promise<void> {
    const connected = await connect(options);
    client = connected;
    if (stopped.signal.aborted) return await connected.end();
    const ended = new Promise<void>(resolve => connected.once('end', resolve));
    connected.on('notification', ({ payload = '' }) => receive(payload));
    try {
      await takePlace(connected, listener);
      await connected.query(LISTEN);
      await checkSchema(connected);
      hear([{ type: 'missed' }]);
      await attendTo(connected, ended);
    } finally {
      listener.isFirst = false;
      await connected.end();
    }
  }

  /** A connection that is dead without a word is only noticed by using it. */
  async function attendTo(connected: Client, ended: Promise<void>): Promise<void> {
    const beat = async () => {
      await moveUp(connected, listener);
      await connected.query(LISTEN);
      await checkSchema(connected);
    };
    const pulse = setInterval(() => beat().catch(() => {}), options.timeoutMs);
    await ended.finally(() => clearInterval(pulse));
  }

  async function attendForever(): Promise<void> {
    const { signal } = stopped;
    while (!signal.aborted) {
      await attend().catch(() => {});
      await setTimeout(RECONNECT_MS, undefined, { signal }).catch(() => {});
    }
  }

  const attending = attendForever();
  return {
    confirm(events) {
      const told = events.flatMap(event => (event.type === 'miner.changed' ? [toldOf(event)] : []));
      if (told.length > 0) followNext(told);
    },
    async close() {
      stopped.abort();
      await client?.end().catch(() => {});
      await attending;
      await last;
    },
  };
}

/** The statements that tell the others who listen, once the transaction commits that they are part of. */
export function notifying(events: readonly StoreEvent[], listener: Listener): QueryConfig[] {
  const statement = listener.isFirst ? NOTIFY_OTHERS : NOTIFY;
  return messagesOf(events, listener.id).map(message => ({
    ...statement,
    values: [JSON.stringify(message)],
  }));
}

/** One message a batch, or as many as its events need. */
function messagesOf(events: readonly StoreEvent[], from: string): Message[] {
  const messages: Message[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const event of events) {
    if (event.type === 'missed' || event.type === 'job.unreadable' || event.type === 'clock.set') continue;
    const told = toldOf(event);
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

function toldOf(event: Exclude<StoreEvent, { type: 'job.unreadable' | 'clock.set' | 'missed' }>): Told {
  if (event.type === 'miner.changed') return { type: 'miner', id: event.miner.id };
  return event.type === 'job.streamed' ? { type: event.type, jobId: event.jobId } : event;
}

/** Undefined for what no coordinator of this version has sent. */
function readMessage(payload: string): Message | undefined {
  try {
    const { from, events }: Partial<Message> = JSON.parse(payload);
    return typeof from === 'string' && Array.isArray(events) ? { from, events } : undefined;
  } catch {
    return undefined;
  }
}
