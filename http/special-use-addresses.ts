import { BlockList, isIP } from 'node:net';

/**
 * Whether an address is on the public internet: neither private nor of special use (RFC 6890 and the
 * registries of IANA). Of IPv6 that is global unicast alone, so that an IPv4 address in IPv6 clothes
 * (mapped, compatible, NAT64, 6to4, Teredo) is none; whoever needs NAT64 allows its prefix.
 * @param address a literal IPv4 or IPv6 address; anything else is not public.
 */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !specialUse.check(address, 'ipv4');
  return (
    version === 6 && globalUnicast.check(address, 'ipv6') && !specialUse.check(address, 'ipv6')
  );
}

const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

const specialUse = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // the host endpoint of a cloud
  ['169.254.0.0', 16], // link-local, and where clouds tell their secrets
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // IETF protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.31.196.0', 24], // AS112
  ['192.52.193.0', 24], // AMT
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16], // private
  ['192.175.48.0', 24], // AS112
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
] as const) {
  specialUse.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['2001::', 23], // IETF protocol assignments, Teredo among them
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4
  ['2620:4f:8000::', 48], // AS112
  ['3fff::', 20], // documentation
] as const) {
  specialUse.addSubnet(network, prefix, 'ipv6');
}
