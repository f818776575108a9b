import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createEventStream } from '../src/http/event-stream.ts';

const HEARTBEAT_MS = 1_000;
const options = { opening: 'opening\n', heartbeatMs: HEARTBEAT_MS };
const frameOf = (event: string) => `${event}\n`;

/** Events that the test sends, one for each that is asked for. */
function createSource() {
  let asked = 0;
  let sent = Promise.withResolvers<string>();
  const over = Promise.withResolvers<void>();
  async function* events() {
    try {
      for (;;) {
        asked++;
        yield await sent.promise;
      }
    } finally {
      over.resolve();
    }
  }
  return {
    events: events(),
    over: over.promise,
    get asked() {
      return asked;
    },
    send(event: string) {
      const { resolve } = sent;
      sent = Promise.withResolvers();
      resolve(event);
    },
    fail: (error: Error) => sent.reject(error),
  };
}

/** Lets promises and streams go on; it waits for no timer. */
const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(process.nextTick);
};

async function open() {
  const source = createSource();
  const stream = createEventStream(source.events, frameOf, options);
  const read = async () => {
    await settle();
    const text: Buffer | null = stream.read();
    await settle();
    return text?.toString();
  };
  await read();
  return { source, stream, read };
}

describe('a stream of events', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('has a heartbeat after each interval without an event', async () => {
    const { source, stream, read } = await open();
    vi.advanceTimersByTime(HEARTBEAT_MS - 1);
    source.send('first');
    expect(await read()).toBe('first\n');
    vi.advanceTimersByTime(HEARTBEAT_MS - 1);
    expect(await read()).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(await read()).toBe(': still here\n\n');
    vi.advanceTimersByTime(HEARTBEAT_MS);
    expect(await read()).toBe(': still here\n\n');
    source.send('second');
    await settle();
    expect(source.asked).toBe(2);
    expect(await read()).toBe('second\n');
    stream.destroy();
  });

  test('keeps at most one heartbeat and one event for a reader that takes nothing', async () => {
    const { source, stream, read } = await open();
    vi.advanceTimersByTime(10 * HEARTBEAT_MS);
    source.send('first');
    await settle();
    vi.advanceTimersByTime(10 * HEARTBEAT_MS);
    source.send('nobody asked for it');
    await settle();
    expect(source.asked).toBe(1);
    expect(await read()).toBe(': still here\n\nfirst\n');
    expect(source.asked).toBe(2);
    stream.destroy();
  });

  test('ends whole for a reader that takes its end late', async () => {
    const { source, stream } = await open();
    source.send('last');
    await source.events.return(undefined);
    await settle();
    vi.advanceTimersByTime(10 * HEARTBEAT_MS);
    expect((await stream.toArray()).join('')).toBe('last\n');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends its source and its timer when the reader leaves', async () => {
    const { source, stream, read } = await open();
    source.send('first');
    await read();
    stream.destroy();
    expect(vi.getTimerCount()).toBe(0);
    source.send('last');
    await source.over;
  });

  test('fails with the error of its source', async () => {
    const { source, stream } = await open();
    const failed = expect(stream.toArray()).rejects.toThrow('The database is away');
    source.fail(new Error('The database is away'));
    await failed;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('fails where an event has no frame', async () => {
    const frameless = () => {
      throw new Error('No frame');
    };
    const { events, send, over } = createSource();
    const failed = expect(createEventStream(events, frameless, options).toArray()).rejects.toThrow(
      'No frame',
    );
    await settle();
    send('first');
    await failed;
    await over;
  });

  test('leaves no timer where nobody reads it', () => {
    createEventStream(createSource().events, frameOf, options);
    expect(vi.getTimerCount()).toBe(0);
  });
});
