import { CoordinatorClient } from '@aitbc/sdk';

/** The address of the coordinator that serves this page. */
export const COORDINATOR_URL = location.origin;

/**
 * A client without a key, for what is public. It takes answers that were read for another browser up to two seconds ago,
 * and has the browser ask only for those that changed: so a hundred open pages cost the coordinator hardly more than one.
 */
export const publicClient = new CoordinatorClient(COORDINATOR_URL, {
  maxRetries: 1,
  timeout: 15_000,
  headers: { 'cache-control': 'max-age=2' },
  fetch: (input, init) => fetch(input, { ...init, cache: 'default' }),
});
