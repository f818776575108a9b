import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

export interface Ids {
  /** A new unique id that sorts by time, such as `job-01kc0pq5w8e4z9k3v7t2m6n1rx`. */
  next(prefix: string): string;
  /** Random bytes in hex. */
  hex(bytes: number): string;
}

/** @param prefixes the allowed prefixes, which modules declare; all are allowed unless given */
export function createIds(now: () => number, prefixes?: ReadonlySet<string>): Ids {
  const random = createRandom();
  const ulid = monotonicFactory(() => random(1).readUInt8() / 256);
  return {
    next(prefix) {
      if (prefixes?.has(prefix) === false)
        throw new Error(`No module has declared ids that begin with ${prefix}`);
      return `${prefix}-${ulid(now()).toLowerCase()}`;
    },
    hex: bytes => random(bytes).toString('hex'),
  };
}

const POOL_BYTES = 4096;

/** Returns secure random bytes. They are fetched in large portions, since each call to the system is expensive. */
function createRandom(): (bytes: number) => Buffer {
  const pool = Buffer.allocUnsafe(POOL_BYTES);
  let used = POOL_BYTES;
  return bytes => {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return pool.subarray(used - bytes, used);
  };
}
