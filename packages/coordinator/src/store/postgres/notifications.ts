import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Client } from 'pg';
import type { StoreEvent } from '../events.ts';
import type { Schema } from '../schema.ts';
import { connect, type PostgresOptions } from './connection.ts';

const CHANNEL = 'aitbc';

/** PostgreSQL takes less than 8,000 bytes, of which escapes may take some. */
const PAYLOAD_LIMIT = 7_000;

const RECONNECT_MS = 1_000;

/** What crosses between replicas: `miner` stands for a row that is too large, and is read by who needs it. */
type Told =
  | Exclude<StoreEvent, { type: 'miner.changed' } | { type: 'missed' }>
  | { type: 'miner'; id: string };

interface Message {
  from: string;
  events: Told[];
}

export interface Notifications {
  /** The statements that tell the other replicas, once the transaction commits that they are part of. */
  statements(events: readonly StoreEvent[], client: Client): string;
  close(): Promise<void>;
}

/**
 * Hears what other replicas commit. After each time that the connection was lost it tells of a `missed` event, since
 * nobody keeps notifications for who does not listen.
 */
export function listen(
  options: PostgresOptions,
  read: Kysely<Schema>,
  hear: (events: readonly StoreEvent[]) => void,
): Notifications {
  const self = randomUUID();
  const stopped = new AbortController();
  let client: Client | undefined;
  let last = Promise.resolve();

  async function follow(message: Message): Promise<void> {
    const ids = message.events.flatMap(event => (event.type === 'miner' ? [event.id] : []));
    const rows =
      ids.length === 0 ? [] : await read.selectFrom('miner').selectAll().where('id', 'in', ids).execute();
    const others = message.events.filter(event => event.type !== 'miner');
    hear([...rows.map(miner => ({ type: 'miner.changed', miner }) as const), ...others]);
  }

  async function attend(): Promise<void> {
    const connected = await connect(options);
    client = connected;
    if (stopped.signal.aborted) return await connected.end();
    const ended = new Promise<void>(resolve => connected.once('end', resolve));
    connected.on('notification', ({ payload = '' }) => {
      const message: Message = JSON.parse(payload);
      if (message.from === self) return;
      // In their order, also where one has to wait for rows.
      last = last.then(() => follow(message)).catch(() => hear([{ type: 'missed' }]));
    });
    await connected.query(`LISTEN ${CHANNEL}`);
    hear([{ type: 'missed' }]);
    await ended;
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
    statements(events, client) {
      const texts = messagesOf(events, self).map(message => client.escapeLiteral(JSON.stringify(message)));
      return texts.map(text => `NOTIFY ${CHANNEL}, ${text};`).join(' ');
    },
    async close() {
      stopped.abort();
      await client?.end().catch(() => {});
      await attending;
    },
  };
}

/** One message a batch, or as many as its events need. */
function messagesOf(events: readonly StoreEvent[], from: string): Message[] {
  const messages: Message[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const event of events) {
    if (event.type === 'missed') continue;
    const told: Told = event.type === 'miner.changed' ? { type: 'miner', id: event.miner.id } : event;
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
