import { parseArgs } from 'node:util';

/** How a peer's server is started. */
export interface PeerOptions {
  databaseUrl: string;
  /** Whether concurrent requests use the peer's calls for many jobs, rather than one call each. */
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

/** The coordinator's number: 10 connections that read, one that writes and one that listens. */
export const CONNECTIONS = 12;
