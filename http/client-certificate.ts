import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../core/clock.js';

interface Presented {
  readonly certificate: X509Certificate;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const presented = new WeakMap<TLSSocket, Presented | undefined>();

/**
 * The certificate that the caller proved possession of on this TLS connection (RFC 8705 §3), parsed
 * once for a connection; undefined on the browser listener, where none was sent, and out of its dates:
 * of a certificate of nobody's, TLS itself does not ask for them.
 */
export function readClientCertificate(
  { socket }: IncomingMessage,
  clock: Clock,
): X509Certificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  if (!presented.has(socket)) presented.set(socket, parse(socket.getPeerCertificate().raw));
  const { certificate, notBefore = 0, notAfter = 0 } = presented.get(socket) ?? {};
  const now = clock.now();
  return notBefore <= now && now <= notAfter ? certificate : undefined;
}

/** Whether that certificate chains to one of the trusted client authorities. */
export function isCertificateTrusted({ socket }: IncomingMessage): boolean {
  return socket instanceof TLSSocket && socket.authorized;
}

/** @param raw DER; absent where none was sent, whatever the types of Node say. */
function parse(raw: Buffer | undefined): Presented | undefined {
  if (!raw) return undefined;
  const certificate = new X509Certificate(raw);
  const { validFromDate, validToDate } = certificate;
  return { certificate, notBefore: +validFromDate, notAfter: +validToDate };
}
