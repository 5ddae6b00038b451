import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';

/**
 * TLS 1.2 with ECDHE and GCM only, and TLS 1.3 (FAPI 2.0 SP §5.2.2; BCP 195). Nobody renegotiates: it
 * costs us far more than them.
 */
const tlsPolicy = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
  ].join(':'),
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} satisfies ServerOptions;

/** What a listener shows and trusts. */
export interface TlsMaterial {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /**
   * Present on the listener that asks for client certificates: the authorities (PEM) that make one
   * trusted. A certificate of nobody's is let through, for `self_signed_tls_client_auth`.
   */
  readonly clientAuthorities?: readonly string[];
  /**
   * Which of their certificates are revoked (RFC 5280 §5, PEM). Where there are any, a certificate of an
   * authority without a list, or whose list has ended, is trusted no more.
   */
  readonly revocationLists?: readonly string[];
}

export interface ListenerOptions extends TlsMaterial {
  readonly host: string;
  readonly port: number;
}

/** A listener that is up. */
export interface Listener {
  readonly port: number;
  /** For connections from now on; the same again changes nothing. @throws where certificate and key do not fit. */
  renew(material: TlsMaterial): void;
  /** Stops accepting, lets requests in flight finish for at most `graceSeconds`, then closes. */
  close(graceSeconds: number): Promise<void>;
}

/** Opens one TLS listener. @throws the system's error, e.g. `EADDRINUSE`. */
export async function listen(
  options: ListenerOptions,
  handler: RequestListener,
): Promise<Listener> {
  const { host, port, clientAuthorities } = options;
  const server = createServer(
    {
      ...secureContext(options),
      ...(clientAuthorities && { requestCert: true, rejectUnauthorized: false }),
    },
    handler,
  );
  server.requestTimeout = 30_000;
  server.headersTimeout = 15_000;
  server.listen(port, host);
  await once(server, 'listening');
  let present = secureContext(options);
  return {
    port: portOf(server),
    renew(material) {
      const next = secureContext(material);
      // Another context, even of the same files, ends every TLS session that clients could resume.
      if (isDeepStrictEqual(next, present)) return;
      server.setSecureContext(next);
      present = next;
    },
    close: (graceSeconds) => closeServer(server, graceSeconds),
  };
}

function secureContext({ certificate, key, clientAuthorities, revocationLists = [] }: TlsMaterial) {
  return {
    ...tlsPolicy,
    cert: certificate,
    key,
    // A session that goes on shows a certificate as it was judged at its beginning, also when its
    // revocation list, or its authority, has ended since.
    ...(clientAuthorities && {
      ca: [...clientAuthorities],
      secureOptions: tlsPolicy.secureOptions | constants.SSL_OP_NO_TICKET,
    }),
    ...(revocationLists.length > 0 && { crl: [...revocationLists] }),
  } satisfies ServerOptions;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (!address || typeof address === 'string') throw new TypeError('not listening on a port');
  return address.port;
}

async function closeServer(server: Server, graceSeconds: number): Promise<void> {
  const forced = setTimeout(() => server.closeAllConnections(), graceSeconds * 1000);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(forced);
}
