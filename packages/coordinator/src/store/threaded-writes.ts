import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { WriteResult } from './batcher.ts';
import type { StoreEvent } from './events.ts';
import type { Operation, Outcome } from './operation.ts';
import { StoreUnavailable } from './unavailable.ts';
import type { Writer } from './writer.ts';
import { createWrites, rejectClosed, type Writes } from './writes.ts';

/*
 * Runs the writer in a thread of its own, so that two cores work: while the writer thread applies operations, signs and
 * waits for the disk, the main thread reads requests and writes responses. The writer thread forms the batches. Both
 * threads have the operations and name them in messages; inputs, outcomes and events cross between them, all of one
 * turn of the event loop in one message.
 */

interface WriteRequests {
  /** The time by an injected clock, in ms since the epoch. */
  now: number | undefined;
  writes: readonly WriteRequest[];
}

interface WriteRequest {
  id: number;
  name: string;
  input: unknown;
}

type ThreadMessage = { ready: true } | { events: readonly StoreEvent[]; answers: readonly WriteAnswer[] };

interface WriteAnswer {
  id: number;
  result: WriteResult | { unavailable: SerializedUnavailable };
}

/** A StoreUnavailable as it crosses between threads, which lose an object's class. */
type SerializedUnavailable = Pick<StoreUnavailable, 'fault' | 'retryAfter' | 'cause'>;

interface PendingWrite {
  resolve(outcome: Outcome<unknown>): void;
  reject(error: unknown): void;
}

/** Starts a writer thread from the file `program`, and resolves once it has opened the database. */
export async function startWriterThread(
  program: URL,
  workerData: unknown,
  { now }: { now: (() => number) | undefined },
): Promise<Writes> {
  const worker = new Worker(program, { workerData });
  await Promise.race([once(worker, 'message'), waitForExit(worker)]);

  const pendingWrites = new Map<number, PendingWrite>();
  let lastId = 0;
  let requests: WriteRequest[] = [];
  let notify: (events: readonly StoreEvent[]) => void = () => {};
  let onIdle = () => {};
  let isClosed = false;

  // A coordinator that can't write is of no use, so the unhandled rejection ends the process.
  void waitForExit(worker).catch(error => {
    for (const { reject } of pendingWrites.values()) reject(error);
    throw error;
  });

  worker.on('message', (message: Exclude<ThreadMessage, { ready: true }>) => {
    notify(message.events);
    for (const { id, result } of message.answers) {
      const asker = pendingWrites.get(id);
      pendingWrites.delete(id);
      if ('outcome' in result) asker?.resolve(result.outcome);
      else if ('unavailable' in result) asker?.reject(reviveUnavailable(result.unavailable));
      else asker?.reject(result.error);
    }
    if (pendingWrites.size === 0) onIdle();
  });

  function post() {
    worker.postMessage({ now: now?.(), writes: requests } satisfies WriteRequests);
    requests = [];
  }

  return {
    write(operation, input) {
      if (isClosed) return rejectClosed();
      return new Promise((resolve, reject) => {
        if (requests.length === 0) setImmediate(post);
        requests.push({ id: ++lastId, name: operation.name, input });
        pendingWrites.set(lastId, { resolve: resolve as PendingWrite['resolve'], reject });
      });
    },
    onCommit(listener) {
      notify = listener;
    },
    async close() {
      if (pendingWrites.size > 0) await new Promise<void>(resolve => (onIdle = resolve));
      isClosed = true;
      const ended = once(worker, 'exit');
      worker.postMessage('close');
      await ended;
    },
  };
}

const reviveUnavailable = ({ cause, fault, retryAfter }: SerializedUnavailable) =>
  new StoreUnavailable(cause, fault, retryAfter);

/** Resolves when the thread has exited. Rejects where its exit code is not 0. */
async function waitForExit(worker: Worker): Promise<void> {
  const [code] = await once(worker, 'exit');
  if (code !== 0) throw new Error(`The writer thread has ended with ${code}`);
}

function serializeError(error: unknown): WriteAnswer['result'] {
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

/** Runs in the writer thread: applies the writes that arrive through `port` until the message `close`. */
export function serveWriter({ port, writer, operations, maxBatch }: ServedWriter): void {
  const byName = new Map(operations.map(operation => [operation.name, operation]));
  let now: number | undefined;
  const writes = createWrites(writer, { now: () => now, maxBatch });
  let events: StoreEvent[] = [];
  let answers: WriteAnswer[] = [];

  /** Sends the answers of one batch in one message: they all arrive in the same turn of the event loop. */
  function answer(answered: WriteAnswer) {
    if (answers.length === 0) process.nextTick(post);
    answers.push(answered);
  }

  function post() {
    port.postMessage({ events, answers } satisfies ThreadMessage);
    events = [];
    answers = [];
  }

  async function write({ id, name, input }: WriteRequest): Promise<void> {
    try {
      const operation = byName.get(name);
      if (!operation) throw new Error(`The writer thread knows no operation ${name}`);
      answer({ id, result: { outcome: await writes.write(operation, input as never) } });
    } catch (error) {
      answer({ id, result: serializeError(error) });
    }
  }

  writes.onCommit(committed => events.push(...committed));
  port.on('message', (message: WriteRequests | 'close') => {
    if (message === 'close') return void writes.close().then(() => port.close());
    now = message.now;
    for (const request of message.writes) void write(request);
  });
  port.postMessage({ ready: true } satisfies ThreadMessage);
}
