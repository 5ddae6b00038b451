import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type Clock, systemClock } from '../core/clock.js';
import {
  type CertificatePair,
  issueAuthority,
  issueLeaf,
  type Validity,
} from './issue-certificate.js';
import { furthestDays } from './movable-clock.js';
import { writePrivateFile } from './write-private-file.js';

/** Absolute paths of a certificate and its private key, both PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** The sandbox's own authority: nothing outside of the sandbox trusts it, nor should. */
export interface CertificateAuthority {
  /** Path of the authority's certificate, PEM. */
  readonly certificate: string;
  /**
   * A certificate for a TLS server of this machine: `localhost` and its loopback addresses.
   * @param hosts other names that it goes by.
   */
  server(name: string, hosts?: readonly string[]): Promise<CertificateFiles>;
  /** A certificate for a TLS client, with the subject of {@link subjectOf}. */
  client(name: string): Promise<CertificateFiles>;
}

/** The subject of a certificate, as `tls_client_auth_subject_dn` names it (RFC 4514). */
export function subjectOf(name: string): string {
  return `CN=${name},O=Assent Sandbox`;
}

/** The same in the order of its encoding: RFC 4514 §2.1 writes a name from its end. */
function encodedSubjectOf(name: string): string {
  return subjectOf(name).split(',').reverse().join(',');
}

const dayMilliseconds = 86_400_000;
const authorityDays = 3650;
const leafDays = {
  /** Browsers refuse more than 398. */
  server: 365,
  /** Further than the time of a running sandbox can be moved, so that none ends on the way. */
  client: furthestDays + 730,
};
/** What ends within these days is made anew at the start. */
const renewalDays = { authority: 30, server: 30, client: furthestDays + 30 };

/**
 * Opens the authority in a directory, made there on the first start and used again at the next. What
 * it issued is kept too, and issued anew when it is about to end or another authority signed it.
 */
export async function openCertificateAuthority(
  directory: string,
  clock: Clock,
): Promise<CertificateAuthority> {
  const files = filesOf(directory, 'ca');
  const authority = await findOrIssue(
    files,
    (certificate) => endsLater(certificate, clock, renewalDays.authority),
    () =>
      issueAuthority('CN=Assent Sandbox Authority,O=Assent Sandbox', from(clock, authorityDays)),
  );
  const { publicKey } = new X509Certificate(authority.certificate);
  // Servers are looked at by browsers, which go by the real time.
  const clocks = { client: clock, server: systemClock };

  async function findOrIssueLeaf(
    name: string,
    use: 'server' | 'client',
    hosts: readonly string[] = [],
  ) {
    const leaf = filesOf(directory, name);
    const validity = from(clocks[use], leafDays[use]);
    await findOrIssue(
      leaf,
      (certificate) =>
        certificate.verify(publicKey) &&
        hosts.every((host) => isFor(certificate, host)) &&
        endsLater(certificate, clocks[use], renewalDays[use]),
      () => issueLeaf(encodedSubjectOf(name), use, validity, authority, hosts),
    );
    return leaf;
  }
  return {
    certificate: files.certificate,
    server: (name, hosts) => findOrIssueLeaf(name, 'server', hosts),
    client: (name) => findOrIssueLeaf(name, 'client'),
  };
}

function filesOf(directory: string, name: string): CertificateFiles {
  return {
    certificate: join(directory, `${name}.pem`),
    key: join(directory, `${name}.key`),
  };
}

async function findOrIssue(
  files: CertificateFiles,
  isCurrent: (certificate: X509Certificate) => boolean,
  issue: () => Promise<CertificatePair>,
): Promise<CertificatePair> {
  const stored = await readPair(files);
  if (stored && isCurrent(new X509Certificate(stored.certificate))) return stored;
  const issued = await issue();
  await writePrivateFile(files.key, issued.key);
  await writePrivateFile(files.certificate, issued.certificate);
  return issued;
}

/** Whether a certificate names a host or address. */
export function isFor(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
}

/** A certificate with its own key; undefined where either is missing, damaged, or of another. */
async function readPair(files: CertificateFiles): Promise<CertificatePair | undefined> {
  try {
    const [certificate, key] = await Promise.all([
      readFile(files.certificate, 'utf8'),
      readFile(files.key, 'utf8'),
    ]);
    const isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
    return isPair ? { certificate, key } : undefined;
  } catch {
    return undefined;
  }
}

function endsLater(certificate: X509Certificate, clock: Clock, days: number): boolean {
  return certificate.validToDate.getTime() - clock.now() > days * dayMilliseconds;
}

/**
 * Begins a day early, for a client whose clock is late, and in real time: TLS goes by that, also where
 * `clock` was moved ahead.
 */
function from(clock: Clock, days: number): Validity {
  return {
    notBefore: new Date(Math.min(systemClock.now(), clock.now()) - dayMilliseconds),
    notAfter: new Date(clock.now() + days * dayMilliseconds),
  };
}
