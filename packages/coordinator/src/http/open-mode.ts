import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { fail } from '../errors.ts';

/** The names and pages that may call a coordinator in open mode. */
export interface OpenModeOptions {
  /** Host names of the coordinator, besides addresses and localhost. */
  hosts: readonly string[];
  /** Origins whose pages may write, besides this machine's and the coordinator's own. */
  origins: readonly string[];
}

/** Hosts that were found to be its own, at most: a caller can name any number of addresses. */
const MAX_CHECKED_HOSTS = 100;

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Rejects requests that web pages of other origins make through a browser on the operator's machine or network, since in
 * open mode no key protects the coordinator. An unknown host name may be an attacker's that resolves to this machine (DNS
 * rebinding). For writes, browsers always send the page's origin.
 */
export function rejectForeignPages(app: FastifyInstance, { hosts, origins }: OpenModeOptions): void {
  const names = new Set(hosts.map(name => name.toLowerCase()));
  const allowed = new Set(origins);
  const checkedHosts = new Set<string>();
  app.addHook('onRequest', (request, _reply, done) => {
    const { host, origin } = request.headers;
    if (host !== undefined && !checkedHosts.has(host)) {
      if (!isOwnName(nameIn(host), names)) {
        fail(
          'HOST_NOT_ALLOWED',
          `This coordinator asks for no key, so it answers to addresses, localhost and the names in --allowed-hosts only, not to ${nameIn(host)}`,
        );
      }
      if (checkedHosts.size < MAX_CHECKED_HOSTS) checkedHosts.add(host);
    }
    if (origin === undefined || READING.has(request.method)) return done();
    if (!isLoopbackOrigin(origin) && !allowed.has(origin) && hostIn(origin) !== host) {
      fail(
        'ORIGIN_NOT_ALLOWED',
        `This coordinator asks for no key, so pages of ${origin.slice(0, 100)} may not write: --cors-origin says which may`,
      );
    }
    done();
  });
}

/** Whether a page comes from this machine. */
export function isLoopbackOrigin(origin: string): boolean {
  const host = hostIn(origin);
  return host !== undefined && isLoopbackName(nameIn(host));
}

export function isLoopbackName(name: string): boolean {
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost');
}

const isOwnName = (name: string, names: ReadonlySet<string>) =>
  isIP(name) !== 0 || isLoopbackName(name) || names.has(name);

/** A host without its port, and without the brackets of an IPv6 address. */
const nameIn = (host: string) =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();

const hostIn = (origin: string) => (URL.canParse(origin) ? new URL(origin).host : undefined);
