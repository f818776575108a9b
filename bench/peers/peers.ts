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

/** A server of ours on an empty database, with the peer behind the three routes of a lifecycle. */
export function startPeer({ name, batched }: Peer, databaseUrl: string): Promise<OwnServer> {
  const path = fileURLToPath(new URL(PROGRAMS[name], import.meta.url));
  return startProgram([path, '--database-url', databaseUrl, ...(batched ? ['--batched'] : [])]);
}
