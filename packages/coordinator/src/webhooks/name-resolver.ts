import { promises as dns } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { AddressPolicy } from './addresses.ts';

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

/** A receiver that deliveries must not be sent to. The message says why. */
export class ReceiverRefused extends Error {
  override name = 'ReceiverRefused';
}

/** Finds the addresses of receivers, and checks each of them. */
export interface NameResolver {
  /**
   * Resolves with the addresses of a name, or with an address itself.
   *
   * @throws {ReceiverRefused} where one of them must not be reached: a name that mixes them is an attempt to get past the check
   * @throws where the name has no address, or no server answers
   */
  resolve(host: string, protocol: 'http:' | 'https:'): Promise<ResolvedAddress[]>;
}

/** Answers of DNS servers are waited for this long, and asked for this often. */
const TIMEOUT_MS = 2_500;
const TRIES = 2;

/**
 * Asks DNS servers without the system's `getaddrinfo`, whose few threads one dead zone could keep busy. The hosts file is
 * not read, but for `localhost`.
 *
 * @param server the DNS server to ask, as `IP[:PORT]`; those of the system unless given
 */
export function createNameResolver(policy: AddressPolicy, server?: string): NameResolver {
  const resolver = new dns.Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (server !== undefined) resolver.setServers([server]);

  async function lookUp(host: string): Promise<ResolvedAddress[]> {
    if (/^(.+\.)?localhost\.?$/.test(host)) return [{ address: '127.0.0.1', family: 4 }];
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = [
      ...addressesIn(v4).map(address => ({ address, family: 4 as const })),
      ...addressesIn(v6).map(address => ({ address, family: 6 as const })),
    ];
    if (found.length > 0) return found;
    const reason = v4.status === 'rejected' ? v4.reason : undefined;
    throw new Error(
      `the name ${host} has no address (${(reason as NodeJS.ErrnoException)?.code ?? 'ENODATA'})`,
    );
  }

  return {
    async resolve(host, protocol) {
      const literal = addressOf(host);
      const found = literal ? [literal] : await lookUp(host);
      for (const { address } of found) {
        const fault = policy.faultOf(address, protocol);
        if (fault !== undefined) throw new ReceiverRefused(fault);
      }
      return found;
    },
  };
}

const addressesIn = (answer: PromiseSettledResult<string[]>) =>
  answer.status === 'fulfilled' ? answer.value : [];

export const isAddressHost = (host: string) => addressOf(host) !== undefined;

/** An address in a URL's host, where IPv6 addresses have brackets. Undefined for names. */
function addressOf(host: string): ResolvedAddress | undefined {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  if (family === 0) return undefined;
  return { address: ipaddr.parse(address).toString(), family: family === 4 ? 4 : 6 };
}
