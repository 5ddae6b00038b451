import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { getCACertificates } from 'node:tls';
import { buildConnector } from 'undici';
import { lookUpByNameServer, lookUpBySystem, type Resolve } from './look-up.js';
import { createOutgoingPolicy } from './outgoing-policy.js';

export interface GuardedConnectorOptions {
  /** Hosts and networks besides the public internet, see `createOutgoingPolicy`. */
  readonly allow: readonly string[];
  /** Authorities besides those that Node.js trusts, PEM. */
  readonly certificateAuthorities: readonly string[];
  /** How long a connection may take to be made (milliseconds). */
  readonly timeout: number;
  readonly resolve?: Resolve | undefined;
}

/** The host has no address, or one of them is not where a client may send this server. */
export class NoPublicAddress extends Error {
  override readonly name = 'NoPublicAddress';
}

/**
 * Connects over verified TLS, to addresses that were looked at: a name is resolved once, and the
 * connection goes to what was resolved, so that a name which changes in between gains nothing. What
 * stands in the URL as an address passes the same way.
 */
export function createGuardedConnector(options: GuardedConnectorOptions): buildConnector.connector {
  const { allow, certificateAuthorities, timeout } = options;
  const policy = createOutgoingPolicy(allow);
  const { resolve } = options;
  const byNameServer = lookUpByNameServer(timeout);
  const secure = {
    timeout,
    minVersion: 'TLSv1.2' as const,
    // Whatever the environment says.
    rejectUnauthorized: true,
    ca: [...getCACertificates('default'), ...certificateAuthorities],
  };

  async function resolveAllowed(hostname: string, port: number): Promise<LookupAddress[]> {
    const lookUp = resolve ?? (policy.names(hostname, port) ? lookUpBySystem : byNameServer);
    const found = await lookUp(hostname).catch((cause: unknown) => {
      throw new NoPublicAddress('the name could not be resolved', { cause });
    });
    const addresses = found.map(({ address }) => address);
    if (!policy.allows(hostname, port, addresses)) {
      throw new NoPublicAddress(`${hostname} is ${addresses.join(', ')}`);
    }
    return [...found];
  }

  return function connectGuarded(target, callback) {
    const port = target.port === '' ? 443 : Number(target.port);
    resolveAllowed(target.hostname, port).then(
      (addresses) => buildConnector({ ...secure, lookup: answerWith(addresses) })(target, callback),
      (refusal) => callback(refusal, null),
    );
  };
}

function answerWith(addresses: LookupAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses;
    if (all) callback(null, addresses);
    else callback(null, first?.address ?? '', first?.family);
  };
}
