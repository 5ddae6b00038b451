import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

const parsed = new WeakMap<TLSSocket, X509Certificate | undefined>();

/**
 * The certificate that the caller proved possession of on this TLS connection (RFC 8705 §3), parsed
 * once for a connection; undefined on the browser listener or where none was sent.
 */
export function readClientCertificate(request: IncomingMessage): X509Certificate | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket)) return undefined;
  if (!parsed.has(socket)) {
    const raw = socket.getPeerCertificate().raw;
    parsed.set(socket, raw && new X509Certificate(raw));
  }
  return parsed.get(socket);
}

/** Whether that certificate chains to one of the trusted client authorities and is in date. */
export function isCertificateTrusted(request: IncomingMessage): boolean {
  return request.socket instanceof TLSSocket && request.socket.authorized;
}
