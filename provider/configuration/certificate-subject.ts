import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { parseDistinguishedName, parseSubject } from './distinguished-name.js';

/**
 * Whether a certificate carries the subject that a `tls_client_auth` client registered (RFC 8705
 * §2.1.2). Distinguished names are compared in RFC 4514 order, attribute by attribute; of the
 * alternative names Node knows how hosts, mailboxes and addresses are compared.
 * @param property the one registered `tls_client_auth_*` member.
 */
export function matchesCertificateSubject(
  certificate: X509Certificate,
  property: string,
  expected: string,
): boolean {
  // No name has one, and Node takes a name with one for a programmer's mistake.
  if (expected.includes('\0')) return false;
  switch (property) {
    case 'tls_client_auth_subject_dn':
      return carriesName(certificate, expected);
    case 'tls_client_auth_san_dns':
      return carriesHost(certificate, expected);
    case 'tls_client_auth_san_uri':
      return alternativeUris(certificate).includes(expected);
    case 'tls_client_auth_san_email':
      return certificate.checkEmail(expected, { subject: 'never' }) !== undefined;
    case 'tls_client_auth_san_ip':
      return isIP(expected) !== 0 && certificate.checkIP(expected) !== undefined;
    default:
      return false;
  }
}

/** The name itself: OpenSSL would let a name that begins with a dot stand for all below it. */
function carriesHost(certificate: X509Certificate, expected: string): boolean {
  const found = certificate.checkHost(expected, { subject: 'never', wildcards: false });
  return found?.toLowerCase() === expected.toLowerCase();
}

function carriesName({ subject }: X509Certificate, expected: string): boolean {
  const wanted = parseDistinguishedName(expected);
  return wanted !== undefined && isDeepStrictEqual(parseSubject(subject), wanted);
}

/** Node quotes as JSON what could be taken for more than one name, its commas escaped. */
function alternativeUris({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName
    .split(', ')
    .filter((entry) => entry.startsWith('URI:'))
    .map((entry) => entry.slice('URI:'.length))
    .map((uri) => (uri.startsWith('"') ? String(JSON.parse(uri)) : uri));
}
