import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../option.ts';
import type { Metrics } from './metrics.ts';

/** A server of its own for the metrics, which asks for no key. */
export interface MetricsListener {
  /** Where the metrics are: `http://127.0.0.1:9464/metrics`. */
  url: string;
  close(): void;
}

/** @throws {ConfigError} where the address can't be used */
export async function listenForScrapes(
  address: string,
  metrics: Pick<Metrics, 'text' | 'contentType'>,
): Promise<MetricsListener> {
  const { host, port } = readListenAddress(address);
  const server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 60_000 }, (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname !== '/metrics' || request.method !== 'GET') {
      response.writeHead(pathname === '/metrics' ? 405 : 404).end();
      return;
    }
    void metrics.text().then(text => {
      response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
    });
  });
  server.listen(port, host);
  await once(server, 'listening').catch((error: Error) => {
    throw new ConfigError(`--metrics-listen ${address} can't be used: ${error.message}`);
  });
  server.unref();
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}/metrics`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * Reads `HOST:PORT`, where the host of IPv6 is in brackets. A port alone is on the loopback address.
 *
 * @throws {ConfigError} for any other text
 */
export function readListenAddress(address: string): { host: string; port: number } {
  const [, bracketed, plain, digits] =
    /^(?:(?:\[([\da-f:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/i.exec(address) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new ConfigError(
      `--metrics-listen must be HOST:PORT or a port, such as 127.0.0.1:9464, not ${JSON.stringify(address)}`,
    );
  return { host: bracketed ?? (plain || '127.0.0.1'), port };
}
