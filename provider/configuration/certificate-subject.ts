import type { X509Certificate } from 'node:crypto';

/**
 * Whether a certificate carries the subject that a `tls_client_auth` client registered (RFC 8705
 * §2.1.2). Distinguished names are compared in RFC 4514 order, attribute by attribute.
 * @param property the one registered `tls_client_auth_*` member.
 */
export function matchesCertificateSubject(
  certificate: X509Certificate,
  property: string,
  expected: string,
): boolean {
  switch (property) {
    case 'tls_client_auth_subject_dn':
      return distinguishedName(certificate.subject).join(',') === parseName(expected).join(',');
    case 'tls_client_auth_san_dns':
      return alternativeNames(certificate, 'DNS').includes(expected);
    case 'tls_client_auth_san_uri':
      return alternativeNames(certificate, 'URI').includes(expected);
    case 'tls_client_auth_san_email':
      return alternativeNames(certificate, 'email').includes(expected);
    case 'tls_client_auth_san_ip':
      return alternativeNames(certificate, 'IP Address').includes(expected);
    default:
      return false;
  }
}

/** Node prints one attribute a line, most general first; RFC 4514 writes the most specific first. */
function distinguishedName(subject: string): string[] {
  return subject
    .split('\n')
    .filter((line) => line.length > 0)
    .reverse()
    .map(normalise);
}

/** Splits at commas that are not escaped. */
function parseName(name: string): string[] {
  return name.split(/(?<!\\),/).map((part) => normalise(part.trim()));
}

function normalise(attribute: string): string {
  const separator = attribute.indexOf('=');
  const type = attribute.slice(0, separator).trim().toUpperCase();
  return `${type}=${attribute
    .slice(separator + 1)
    .trim()
    .replaceAll(/\\(.)/g, '$1')}`;
}

function alternativeNames(certificate: X509Certificate, kind: string): string[] {
  const prefix = `${kind}:`;
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => entry.slice(prefix.length));
}
