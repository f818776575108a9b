import { Readable } from 'node:stream';

/** A comment, which clients of server-sent events ignore. */
const HEARTBEAT = ': still here\n\n';

export interface EventStreamOptions {
  /** Text before the frames. It is sent at once, so that the client gets the headers. */
  opening: string;
  heartbeatMs: number;
}

/**
 * Makes a stream of frames, with a heartbeat after each `heartbeatMs` without a frame, so that neither side nor a proxy
 * considers the connection dead. It asks for an event only when the frame before was taken, so a slow reader slows down
 * the source. Fails with the error of the source, and ends the source when the reader leaves.
 *
 * The whole stream has one timer: a timer and a race of promises for each event cost more than its frame.
 */
export function createEventStream<T>(
  events: AsyncIterable<T>,
  frameOf: (event: T) => string,
  { opening, heartbeatMs }: EventStreamOptions,
): Readable {
  const iterator = events[Symbol.asyncIterator]();
  /** Undefined until somebody reads, so a stream that nobody reads leaves no timer behind. */
  let timer: NodeJS.Timeout | undefined;
  let isWaiting = false;

  function sendHeartbeat() {
    // A reader that has not taken the last heartbeat needs no other.
    if (isWaiting && stream.readableLength === 0) stream.push(HEARTBEAT);
    timer?.refresh();
  }

  function sendNext({ done, value }: IteratorResult<T>) {
    isWaiting = false;
    if (stream.destroyed) return;
    timer?.refresh();
    stream.push(done ? null : frameOf(value));
  }

  const fail = (error: Error) => stream.destroy(error);

  const stream = new Readable({
    // Otherwise events would be taken ahead of the reader.
    highWaterMark: 1,
    read() {
      if (!timer) {
        timer = setTimeout(sendHeartbeat, heartbeatMs);
        this.push(opening);
      } else if (!isWaiting) {
        isWaiting = true;
        iterator.next().then(sendNext).catch(fail);
      }
    },
    destroy(error, done) {
      clearTimeout(timer);
      // A generator that waits for its next event ends after that event, and the stream does not wait for it.
      iterator.return?.().catch(() => {});
      done(error);
    },
  });
  return stream;
}
