/** A comment, which clients of server-sent events pass over. */
export const HEARTBEAT = ': still here\n\n';

/**
 * The events as they come, and `undefined` whenever none has come for `ms`: a heartbeat is due then, so that neither side
 * nor a proxy takes the connection for dead. The caller must end `events`.
 */
export async function* withHeartbeats<T>(
  events: AsyncIterator<T>,
  ms: number,
): AsyncGenerator<T | undefined> {
  for (let next = events.next(); ; ) {
    const came = await within(ms, next);
    if (!came) yield undefined;
    else if (came.done) return;
    else {
      next = events.next();
      yield came.value;
    }
  }
}

/** Undefined where it takes longer. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(late.resolve, ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
