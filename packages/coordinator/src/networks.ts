import ipaddr from 'ipaddr.js';

/** How many leading 16-bit groups of an IPv6 address identify a provider's customer. */
const CUSTOMER_GROUPS = 4;

/**
 * The network by which an address is counted: the address itself for IPv4, and its /64 for IPv6, since each customer of a
 * provider has a whole /64. Undefined for this machine, since a proxy on it passes on the requests of many clients.
 */
export function networkOf(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return address;
  const ip = ipaddr.process(address);
  if (ip.range() === 'loopback') return undefined;
  if (!(ip instanceof ipaddr.IPv6)) return ip.toString();
  const groups = ip.parts.slice(0, CUSTOMER_GROUPS).map(group => group.toString(16));
  return `${groups.join(':')}::/64`;
}
