import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type OwnServer, startProgram } from '../server.ts';

/** Other job queues on PostgreSQL. */
const PROGRAMS = { 'pg-boss': 'pg-boss-server.ts', 'graphile-worker': 'graphile-worker-server.ts' } as const;

export interface Peer {
  name: keyof typeof PROGRAMS;
  /** Whether concurrent requests share one call. */
  batched: boolean;
}

export const PEERS: readonly Peer[] = [
  { name: 'pg-boss', batched: false },
  { name: 'graphile-worker', batched: false },
  { name: 'pg-boss', batched: true },
  { name: 'graphile-worker', batched: true },
];

/**
 * Whether the peers are installed. They are not among the dependencies, as they may need a newer Node.js than
 * npm runs on: `npm ci --prefix bench/peers` installs them.
 */
export const arePeersInstalled = (): boolean =>
  existsSync(new URL('node_modules/pg-boss/package.json', import.meta.url));

/** Starts a server on an empty database that offers the three routes of a lifecycle through the peer. */
export function startPeer({ name, batched }: Peer, databaseUrl: string): Promise<OwnServer> {
  const path = fileURLToPath(new URL(PROGRAMS[name], import.meta.url));
  return startProgram([path, '--database-url', databaseUrl, ...(batched ? ['--batched'] : [])]);
}
