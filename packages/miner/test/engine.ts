import type { Backend, Generated, Generation } from '../src/index.ts';

/** A text that the engine was asked for and has not returned yet. */
export interface Started {
  generation: Generation;
  finish(text?: string, usage?: Generated['usage']): void;
  fail(error: unknown): void;
}

/** An engine that returns texts when the test says so, and stops when its signal aborts. */
export interface Engine {
  backend: Backend;
  /** The models that it can run, or the error that it rejects with. */
  models: string[] | Error;
  /** Resolves with the next requested text. */
  next(): Promise<Started>;
  /** How many texts are being generated. */
  readonly running: number;
}

export function engine(...models: string[]): Engine {
  const arrived: Started[] = [];
  const awaited: ((started: Started) => void)[] = [];
  let running = 0;
  const made: Engine = {
    models,
    next: async () => arrived.shift() ?? (await new Promise(resolve => awaited.push(resolve))),
    get running() {
      return running;
    },
    backend: {
      name: 'an engine by hand',
      async models() {
        if (made.models instanceof Error) throw made.models;
        return made.models;
      },
      async generate(generation) {
        const { promise, resolve, reject } = Promise.withResolvers<Generated>();
        const { signal } = generation;
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        const finish: Started['finish'] = (text = 'the answer', usage) =>
          resolve({ text, ...(usage && { usage }) });
        const started = { generation, finish, fail: reject };
        const waiting = awaited.shift();
        if (waiting) waiting(started);
        else arrived.push(started);
        running++;
        return await promise.finally(() => running--);
      },
      async close() {},
    },
  };
  return made;
}
