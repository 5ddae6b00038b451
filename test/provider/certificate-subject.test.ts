import { X509Certificate } from 'node:crypto';
import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import * as x509 from '@peculiar/x509';
import { matchesCertificateSubject } from '../../provider/configuration/certificate-subject.js';

/**
 * Subject `C=GB, O="A, B", CN=x`; alternative names: the URI `http://a/, DNS:victim.com, b`, the host
 * `Good.example`, the address `2001:db8::1` and the mailbox `a@b.c`.
 */
const certificate = new X509Certificate(`-----BEGIN CERTIFICATE-----
MIIBxTCCAWugAwIBAgIUIXEN+XgcmrQ48Ok/K2dr3umbbRowCgYIKoZIzj0EAwIw
KDELMAkGA1UEBhMCR0IxDTALBgNVBAoMBEEsIEIxCjAIBgNVBAMMAXgwIBcNMjYx
MTIxMDk0ODQ5WhgPMjEyNjEwMjgwOTQ4NDlaMCgxCzAJBgNVBAYTAkdCMQ0wCwYD
VQQKDARBLCBCMQowCAYDVQQDDAF4MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
WAXnOcraXRchcbjLRFCoRF4JHmolUMpmVu+DTEjLMjaur+9RtGE2+c2KjB7wMiMc
QEFs6izKu7CTJF9YsJ+WWKNxMG8wTgYDVR0RBEcwRYYcaHR0cDovL2EvLCBETlM6
dmljdGltLmNvbSwgYoIMR29vZC5leGFtcGxlhxAgAQ24AAAAAAAAAAAAAAABgQVh
QGIuYzAdBgNVHQ4EFgQUfqF3xWNrVWlshKTcScHgXEtDbNAwCgYIKoZIzj0EAwID
SAAwRQIhAN0cy9rBq8BuC14TUb5yAQTzJeGAHphn6lnGN6vUEq2iAiAaAaGfdOwe
ud348z1qvd/kPb9Cv2qgtRCuuPBXDrGoEA==
-----END CERTIFICATE-----`);

test.each([
  ['tls_client_auth_subject_dn', 'CN=x,O=A\\, B,C=GB'],
  ['tls_client_auth_subject_dn', 'cn=x, o=A\\, B, c=GB'],
  ['tls_client_auth_san_dns', 'good.example'],
  ['tls_client_auth_san_uri', 'http://a/, DNS:victim.com, b'],
  ['tls_client_auth_san_ip', '2001:db8::1'],
  ['tls_client_auth_san_ip', '2001:DB8:0:0:0:0:0:1'],
  ['tls_client_auth_san_email', 'a@b.c'],
])('accepts %s %s', (property, expected) => {
  expect(matchesCertificateSubject(certificate, property, expected)).toBe(true);
});

test.each([
  ['tls_client_auth_subject_dn', 'CN=x,O=A,B,C=GB'],
  ['tls_client_auth_subject_dn', 'CN=x,O=A\\, B'],
  ['tls_client_auth_subject_dn', 'CN=X,O=A\\, B,C=GB'],
  ['tls_client_auth_subject_dn', ''],
  ['tls_client_auth_san_dns', 'victim.com'],
  ['tls_client_auth_san_dns', 'x'],
  ['tls_client_auth_san_dns', '*.example'],
  ['tls_client_auth_san_dns', '.example'],
  ['tls_client_auth_san_dns', ''],
  ['tls_client_auth_san_email', ''],
  ['tls_client_auth_san_email', 'a@b.c\0'],
  ['tls_client_auth_san_uri', 'http://a/'],
  ['tls_client_auth_san_ip', '2001:db8::2'],
  ['tls_client_auth_san_ip', 'no address'],
  ['tls_client_auth_san_email', 'victim@b.c'],
  ['tls_client_auth_subject', 'CN=x'],
])('refuses %s %s', (property, expected) => {
  expect(matchesCertificateSubject(certificate, property, expected)).toBe(false);
});

describe('a distinguished name as RFC 4514 lets it be written', () => {
  async function subjectOf(name: x509.JsonNameParams): Promise<X509Certificate> {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const made = await x509.X509CertificateGenerator.createSelfSigned({
      ...{ name: new x509.Name(name), keys, signingAlgorithm: algorithm },
      notAfter: new Date(Date.now() + 86_400_000),
    });
    return new X509Certificate(Buffer.from(made.rawData));
  }
  const text = (utf8String: string) => [{ utf8String }];
  const acme: x509.JsonNameParams = [
    { C: ['GB'] },
    { '2.5.4.97': text('PSDGB-FCA-1') },
    { O: text('Acme, Inc') },
    { OU: text('Ends in \\') },
    { CN: text('é + # ; a') },
  ];
  const rest = 'organizationIdentifier=PSDGB-FCA-1,C=GB';

  test.each([
    `CN=é \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,${rest}`,
    `CN=\\C3\\A9 \\2B # ; a,OU=Ends in \\5C,O=Acme\\2C Inc,${rest}`,
    `cn=\\c3\\a9 \\+ # \\; a, ou=Ends in \\\\ , o=Acme\\2c Inc,${rest}`,
    'CN=é \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,2.5.4.97=PSDGB-FCA-1,C=GB',
    '2.5.4.3=é \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,OID.2.5.4.97=PSDGB-FCA-1,2.5.4.6=GB',
    'CN=é \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,2.5.4.97=#0C0B50534447422D4643412D31,C=GB',
  ])('matches %s', async (expected) => {
    const property = 'tls_client_auth_subject_dn';
    expect(matchesCertificateSubject(await subjectOf(acme), property, expected)).toBe(true);
  });

  test.each([
    `CN=é \\+ # ; a,OU=Ends in \\\\,O=Acme, Inc,${rest}`,
    `CN=é \\+ # ; a,OU=Ends in \\,O=Acme\\, Inc,${rest}`,
    `CN=é + # ; a,OU=Ends in \\\\,O=Acme\\, Inc,${rest}`,
    'CN=é \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,2.5.4.98=PSDGB-FCA-1,C=GB',
    'CN=é \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,2.5.4.97=#0CFF50,C=GB',
    `CN=é \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,${rest},`,
    `,CN=é \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,${rest}`,
    `CN=\\C3 \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,${rest}`,
    `CN=é \\+ # ; a,OU=Ends in \\\\,O=Acme\\, Inc,${rest}\\`,
  ])('does not match %s', async (expected) => {
    const property = 'tls_client_auth_subject_dn';
    expect(matchesCertificateSubject(await subjectOf(acme), property, expected)).toBe(false);
  });

  test('tells several attributes of one part from one with a plus in it', async () => {
    const property = 'tls_client_auth_subject_dn';
    const several = await subjectOf([{ O: text('A'), CN: text('app') }]);
    const one = await subjectOf([{ O: text('A + CN=app') }]);
    const isSeveral = (expected: string) => [
      matchesCertificateSubject(several, property, expected),
      matchesCertificateSubject(one, property, expected),
    ];
    expect(isSeveral('O=A+CN=app')).toEqual([true, false]);
    expect(isSeveral('CN=app+O=A')).toEqual([true, false]);
    expect(isSeveral('O=A \\+ CN=app')).toEqual([false, true]);
    expect(isSeveral('O=A,CN=app')).toEqual([false, false]);
  });
});
