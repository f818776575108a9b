import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type Answer, decode, encode } from 'dns-packet';

/** A DNS server on a loopback address. */
export interface DnsServer {
  /** As `IP:PORT`. */
  address: string;
  /** The IPv4 addresses that each name has from now on; other names don't exist. */
  names: Record<string, string[]>;
  /** The names that it was asked for. */
  asked: string[];
  close(): void;
}

export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const server: DnsServer = { address: '', names: {}, asked: [], close: () => socket.close() };
  socket.on('message', (message, { port, address }) => {
    const query = decode(message);
    const [{ name, type } = { name: '', type: 'A' }] = query.questions ?? [];
    if (type === 'A') server.asked.push(name);
    const addresses = server.names[name];
    const answers =
      type === 'A' ? (addresses ?? []).map((data): Answer => ({ type: 'A', name, ttl: 0, data })) : [];
    const NXDOMAIN = 3;
    const flags = addresses ? 0 : NXDOMAIN;
    socket.send(
      encode({ type: 'response', id: query.id ?? 0, flags, questions: query.questions ?? [], answers }),
      port,
      address,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  server.address = `127.0.0.1:${socket.address().port}`;
  return server;
}
