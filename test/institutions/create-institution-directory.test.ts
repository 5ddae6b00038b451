import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import type { Configuration, ConnectorConfiguration } from '../../config/schema.js';
import { systemClock } from '../../core/clock.js';
import { InstitutionError } from '../../core/institution.js';
import { createInstitutionDirectory } from '../../institutions/create-institution-directory.js';
import { redirectUri, state, terms, toBank } from './support/connect-to-bank.js';
import {
  issueCertificates,
  type ScriptedBank,
  startScriptedBank,
} from './support/scripted-bank.js';

type Connector = Extract<ConnectorConfiguration, { type: 'open-banking-uk' }>;

let directory: string;
let bank: ScriptedBank;
let connector: Connector;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-institutions-'));
  const certificates = await issueCertificates();
  bank = await startScriptedBank(certificates);
  const write = async (name: string, content: string) => {
    await writeFile(join(directory, name), content);
    return join(directory, name);
  };
  connector = {
    type: 'open-banking-uk',
    issuer: bank.issuer,
    resourceUrl: `${bank.resourceUrl}/`,
    clientId: 'assent',
    tokenEndpointAuthMethod: 'tls_client_auth',
    certificate: await write('client.pem', certificates.client.certificate),
    key: await write('client.key', certificates.client.key),
    certificateAuthority: await write('ca.pem', certificates.authority.certificate),
    request: 'pushed',
    timeoutSeconds: 20,
  };
});
afterAll(async () => {
  await bank.stop();
  await rm(directory, { recursive: true });
});
beforeEach(() => bank.reset());

const institution = (changes: Partial<Connector> = {}): Configuration['institutions'][number] => ({
  id: 'test-bank',
  name: 'Test Bank',
  kind: 'api',
  country: 'GB',
  isBeta: false,
  unattendedCallsPerDay: 4,
  accountTypes: ['cash'],
  userTypes: ['personal'],
  connector: { ...connector, ...changes },
});

const open = (...institutions: Configuration['institutions']) =>
  createInstitutionDirectory({ institutions, clock: systemClock });

describe('the institution directory', () => {
  it('describes each institution without its connector, and calls no bank for it', async () => {
    const institutions = await open(institution());

    expect(institutions.all).toEqual([
      {
        id: 'test-bank',
        bankRef: 'test-bank',
        name: 'Test Bank',
        kind: 'api',
        country: 'GB',
        isBeta: false,
        unattendedCallsPerDay: 4,
        accountTypes: ['cash'],
        userTypes: ['personal'],
      },
    ]);
    expect(institutions.find('test-bank')).toBe(institutions.all[0]);
    expect(bank.seen).toHaveLength(0);
  });

  it('keeps the bank reference that brands share', async () => {
    const institutions = await open({ ...institution(), bankRef: 'group' });

    expect(institutions.find('test-bank')?.bankRef).toBe('group');
  });

  it.each(['other', '__proto__', 'constructor'])('does not know %s', async (id) => {
    const institutions = await open(institution());

    expect(institutions.find(id)).toBeUndefined();
    expect(() => institutions.connector(id)).toThrow(InstitutionError);
  });

  it('connects with the certificates of the files', async () => {
    const institutions = await open(institution());
    await institutions.connector('test-bank').begin({ terms, state, redirectUri });

    expect(bank.seen.length).toBeGreaterThan(0);
    expect(bank.seen.every((request) => request.hasTrustedCertificate)).toBe(true);
    expect(bank.requests('POST /aisp/account-access-consents')).toHaveLength(1);
  });

  it.each(['ES256', 'PS256', 'Ed25519'])('signs with a %s key of a file', async (alg) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    const signingKey = join(directory, `${alg}.json`);
    const jwk = { ...(await exportJWK(privateKey)), alg, kid: 'ours' };
    await writeFile(signingKey, JSON.stringify(jwk));
    const institutions = await open(
      institution({ signingKey, tokenEndpointAuthMethod: 'private_key_jwt', request: 'signed' }),
    );
    const visit = institutions.connector('test-bank').begin({ terms, state, redirectUri });

    const request = new URL(toBank(await visit).redirectTo).searchParams.get('request') ?? '';
    const header = JSON.parse(Buffer.from(request.split('.')[0] ?? '', 'base64url').toString());
    expect(header).toMatchObject({ alg, kid: 'ours' });
  });

  it('does not start where a key to sign with is missing, or is none', async () => {
    const signed = { request: 'signed' } as const;
    await expect(open(institution(signed))).rejects.toThrow(/Test Bank.*signingKey/);

    const signingKey = join(directory, 'broken.json');
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(privateKey);
    for (const broken of [
      { kty: 'EC', d: 'secret', alg: 'ES256', kid: 'ours' },
      { ...jwk, kid: 'ours' },
      { ...jwk, alg: 'ES256' },
    ]) {
      await writeFile(signingKey, JSON.stringify(broken));
      const error = await open(institution({ ...signed, signingKey })).catch(String);
      expect(error).toMatch(/not a private JWK with kid and alg/);
      expect(error).not.toContain(broken.d);
    }
  });
});
