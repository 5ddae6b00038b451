import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Every address of a name. @throws where it has none. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** As the system does, with its files and search domains: on threads that this process has few of. */
export const lookUpBySystem: Resolve = (hostname) => lookup(hostname, { all: true });

/**
 * Asks the name servers themselves, on none of those threads: one that keeps silent, as whoever owns
 * the name may have arranged, holds nobody else up.
 * @param timeout for all of it (milliseconds).
 * @param servers `address:port` each; those of the system by default.
 */
export function lookUpByNameServer(timeout: number, servers?: readonly string[]): Resolve {
  return async function lookUp(hostname) {
    const family = isIP(hostname);
    if (family !== 0) return [{ address: hostname, family }];
    const resolver = new Resolver({ timeout: Math.ceil(timeout / 3), tries: 2 });
    if (servers) resolver.setServers(servers);
    const enough = setTimeout(() => resolver.cancel(), timeout);
    const answers = await Promise.allSettled([
      resolver.resolve4(hostname).then((found) => found.map(ofFamily(4))),
      resolver.resolve6(hostname).then((found) => found.map(ofFamily(6))),
    ]);
    clearTimeout(enough);
    const found = answers.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const [failed] = answers.filter((one) => one.status === 'rejected');
    if (found.length === 0 && failed) throw failed.reason;
    return found;
  };
}

function ofFamily(family: 4 | 6): (address: string) => LookupAddress {
  return (address) => ({ address, family });
}
