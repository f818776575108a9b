import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** Which addresses deliveries may be sent to. */
export interface AddressPolicy {
  /**
   * Why the address can't be used, or undefined if it can. Public addresses can be used by https, and those that the
   * operator allows by http, too.
   */
  faultOf(address: string, protocol: 'http:' | 'https:'): string | undefined;
}

/**
 * Reads networks such as `10.0.0.0/8` and single addresses.
 *
 * @throws with a message that continues the option's name
 */
export function parseNetworks(texts: readonly string[]): Network[] {
  return texts.map(text => {
    try {
      if (text.includes('/')) return ipaddr.parseCIDR(text);
      const address = ipaddr.parse(text);
      return [address, address.kind() === 'ipv4' ? 32 : 128];
    } catch {
      throw new Error(`must be networks such as 10.0.0.0/8, not ${JSON.stringify(text)}`);
    }
  });
}

export function createAddressPolicy(allowed: readonly string[]): AddressPolicy {
  const networks = parseNetworks(allowed);
  const isAllowed = (address: Address) =>
    networks.some(([network, bits]) => network.kind() === address.kind() && matches(address, network, bits));
  return {
    faultOf(text, protocol) {
      if (!ipaddr.isValid(text)) return `${text} is no address`;
      const given = ipaddr.parse(text);
      const address = reachedBy(given);
      if (isAllowed(given) || isAllowed(address)) return undefined;
      if (!isPublic(address)) return `the address ${text} is not public`;
      return protocol === 'http:' ? 'plain http is not encrypted: it must be https' : undefined;
    },
  };
}

const matches = (address: Address, network: Address, bits: number) =>
  (address as ipaddr.IPv6).match(network as ipaddr.IPv6, bits);

/** Prefix of IPv6 addresses that a NAT64 gateway turns into the IPv4 address in their last 32 bits (RFC 6052). */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96') as [ipaddr.IPv6, number];

/** The address that packets end up at: of an IPv4-mapped or NAT64 address, the IPv4 address in it. */
function reachedBy(address: Address): Address {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (address.match(NAT64)) return new ipaddr.IPv4(address.toByteArray().slice(12));
  return address;
}

/** All IPv6 addresses that are assigned to the public (RFC 4291). Tunnels and documentation within it have ranges of their own. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/** The address at which Azure answers its virtual machines about themselves. It lies in public space. */
const AZURE_METADATA = '168.63.129.16';

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || address.toString() === AZURE_METADATA) return false;
  return !(address instanceof ipaddr.IPv6) || address.match(GLOBAL_UNICAST);
}
