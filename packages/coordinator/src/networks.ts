import ipaddr from 'ipaddr.js';

/** Leading groups of an IPv6 address, of 16 bits each, by which providers tell their customers apart. */
const CUSTOMER_GROUPS = 4;

/**
 * What an address is counted as: itself for IPv4, however it is written, and its /64 for IPv6, since each customer of a
 * provider has all addresses of one. Undefined for this machine, which is behind all requests that a proxy on it passes on.
 */
export function networkOf(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return address;
  const ip = ipaddr.process(address);
  if (ip.range() === 'loopback') return undefined;
  if (!(ip instanceof ipaddr.IPv6)) return ip.toString();
  const groups = ip.parts.slice(0, CUSTOMER_GROUPS).map(group => group.toString(16));
  return `${groups.join(':')}::/64`;
}
