import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { Operation } from '../operation.ts';
import type { Committed, Writer } from './writer.ts';

/*
 * A writer in a thread of its own: while it waits for the disk, the main thread reads requests, and the machine has
 * two cores at work rather than one. Operations stay in their threads and are told by their names; inputs, outcomes
 * and events cross, one message a batch.
 */

interface BatchMessage {
  now: number;
  calls: readonly { name: string; input: unknown }[];
}

type Answer = { ready: true } | { committed: Committed } | { failed: unknown };

/** Starts the thread whose program is at `program`, and waits until it has opened its database. */
export async function startWriterThread(program: URL, workerData: unknown): Promise<Writer> {
  const worker = new Worker(program, { workerData });
  const waiting: { resolve(committed: Committed): void; reject(error: unknown): void }[] = [];
  let dead: Error | undefined;

  const started = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: Answer) => {
      if ('ready' in message) resolve();
      else if ('committed' in message) waiting.shift()?.resolve(message.committed);
      else waiting.shift()?.reject(message.failed);
    });
    const die = (error: Error) => {
      dead = error;
      reject(error);
      for (const { reject } of waiting.splice(0)) reject(error);
    };
    worker.on('error', die);
    worker.on('exit', code => die(new Error(`The writer thread has ended with ${code}`)));
  });
  await started;

  return {
    commit(calls, now) {
      if (dead) return Promise.reject(dead);
      const named = calls.map(({ operation, input }) => ({ name: operation.name, input }));
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        worker.postMessage({ now, calls: named } satisfies BatchMessage);
      });
    },
    async close() {
      if (dead) return;
      const ended = once(worker, 'exit');
      worker.postMessage('close');
      await ended;
    },
  };
}

/** The thread's side: commits what comes through `port` until it is told to close. */
export function serveWriter(
  port: MessagePort,
  writer: Writer,
  operations: readonly Operation<never, unknown>[],
): void {
  const byName = new Map(operations.map(operation => [operation.name, operation]));
  let last = Promise.resolve();
  port.on('message', (message: BatchMessage | 'close') => {
    // One after the other: a connection has one transaction at a time.
    last = last.then(() => handle(message));
  });
  port.postMessage({ ready: true } satisfies Answer);

  async function handle(message: BatchMessage | 'close'): Promise<void> {
    if (message === 'close') {
      await writer.close();
      port.close();
      return;
    }
    try {
      port.postMessage({ committed: await commit(message) } satisfies Answer);
    } catch (error) {
      port.postMessage({ failed: error } satisfies Answer);
    }
  }

  async function commit({ calls, now }: BatchMessage): Promise<Committed> {
    const unknown = calls.find(call => !byName.has(call.name));
    if (unknown) throw new Error(`The writer thread knows no operation ${unknown.name}`);
    const known = calls.flatMap(({ name, input }) => {
      const operation = byName.get(name);
      return operation ? [{ operation, input }] : [];
    });
    return await writer.commit(known, now);
  }
}
