import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK } from 'jose';
import { systemClock } from '../../core/clock.js';
import {
  type CertificateFiles,
  openCertificateAuthority,
  subjectOf,
} from '../../sandbox/certificate-authority.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

let directory: string;
let assent: RunningAssent;
/** Of an authority that Assent does not know. */
let stranger: CertificateFiles;
let trusted: CertificateFiles;
let other: CertificateFiles;

async function jwkOf({ certificate }: CertificateFiles) {
  const parsed = new X509Certificate(readFileSync(certificate));
  const jwk = await exportJWK(
    createPublicKey(parsed.publicKey.export({ type: 'spki', format: 'pem' })),
  );
  return { ...jwk, kid: 'self', use: 'sig', x5c: [parsed.raw.toString('base64')] };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-certificates-'));
  const elsewhere = await openCertificateAuthority(directory, systemClock);
  stranger = await elsewhere.client('stranger');
  const common = {
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    tls_client_certificate_bound_access_tokens: true,
  };
  assent = await startAssent({
    clients: [
      {
        ...common,
        client_id: 'by-authority',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: subjectOf('trusted'),
      },
      {
        ...common,
        client_id: 'self-signed',
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [await jwkOf(stranger)] },
      },
    ],
  });
  trusted = await assent.authority.client('trusted');
  other = await assent.authority.client('other');
});

afterAll(async () => {
  await assent.stop();
  await rm(directory, { recursive: true, force: true });
});

async function askForToken(clientId: string, certificate?: CertificateFiles, base = 'mtlsUrl') {
  const { publicUrl, mtlsUrl } = assent.configuration;
  const url = `${base === 'mtlsUrl' ? mtlsUrl : publicUrl}/oidc/token`;
  const response = await assent.fetcher(certificate)(url, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'user:read',
      client_id: clientId,
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('tls_client_auth', () => {
  test('takes the registered subject from a trusted authority, and binds the token to it', async () => {
    const { status, body } = await askForToken('by-authority', trusted);
    expect(status).toBe(200);
    const token = await assent.provider.ClientCredentials.find(String(body.access_token));
    const { fingerprint256 } = new X509Certificate(readFileSync(trusted.certificate));
    const thumbprint = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
    expect(token?.['x5t#S256']).toBe(thumbprint);
  });

  test.each([
    ['another subject', () => other],
    ['another authority', () => stranger],
    ['no certificate', () => undefined],
  ])('refuses %s (SEC-32)', async (_name, certificate) => {
    const { status, body } = await askForToken('by-authority', certificate());
    expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_client' });
  });

  test('works only on the listener that asks for certificates', async () => {
    const { status } = await askForToken('by-authority', trusted, 'publicUrl');
    expect(status).toBe(401);
  });
});

describe('self_signed_tls_client_auth', () => {
  test('takes the certificate in the client’s JWKS, whoever signed it', async () => {
    expect((await askForToken('self-signed', stranger)).status).toBe(200);
  });

  test('refuses every other, also from a trusted authority', async () => {
    expect((await askForToken('self-signed', trusted)).status).toBe(401);
  });
});
