import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { isFor } from '../certificate-authority.js';

/** What the suite shows. */
export interface SuiteCertificate {
  readonly pem: string;
  /** Whether it is for the suite's host, without which the banks of this set-up do not call it. */
  readonly isNamed: boolean;
}

/** How long the suite may take to answer (milliseconds). */
const timeout = 3000;

/**
 * The certificate that the suite shows: that of a suite of one's own is signed by nobody, and the banks
 * of this set-up have to trust it.
 * @returns undefined where nothing answers there.
 */
export function readSuiteCertificate({
  hostname,
  port,
}: URL): Promise<SuiteCertificate | undefined> {
  return new Promise((resolve) => {
    // Nothing is sent: all that is wanted is what it shows.
    const socket = connect(
      {
        host: hostname,
        port: Number(port || 443),
        ...(!isIP(hostname) && { servername: hostname }),
        rejectUnauthorized: false,
      },
      () => {
        const { raw } = socket.getPeerCertificate(true);
        finish(raw ? describe(raw, hostname) : undefined);
      },
    );
    const finish = (certificate: SuiteCertificate | undefined) => {
      socket.destroy();
      resolve(certificate);
    };
    socket.setTimeout(timeout, () => finish(undefined));
    socket.on('error', () => finish(undefined));
  });
}

function describe(der: Buffer, hostname: string): SuiteCertificate {
  const certificate = new X509Certificate(der);
  return {
    pem: certificate.toString(),
    isNamed: isFor(certificate, hostname),
  };
}
