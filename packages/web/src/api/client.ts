import { CoordinatorClient } from '@aitbc/sdk';

/** The address of the coordinator that serves this page. */
export const COORDINATOR_URL = location.origin;

/** A client without a key, for what is public. */
export const publicClient = new CoordinatorClient(COORDINATOR_URL, { maxRetries: 1, timeout: 15_000 });
