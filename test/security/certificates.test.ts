import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, buildConnector, fetch as undiciFetch } from 'undici';
import { ConfigurationError } from '../../config/configuration-error.js';
import { systemClock } from '../../core/clock.js';
import { isCertificateTrusted } from '../../http/client-certificate.js';
import { listen } from '../../http/listen.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { type CertificateFiles, subjectOf } from '../../sandbox/certificate-authority.js';
import { createConfigurationDirectory, minimal } from '../config/support.js';
import {
  amelia,
  openClient,
  redirectUri,
  registration,
  sharing,
} from '../open-banking/support/open-client.js';
import { openPerson } from '../open-banking/support/start-bank.js';
import { createClientKeys } from '../support/client-keys.js';
import { createFapiClient } from '../support/fapi-client.js';
import { seedCode, seededRedirectUri } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { startBeside } from '../support/start-beside.js';
import { expectExplained } from './support/expect-explained.js';
import { type Forged, forgeCertificate, issueRevocationList } from './support/forge-certificate.js';

/* Client certificates over real TLS, in both roles (SEC-30, SEC-31, SEC-32). */

const subject = 'O=Assent Sandbox,CN=app';
const form = { grant_type: 'client_credentials' };
const unused = await createClientKeys();

describe.each([
  { role: 'identity-service', scope: 'user:read', path: '/users' },
  { role: 'bank', scope: 'accounts', path: '/open-banking/v3.1/aisp/accounts' },
] as const)('$role', ({ role, scope, path }) => {
  let assent: RunningAssent;
  let keys: Awaited<ReturnType<typeof createClientKeys>>;
  let own: CertificateFiles;
  let renewed: CertificateFiles;
  let others: CertificateFiles;
  let self: CertificateFiles;

  const certificate = (forged: Forged) => forgeCertificate(assent, forged);

  beforeAll(async () => {
    keys = await createClientKeys();
    const client = {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope,
      tls_client_certificate_bound_access_tokens: true,
    };
    const byName = (id: string, member: string, name: string) => ({
      ...client,
      client_id: id,
      token_endpoint_auth_method: 'tls_client_auth',
      [member]: name,
    });
    assent = await startAssent(
      {
        role,
        clients: [
          byName('app', 'tls_client_auth_subject_dn', subjectOf('app')),
          byName('other', 'tls_client_auth_subject_dn', subjectOf('other')),
          byName('by-dns', 'tls_client_auth_san_dns', 'app.example'),
          byName('by-uri', 'tls_client_auth_san_uri', 'https://app.example/id'),
          byName('by-email', 'tls_client_auth_san_email', 'app@app.example'),
          byName('by-ip', 'tls_client_auth_san_ip', '192.0.2.7'),
          {
            ...client,
            client_id: 'by-key',
            token_endpoint_auth_method: 'private_key_jwt',
            jwks: keys.jwks,
          },
        ],
      },
      role === 'bank' ? { ledger: createDemoLedger({ clock: systemClock }) } : {},
    );
    own = await certificate({ subject });
    renewed = await certificate({ subject });
    others = await certificate({ subject: 'O=Assent Sandbox,CN=other' });
    self = await certificate({ subject, authority: true });
  });

  afterAll(() => assent?.stop());

  function clientOf(id: string, files?: CertificateFiles) {
    const fetch = assent.fetcher(files);
    return createFapiClient(assent, id, keys, { fetch, certificateOnly: id !== 'by-key' });
  }

  const ask = (id: string, files?: CertificateFiles, headers = {}) =>
    clientOf(id, files).token({ ...form, scope }, headers);

  const refused = { status: 401, body: { error: 'invalid_client' } };

  async function call(token: unknown, files?: CertificateFiles, headers = {}) {
    const answer = await assent.fetcher(files)(`${assent.configuration.mtlsUrl}${path}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    return { status: answer.status, challenge: answer.headers.get('www-authenticate') };
  }

  const thumbprint = (files: CertificateFiles) =>
    createHash('sha256')
      .update(new X509Certificate(readFileSync(files.certificate)).raw)
      .digest('base64url');

  describe('SEC-30: a certificate swapped for another', () => {
    test('opens nothing with a token of the first, at the API and at introspection', async () => {
      const { body } = await ask('app', own);
      // A token of the client alone is no customer's, which a bank says once the sender is right.
      const rightful = role === 'bank' ? 403 : 200;
      expect((await call(body.access_token, own)).status).toBe(rightful);
      for (const files of [others, renewed, undefined]) {
        expect(await call(body.access_token, files)).toEqual({
          status: 401,
          challenge: expect.stringContaining('error="invalid_token"'),
        });
      }
      const token = String(body.access_token);
      const introspect = (files?: CertificateFiles) =>
        clientOf('app', files).post('/oidc/token/introspection', { client_id: 'app', token });
      expect(await introspect(own)).toMatchObject({
        status: 200,
        body: { active: true, cnf: { 'x5t#S256': thumbprint(own) } },
      });
      for (const files of [others, undefined]) {
        expect(await introspect(files)).toMatchObject(refused);
      }
    });

    test('is the client still where its subject is: new tokens are bound to the new one', async () => {
      const { status, body } = await ask('app', renewed);
      expect(status).toBe(200);
      expect((await call(body.access_token, own)).status).toBe(401);
      expect((await call(body.access_token, renewed)).status).not.toBe(401);
    });

    test('a client with a key gets tokens bound to whichever it shows, and none without', async () => {
      const { body } = await ask('by-key', own);
      expect((await call(body.access_token, others)).status).toBe(401);
      expect((await call(body.access_token, own)).status).not.toBe(401);
      expect(await ask('by-key')).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    });
  });

  describe('SEC-31: a certificate in a header is none', () => {
    const names = [
      'x-client-cert',
      'x-ssl-client-cert',
      'ssl-client-cert',
      'x-forwarded-client-cert',
      'x-forwarded-tls-client-cert',
      'x-amzn-mtls-clientcert',
      'x-arr-clientcert',
      'cf-client-cert-der-base64',
      'client-cert',
    ] as const;

    function spoof(name: string, files: CertificateFiles): readonly string[] {
      const pem = readFileSync(files.certificate, 'utf8');
      const der = new X509Certificate(pem).raw.toString('base64');
      return name === 'client-cert' ? [`:${der}:`] : [encodeURIComponent(pem), der];
    }

    test.each(names)('%s', async (name) => {
      const { body } = await ask('app', own);
      for (const value of spoof(name, own)) {
        // What a proxy that had looked at the certificate would say beside it.
        const headers = {
          [name]: value,
          'x-ssl-client-verify': 'SUCCESS',
          'x-forwarded-for': '::1',
        };
        for (const files of [undefined, others]) {
          expect(await ask('app', files, headers)).toMatchObject(refused);
          expect((await call(body.access_token, files, headers)).status).toBe(401);
        }
        const atBrowsers = await assent.fetch('/oidc/token', {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
          body: new URLSearchParams({ ...form, scope, client_id: 'app' }).toString(),
        });
        expect(atBrowsers.status).toBe(401);
        // Nor does one take the place of the certificate that is shown.
        const shown = { ...headers, [name]: spoof(name, others).join(', ') };
        expect((await ask('app', own, shown)).status).toBe(200);
        expect((await call(body.access_token, own, shown)).status).not.toBe(401);
      }
    });

    test('sent twice it is no more than once', async () => {
      const value = spoof('client-cert', own)[0] ?? '';
      const answer = await assent.fetch(`${assent.configuration.mtlsUrl}/oidc/token`, {
        method: 'POST',
        headers: [
          ['client-cert', value],
          ['client-cert', value],
          ['content-type', 'application/x-www-form-urlencoded'],
        ],
        body: new URLSearchParams({ ...form, scope, client_id: 'app' }).toString(),
      });
      expect({ status: answer.status, body: await answer.json() }).toMatchObject(refused);
    });
  });

  describe('SEC-32: a certificate', () => {
    const yesterday = new Date(Date.now() - 86_400_000);
    const past = { notBefore: new Date(Date.now() - 2 * 86_400_000), notAfter: yesterday };
    const future = {
      notBefore: new Date(Date.now() + 86_400_000),
      notAfter: new Date(Date.now() + 2 * 86_400_000),
    };

    test('that is good is good', async () => {
      expect((await ask('app', own)).status).toBe(200);
      const alternativeNames: Forged['alternativeNames'] = [
        { type: 'dns', value: 'app.example' },
        { type: 'url', value: 'https://app.example/id' },
        { type: 'email', value: 'app@app.example' },
        { type: 'ip', value: '192.0.2.7' },
      ];
      const files = await certificate({ subject, alternativeNames });
      for (const id of ['by-dns', 'by-uri', 'by-email', 'by-ip']) {
        expect({ id, ...(await ask(id, files)) }).toMatchObject({ id, status: 200 });
      }
    });

    test('that is on its authority’s list of revoked ones is refused, and others are not', async () => {
      const revoked = await certificate({ subject });
      expect((await ask('app', revoked)).status).toBe(200);
      const list = join(assent.directory, 'revoked.crl');
      await writeFile(list, await issueRevocationList(assent, [revoked]));
      const tls = { ...assent.configuration.tls, clientCertificateRevocationLists: [list] };
      const ledger = createDemoLedger({ clock: systemClock });
      const second = await startBeside(assent, role === 'bank' ? { ledger } : {}, { tls });
      try {
        const send = async (files: CertificateFiles) => {
          const fetch = await fetchAt(second.configuration.listen.mtls.port, files);
          return createFapiClient({ ...assent, ...second }, 'app', keys, {
            fetch,
            certificateOnly: true,
          }).token({ ...form, scope });
        };
        const answer = await send(revoked);
        expect(answer).toMatchObject(refused);
        await expectExplained(assent, answer, { clientId: 'app', error: 'invalid_client' });
        expect((await send(own)).status).toBe(200);
      } finally {
        await second.stop();
      }
    });

    /** As a client's `fetch` would be where the addresses led to that port. */
    async function fetchAt(port: number, { certificate: cert, key }: CertificateFiles) {
      const direct = buildConnector({
        ca: readFileSync(assent.authority.certificate),
        cert: readFileSync(cert),
        key: readFileSync(key),
      });
      const dispatcher = new Agent({
        connect: (target, callback) => direct({ ...target, port: String(port) }, callback),
      });
      const fetch: RunningAssent['fetch'] = (url, init = {}) =>
        undiciFetch(url, { ...init, dispatcher });
      return fetch;
    }

    test.each<[string, () => Forged]>([
      ['that has expired', () => ({ subject, ...past })],
      ['that is not valid yet', () => ({ subject, ...future })],
      ['for servers', () => ({ subject, use: 'serverAuth' })],
      ['signed by one that may not sign', () => ({ subject, signedBy: others })],
      ['signed by one of another chain', () => ({ subject, signedBy: self })],
    ])('%s is refused, and told of', async (_what, forged) => {
      const answer = await ask('app', await certificate(forged()));
      expect(answer).toMatchObject(refused);
      await expectExplained(assent, answer, { clientId: 'app', error: 'invalid_client' });
    });

    test('that has expired or is not valid yet binds no token', async () => {
      for (const dates of [past, future]) {
        expect(await ask('by-key', await certificate({ subject, ...dates }))).toMatchObject({
          status: 400,
          body: { error: 'invalid_grant' },
        });
      }
    });

    test.each<[string, Forged]>([
      ['more in its subject', { subject: `C=GB,${subject}` }],
      ['less in its subject', { subject: 'CN=app' }],
      ['its subject the other way round', { subject: 'CN=app,O=Assent Sandbox' }],
      ['both names in one attribute', { subject: [{ CN: ['app,O=Assent Sandbox'] }] }],
      ['a line feed in its subject', { subject: [{ O: ['Assent Sandbox\nCN=app'] }] }],
      ['several values in one part', { subject: [{ O: ['Assent Sandbox'], CN: ['app'] }] }],
      ['a NUL in its name', { subject: [{ O: ['Assent Sandbox'] }, { CN: ['app\0.evil'] }] }],
      ['the name in another case', { subject: 'O=Assent Sandbox,CN=APP' }],
    ])('with %s is nobody', async (_what, forged) => {
      expect(await ask('app', await certificate(forged))).toMatchObject(refused);
    });

    test.each<[string, string, Forged]>([
      ['by-dns', 'the host as its common name', { subject: 'CN=app.example' }],
      ['by-dns', 'the host as a URI', names({ type: 'url', value: 'app.example' })],
      ['by-dns', 'the host as a mailbox', names({ type: 'email', value: 'app.example' })],
      ['by-dns', 'a wildcard', names({ type: 'dns', value: '*.example' })],
      ['by-dns', 'a host below', names({ type: 'dns', value: 'x.app.example' })],
      ['by-dns', 'a host with a NUL', names({ type: 'dns', value: 'app.example\0.evil.example' })],
      ['by-uri', 'the URI as a host', names({ type: 'dns', value: 'https://app.example/id' })],
      ['by-uri', 'a URI with more', names({ type: 'url', value: 'https://app.example/id/x' })],
      [
        'by-uri',
        'a host that looks like a list',
        names({ type: 'dns', value: 'x, URI:https://app.example/id' }),
      ],
      ['by-email', 'the mailbox in its subject', { subject: 'E=app@app.example' }],
      ['by-email', 'the mailbox as a URI', names({ type: 'url', value: 'app@app.example' })],
      ['by-ip', 'the address as a host', names({ type: 'dns', value: '192.0.2.7' })],
      ['by-ip', 'another address', names({ type: 'ip', value: '192.0.2.8' })],
    ])('of %s with %s is nobody', async (id, _what, forged) => {
      expect(await ask(id, await certificate(forged))).toMatchObject(refused);
    });

    function names(name: NonNullable<Forged['alternativeNames']>[number]): Forged {
      return { subject: 'CN=somebody', alternativeNames: [name] };
    }
  });
});

test('SEC-32: a list that is read again counts for the next connection; one that has ended trusts nobody', async () => {
  const assent = await startAssent({});
  const client = await forgeCertificate(assent, { subject });
  const read = (path: string) => readFileSync(path, 'utf8');
  const material = {
    certificate: read(assent.configuration.tls.certificate),
    key: read(assent.configuration.tls.key),
    clientAuthorities: [read(assent.authority.certificate)],
  };
  const listener = await listen(
    { ...material, host: '127.0.0.1', port: 0 },
    (request, response) => {
      response.end(String(isCertificateTrusted(request)));
    },
  );
  const isTrusted = async () => {
    const cert = read(client.certificate);
    const agent = new Agent({
      connect: { ca: material.clientAuthorities, cert, key: read(client.key) },
    });
    const url = `https://localhost:${listener.port}/`;
    const text = await (await undiciFetch(url, { dispatcher: agent })).text();
    await agent.destroy();
    return text === 'true';
  };
  try {
    expect(await isTrusted()).toBe(true);
    const none = await issueRevocationList(assent, []);
    listener.renew({ ...material, revocationLists: [none] });
    expect(await isTrusted()).toBe(true);
    listener.renew({ ...material, revocationLists: [await issueRevocationList(assent, [client])] });
    expect(await isTrusted()).toBe(false);
    const ended = await issueRevocationList(assent, [], new Date(Date.now() - 1000));
    listener.renew({ ...material, revocationLists: [ended] });
    expect(await isTrusted()).toBe(false);
    listener.renew(material);
    expect(await isTrusted()).toBe(true);
  } finally {
    await listener.close(0);
    await assent.stop();
  }
});

describe('SEC-31: the start', () => {
  let place: Awaited<ReturnType<typeof createConfigurationDirectory>>;
  beforeAll(async () => {
    place = await createConfigurationDirectory();
  });
  afterAll(() => place?.remove());

  const mistakesOf = async (settings: object, environment = {}) =>
    place.load({ ...minimal, ...settings }, environment).then(
      () => [],
      (error: unknown) => (error instanceof ConfigurationError ? error.mistakes : [String(error)]),
    );

  test('knows no setting that would have a header believed', async () => {
    expect(await mistakesOf({})).toEqual([]);
    const { tls } = minimal;
    for (const settings of [
      { proxy: true },
      { trustProxy: ['10.0.0.0/8'] },
      { tls: { ...tls, clientCertificateHeader: 'x-client-cert' } },
      { listen: { mtls: { port: 3001, trustProxy: true } } },
    ]) {
      expect(await mistakesOf(settings)).toEqual([expect.stringMatching(/(p|P)roxy|Header/)]);
    }
    const variable = { ASSENT_TLS__CLIENT_CERTIFICATE_HEADER: 'x-client-cert' };
    expect(await mistakesOf({}, variable)).toHaveLength(1);
  });

  test('is refused with a revocation list that is none (SEC-32)', async () => {
    const tls = { ...minimal.tls, clientCertificateRevocationLists: ['server.pem', 'absent.crl'] };
    expect(await mistakesOf({ tls })).toEqual([
      expect.stringContaining('cannot be understood; expected a certificate revocation list'),
      expect.stringContaining('cannot be read'),
    ]);
  });

  test('is refused where it is not clear which listener asks for certificates', async () => {
    const { publicUrl } = minimal;
    expect(await mistakesOf({ mtlsUrl: publicUrl })).toEqual([expect.stringContaining('mtlsUrl')]);
    expect(await mistakesOf({ listen: { browser: { port: 3000 }, mtls: { port: 3000 } } })).toEqual(
      [expect.stringContaining('listen.mtls.port')],
    );
  });
});

describe('SEC-30: a certificate swapped for another, on behalf of a person', () => {
  const refused = { status: 401, body: { error: 'invalid_client' } };

  test('refreshes nothing at the identity service; a renewed one does', async () => {
    const client = (name: string) => ({
      client_id: name,
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: subjectOf(name),
      tls_client_certificate_bound_access_tokens: true,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [seededRedirectUri],
    });
    const assent = await startAssent({ clients: [client('app'), client('other')] });
    try {
      const scope = 'openid offline_access accounts:read';
      const { code } = await seedCode(assent, { clientId: 'app', scope });
      const own = await forgeCertificate(assent, { subject });
      const post = (files: CertificateFiles | undefined, id: string, parameters: object) =>
        createFapiClient(assent, id, unused, {
          fetch: assent.fetcher(files),
          certificateOnly: true,
        }).token({ ...parameters });
      const redemption = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: seededRedirectUri,
      };
      const { body } = await post(own, 'app', redemption);
      await expectBoundRefresh(assent, String(body.refresh_token), (files, id, parameters) =>
        post(files, id, parameters),
      );
    } finally {
      await assent.stop();
    }
  });

  test('refreshes nothing at a bank, and learns of nobody; a renewed one does', async () => {
    const ledger = createDemoLedger({ clock: systemClock });
    const bank = await startAssent(
      {
        role: 'bank',
        profiles: ['fapi2-security', 'openid-connect'],
        clients: [
          registration('app', { scope: 'openid accounts' }),
          registration('other', { scope: 'openid accounts' }),
          registration('sign-on', { profile: 'openid-connect' }),
        ],
      },
      { ledger },
    );
    try {
      const app = await openClient(bank, 'app');
      const { claims } = await app.forNewIntent();
      const tokens = await app.redeem(await app.visit(sharing(), { claims }));
      const post = (files: CertificateFiles | undefined, id: string, parameters: object) =>
        createFapiClient(bank, id, unused, {
          fetch: bank.fetcher(files),
          certificateOnly: true,
        }).token({ ...parameters });
      await expectBoundRefresh(bank, tokens.refresh_token ?? '', post);

      const signOn = await bank.authority.client('sign-on');
      const person = openPerson(bank);
      const query = new URLSearchParams({
        ...{ client_id: 'sign-on', response_type: 'code', redirect_uri: redirectUri },
        ...{ scope: 'openid profile', nonce: 'n', state: 's' },
      });
      const agreed = await person.submit(
        await person.submit(await person.open(`/oidc/auth?${query}`), 'login', amelia),
        'consent',
        { decision: 'allow' },
      );
      const { body } = await post(signOn, 'sign-on', {
        grant_type: 'authorization_code',
        code: agreed.url.searchParams.get('code') ?? '',
        redirect_uri: redirectUri,
      });
      const statusOf = async (files?: CertificateFiles) => {
        const answer = await bank.fetcher(files)(`${bank.configuration.mtlsUrl}/oidc/userinfo`, {
          headers: { authorization: `Bearer ${body.access_token}` },
        });
        return answer.status;
      };
      expect(await statusOf(signOn)).toBe(200);
      const renewed = await forgeCertificate(bank, { subject: 'O=Assent Sandbox,CN=sign-on' });
      for (const files of [renewed, await bank.authority.client('app'), undefined]) {
        expect(await statusOf(files)).toBe(401);
      }
    } finally {
      await bank.stop();
    }
  });

  /** Who else holds the token has no use of it, and the right client keeps it. */
  async function expectBoundRefresh(
    assent: RunningAssent,
    refresh_token: string,
    post: (files: CertificateFiles | undefined, id: string, form: object) => Promise<object>,
  ): Promise<void> {
    const refresh = { grant_type: 'refresh_token', refresh_token };
    const others = await forgeCertificate(assent, { subject: 'O=Assent Sandbox,CN=other' });
    for (const files of [others, undefined]) {
      expect(await post(files, 'app', refresh)).toMatchObject(refused);
    }
    expect(await post(others, 'other', refresh)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    const renewed = await forgeCertificate(assent, { subject });
    expect(await post(renewed, 'app', refresh)).toMatchObject({ status: 200 });
  }
});
