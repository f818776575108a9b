import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

export interface Ids {
  /** `job-01kc0pq5w8e4z9k3v7t2m6n1rx`: sorts by time, unique without asking anyone. */
  next(prefix: string): string;
  /** Random bytes in hex. */
  hex(bytes: number): string;
}

/** @param prefixes those that modules have declared; any unless given */
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

/** Secure random bytes, taken from the system in larger portions: each call to it costs more than the bytes. */
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
