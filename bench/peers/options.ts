import { parseArgs } from 'node:util';

/** How a peer's server is started. */
export interface PeerOptions {
  databaseUrl: string;
  /** Serve what comes at the same time with the peer's calls for many jobs, rather than each request with one call. */
  batched: boolean;
}

export function peerOptions(): PeerOptions {
  const { values } = parseArgs({
    options: { 'database-url': { type: 'string' }, batched: { type: 'boolean', default: false } },
  });
  const databaseUrl = values['database-url'];
  if (databaseUrl === undefined) throw new Error('--database-url is needed');
  return { databaseUrl, batched: values.batched };
}

/** What the coordinator has: 10 connections that read, one that writes, one that listens. */
export const CONNECTIONS = 12;
