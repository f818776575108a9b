import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

export interface Ids {
  /** `job-01kc0pq5w8e4z9k3v7t2m6n1rx`: sorts by time, unique without asking anyone. */
  next(prefix: 'job' | 'rcpt' | 'grant' | 'restore' | 'opening' | 'key' | 'file' | 'batch'): string;
  /** Random bytes in hex. */
  hex(bytes: number): string;
}

export function createIds(now: () => number, random: (bytes: number) => Buffer = createRandom()): Ids {
  const ulid = monotonicFactory(() => random(1).readUInt8() / 256);
  return {
    next: prefix => `${prefix}-${ulid(now()).toLowerCase()}`,
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
