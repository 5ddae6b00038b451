import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JWK } from 'jose';
import type { CertificateAuthority } from '../certificate-authority.js';
import { openClientKeys } from '../client-keys.js';
import type { PlanCertificate } from './plan-document.js';

/** What one of a plan's two developers holds; each has a client in every run. */
export interface PlanIdentity {
  readonly name: string;
  /** Private. */
  readonly jwk: JWK;
  /** Private: what ID tokens are encrypted to, where an ecosystem wants that. */
  readonly encryption: JWK;
  readonly secret: string;
  readonly certificate: PlanCertificate;
}

/** The keys and certificates of both, made on the first start and used again at the next. */
export async function openPlanIdentities(
  directory: string,
  authority: CertificateAuthority,
): Promise<{ readonly first: PlanIdentity; readonly second: PlanIdentity }> {
  const ca = await readFile(authority.certificate, 'utf8');

  async function open(name: string): Promise<PlanIdentity> {
    const { jwk, secret } = await openClientKeys(join(directory, `${name}.json`), 'PS256');
    const files = await authority.client(name);
    const [cert, key] = await Promise.all([
      readFile(files.certificate, 'utf8'),
      readFile(files.key, 'utf8'),
    ]);
    const own = await openClientKeys(join(directory, `${name}-encryption.json`), 'PS256');
    const encryption = { ...own.jwk, alg: 'RSA-OAEP-256', use: 'enc' };
    return { name, jwk, encryption, secret, certificate: { cert, key, ca } };
  }

  const [first, second] = [await open('conformance-first'), await open('conformance-second')];
  return { first, second };
}
