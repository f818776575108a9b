import type * as Library from 'rate-limiter-flexible';
// @ts-expect-error the library has types for its index only
import memory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';
// @ts-expect-error as above
import postgres from 'rate-limiter-flexible/lib/RateLimiterPostgres.js';
// @ts-expect-error as above
import result from 'rate-limiter-flexible/lib/RateLimiterRes.js';

/* The limiters that are used here. The library's index loads those of thirty other stores, too, which takes 8 MB. */

export const RateLimiterMemory: typeof Library.RateLimiterMemory = memory;
export const RateLimiterPostgres: typeof Library.RateLimiterPostgres = postgres;
export const RateLimiterRes: typeof Library.RateLimiterRes = result;
