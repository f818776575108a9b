/** A comment, which clients of server-sent events ignore. */
export const HEARTBEAT = ': still here\n\n';

/**
 * Yields the events as they arrive, and `undefined` after each `ms` without one. The caller then sends a heartbeat, so
 * that neither side nor a proxy considers the connection dead. The caller must end `events`.
 */
export async function* withHeartbeats<T>(
  events: AsyncIterator<T>,
  ms: number,
): AsyncGenerator<T | undefined> {
  for (let next = events.next(); ; ) {
    const came = await withTimeout(ms, next);
    if (!came) yield undefined;
    else if (came.done) return;
    else {
      next = events.next();
      yield came.value;
    }
  }
}

/** Resolves with undefined where the promise takes longer than `ms`. */
export async function withTimeout<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(late.resolve, ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
