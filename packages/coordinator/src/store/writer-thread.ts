import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { Result } from './batcher.ts';
import type { StoreEvent } from './events.ts';
import type { Operation, Outcome } from './operation.ts';
import { StoreUnavailable } from './unavailable.ts';
import type { Writer } from './writer.ts';
import { createWrites, failLate, type Writes } from './writes.ts';

/*
 * Writes in a thread of its own: while it decides, signs and waits for the disk, the main thread reads requests and
 * writes answers, and the machine has two cores at work rather than one. Batches are made over there, of all that has
 * arrived when the last one is done. Operations stay in their threads and are told by their names; inputs, outcomes
 * and events cross, all of a turn of the event loop in one message.
 */

interface Asked {
  /** By an injected clock. */
  now: number | undefined;
  writes: readonly Write[];
}

interface Write {
  id: number;
  name: string;
  input: unknown;
}

type Answer = { ready: true } | { events: readonly StoreEvent[]; answers: readonly Answered[] };

interface Answered {
  id: number;
  result: Result | { unavailable: Unavailable };
}

/** A StoreUnavailable on its way between threads, where classes are lost. */
type Unavailable = Pick<StoreUnavailable, 'fault' | 'retryAfter' | 'cause'>;

interface Asker {
  resolve(outcome: Outcome<unknown>): void;
  reject(error: unknown): void;
}

/** Starts the thread whose program is at `program`, and waits until it has opened its database. */
export async function startWriterThread(
  program: URL,
  workerData: unknown,
  { now }: { now: (() => number) | undefined },
): Promise<Writes> {
  const worker = new Worker(program, { workerData });
  await Promise.race([once(worker, 'message'), endOf(worker)]);

  const waiting = new Map<number, Asker>();
  let last = 0;
  let gathered: Write[] = [];
  let tell: (events: readonly StoreEvent[]) => void = () => {};
  let onIdle = () => {};
  let isClosed = false;

  // What can't write any more is of no use: the rejection is left to end the process.
  void endOf(worker).catch(error => {
    for (const { reject } of waiting.values()) reject(error);
    throw error;
  });

  worker.on('message', (message: Exclude<Answer, { ready: true }>) => {
    tell(message.events);
    for (const { id, result } of message.answers) {
      const asker = waiting.get(id);
      waiting.delete(id);
      if ('outcome' in result) asker?.resolve(result.outcome);
      else if ('unavailable' in result) asker?.reject(revived(result.unavailable));
      else asker?.reject(result.error);
    }
    if (waiting.size === 0) onIdle();
  });

  function post() {
    worker.postMessage({ now: now?.(), writes: gathered } satisfies Asked);
    gathered = [];
  }

  return {
    write(operation, input) {
      if (isClosed) return failLate();
      return new Promise((resolve, reject) => {
        if (gathered.length === 0) setImmediate(post);
        gathered.push({ id: ++last, name: operation.name, input });
        waiting.set(last, { resolve: resolve as Asker['resolve'], reject });
      });
    },
    onCommit(listener) {
      tell = listener;
    },
    async close() {
      if (waiting.size > 0) await new Promise<void>(resolve => (onIdle = resolve));
      isClosed = true;
      const ended = once(worker, 'exit');
      worker.postMessage('close');
      await ended;
    },
  };
}

const revived = ({ cause, fault, retryAfter }: Unavailable) => new StoreUnavailable(cause, fault, retryAfter);

/** Resolves when the thread has ended as it was told to. */
async function endOf(worker: Worker): Promise<void> {
  const [code] = await once(worker, 'exit');
  if (code !== 0) throw new Error(`The writer thread has ended with ${code}`);
}

function crossing(error: unknown): Answered['result'] {
  if (!(error instanceof StoreUnavailable)) return { error };
  const { cause, fault, retryAfter } = error;
  return { unavailable: { cause, fault, retryAfter } };
}

export interface ServedWriter {
  port: MessagePort;
  writer: Writer;
  operations: readonly Operation<never, unknown>[];
  maxBatch: number;
}

/** The thread's side: writes what comes through `port` until it is told to close. */
export function serveWriter({ port, writer, operations, maxBatch }: ServedWriter): void {
  const byName = new Map(operations.map(operation => [operation.name, operation]));
  let now: number | undefined;
  const writes = createWrites(writer, { now: () => now, maxBatch });
  let events: StoreEvent[] = [];
  let answers: Answered[] = [];

  /** All that a batch has brought about is known in the same turn. */
  function answer(answered: Answered) {
    if (answers.length === 0) process.nextTick(post);
    answers.push(answered);
  }

  function post() {
    port.postMessage({ events, answers } satisfies Answer);
    events = [];
    answers = [];
  }

  async function write({ id, name, input }: Write): Promise<void> {
    try {
      const operation = byName.get(name);
      if (!operation) throw new Error(`The writer thread knows no operation ${name}`);
      answer({ id, result: { outcome: await writes.write(operation, input as never) } });
    } catch (error) {
      answer({ id, result: crossing(error) });
    }
  }

  writes.onCommit(told => events.push(...told));
  port.on('message', (message: Asked | 'close') => {
    if (message === 'close') return void writes.close().then(() => port.close());
    now = message.now;
    for (const asked of message.writes) void write(asked);
  });
  port.postMessage({ ready: true } satisfies Answer);
}
