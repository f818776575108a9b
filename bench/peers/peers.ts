import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type OwnServer, startProgram } from '../server.ts';

/** Job queues on PostgreSQL that others make. */
const PROGRAMS = { 'pg-boss': 'pg-boss-server.ts', 'graphile-worker': 'graphile-worker-server.ts' } as const;

export interface Peer {
  name: keyof typeof PROGRAMS;
  /** Whether requests that come together are one call of it, rather than each request one. */
  batched: boolean;
}

export const PEERS: readonly Peer[] = [
  { name: 'pg-boss', batched: false },
  { name: 'graphile-worker', batched: false },
  { name: 'pg-boss', batched: true },
  { name: 'graphile-worker', batched: true },
];

/**
 * Whether the peers are installed. They are apart from what a checkout needs, since they ask for a newer Node.js than npm
 * may run on: `npm ci --prefix bench/peers` brings them.
 */
export const arePeersInstalled = (): boolean =>
  existsSync(new URL('node_modules/pg-boss/package.json', import.meta.url));

/** A server of ours on an empty database, with the peer behind the three routes of a lifecycle. */
export function startPeer({ name, batched }: Peer, databaseUrl: string): Promise<OwnServer> {
  const path = fileURLToPath(new URL(PROGRAMS[name], import.meta.url));
  return startProgram([path, '--database-url', databaseUrl, ...(batched ? ['--batched'] : [])]);
}
