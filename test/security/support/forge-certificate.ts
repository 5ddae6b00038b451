import { createPrivateKey, KeyObject, randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { CertificateFiles } from '../../../sandbox/certificate-authority.js';
import type { RunningAssent } from '../../support/start-assent.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 86_400_000;

export interface Forged {
  /** In the order of its encoding, most general first. */
  readonly subject: string | x509.JsonName;
  readonly alternativeNames?: x509.JsonGeneralNames;
  readonly use?: 'clientAuth' | 'serverAuth';
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** A leaf that signs, as no authority allowed it to. */
  readonly signedBy?: CertificateFiles;
  /** May sign others. */
  readonly authority?: boolean;
}

/** What the authority that an Assent trusts could be brought to sign, or was forged beside it. */
export async function forgeCertificate(
  { directory }: Pick<RunningAssent, 'directory'>,
  forged: Forged,
): Promise<CertificateFiles> {
  const trusted = { certificate: join(directory, 'ca.pem'), key: join(directory, 'ca.key') };
  const signer = forged.signedBy ?? trusted;
  const issuer = new x509.X509Certificate(await readFile(signer.certificate, 'utf8'));
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { alternativeNames, use = 'clientAuth', authority = false } = forged;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    subject: forged.subject,
    issuer: issuer.subject,
    notBefore: forged.notBefore ?? new Date(Date.now() - day),
    notAfter: forged.notAfter ?? new Date(Date.now() + day),
    publicKey: keys.publicKey,
    signingKey: await importKey(signer.key),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(authority, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[use]]),
      ...(alternativeNames ? [new x509.SubjectAlternativeNameExtension(alternativeNames)] : []),
    ],
  });
  const name = randomUUID();
  const files = {
    certificate: join(directory, `${name}.pem`),
    key: join(directory, `${name}.key`),
  };
  // With its signer, where that is no authority that the server knows.
  const chain = forged.signedBy ? await readFile(signer.certificate, 'utf8') : '';
  await writeFile(files.certificate, `${certificate.toString('pem')}\n${chain}`);
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  await writeFile(files.key, key);
  return files;
}

/** A list of that authority with these certificates on it (RFC 5280 §5), PEM. */
export async function issueRevocationList(
  { directory }: Pick<RunningAssent, 'directory'>,
  revoked: readonly CertificateFiles[],
  nextUpdate = new Date(Date.now() + day),
): Promise<string> {
  const issuer = new x509.X509Certificate(await readFile(join(directory, 'ca.pem'), 'utf8'));
  const serials = await Promise.all(
    revoked.map(
      async ({ certificate }) => new X509Certificate(await readFile(certificate)).serialNumber,
    ),
  );
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.subject,
    thisUpdate: new Date(Date.now() - day),
    nextUpdate,
    signingKey: await importKey(join(directory, 'ca.key')),
    signingAlgorithm: algorithm,
    entries: serials.map((serialNumber) => ({
      serialNumber,
      revocationDate: new Date(Date.now() - day),
      reason: x509.X509CrlReason.keyCompromise,
    })),
  });
  // The library's own label is not the one of RFC 7468 §6.
  return list.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL');
}

async function importKey(path: string): Promise<CryptoKey> {
  const der = createPrivateKey(await readFile(path)).export({ type: 'pkcs8', format: 'der' });
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), algorithm, false, ['sign']);
}
