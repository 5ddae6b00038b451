import { BlockList, isIP } from 'node:net';
import { isPublicAddress } from './special-use-addresses.js';

/** Where requests to a URL of a client may go. */
export interface OutgoingPolicy {
  /** Whether the operator names this host: then it is trusted, and may be one of the system's files. */
  names(hostname: string, port: number): boolean;
  /**
   * @param hostname as `URL` gives it.
   * @param addresses every address the name has; one that is not allowed refuses them all.
   */
  allows(hostname: string, port: number, addresses: readonly string[]): boolean;
}

/**
 * The public internet, and what the operator names besides.
 * @param allow each a network (`10.1.0.0/16`), or a host with or without a port (`hooks.internal:8443`).
 */
export function createOutgoingPolicy(allow: readonly string[]): OutgoingPolicy {
  const networks = new BlockList();
  const hosts = new Set<string>();
  for (const entry of allow) {
    const [network = '', prefix] = entry.split('/');
    if (prefix === undefined) hosts.add(entry.toLowerCase());
    else networks.addSubnet(network, Number(prefix), familyOf(network));
  }
  function names(hostname: string, port: number): boolean {
    const host = hostname.replace(/\.$/, '');
    return hosts.has(host) || hosts.has(`${host}:${port}`);
  }
  return {
    names,
    allows(hostname, port, addresses) {
      if (addresses.length === 0) return false;
      if (names(hostname, port)) return true;
      return addresses.every(
        (address) => isPublicAddress(address) || networks.check(address, familyOf(address)),
      );
    },
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
