import { X509Certificate } from 'node:crypto';
import { expect, test } from '@jest/globals';
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
