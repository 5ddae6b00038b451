import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clients } from '../../core/clients.js';
import { update } from '../../core/storage.js';
import { createClientKeys } from '../support/client-keys.js';
import { createDpopKey, createFapiClient } from '../support/fapi-client.js';
import {
  directoryIssuer,
  epoch,
  type Registration,
  redirectUri,
  startRegistration,
} from './support/start-registration.js';

let assent: Registration;
let keys: Awaited<ReturnType<typeof createClientKeys>>;
let request: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  const scopesByRole = { AISP: ['accounts:read'], PISP: ['payment:read'] };
  assent = await startRegistration({ registration: { attempts: 10_000 } }, { scopesByRole });
  keys = await createClientKeys('PS256');
  request = {
    token_endpoint_auth_method: 'private_key_jwt',
    grant_types: ['authorization_code', 'client_credentials'],
    jwks: keys.jwks,
    dpop_bound_access_tokens: true,
    scope: 'openid accounts:read',
  };
});
afterAll(() => assent?.stop());

/** As JSON: a member that is undefined is left out. */
type Claims = Readonly<Record<string, unknown>>;

const register = async (claims: Claims = {}, more: object = {}) =>
  assent.register({ ...request, ...more, software_statement: await assent.statement(claims) });
const refused = (error: string) => ({ status: 400, body: { error } });

describe('a software statement', () => {
  test('vouches for what it says, which wins, and is who made the client', async () => {
    const { status, body } = await register(
      {},
      { client_name: 'A Bank', software_id: 'software-1' },
    );
    expect({ status, body }).toMatchObject({
      status: 201,
      body: {
        client_name: 'Budget app',
        organisation_id: 'org-1',
        organisation_name: 'Budget Ltd',
        software_id: 'software-1',
        redirect_uris: [redirectUri, 'https://budget.example/other'],
        software_statement: expect.any(String),
        ignored_members: ['client_name'],
      },
    });
    expect(await assent.history(body.client_id)).toMatchObject([
      { action: 'created', by: { kind: 'registration', id: 'directory:open-banking' } },
    ]);
  });

  test('gives scopes by its roles', async () => {
    expect(await register({ software_roles: ['CBPII'] })).toMatchObject(
      refused('invalid_client_metadata'),
    );
  });

  describe('SEC-48', () => {
    const now = epoch();
    test.each([
      ['another issuer', { iss: 'https://other.example' }, 'unapproved_software_statement'],
      ['software that is not active', { org_status: 'Revoked' }, 'unapproved_software_statement'],
      ['expired', { exp: now - 3600 }, 'invalid_software_statement'],
      ['issued long ago', { iat: now - 90_000 }, 'invalid_software_statement'],
      ['of the future', { iat: now + 3600 }, 'invalid_software_statement'],
      ['without jti', { jti: undefined }, 'invalid_software_statement'],
      ['without software_id', { software_id: undefined }, 'invalid_software_statement'],
      ['an iat that is no number', { iat: 'now' }, 'invalid_software_statement'],
    ])('%s: refused', async (_name, claims, error) => {
      expect(await register(claims)).toMatchObject(refused(error));
    });

    test('signed by somebody else, with another algorithm, or not at all: refused', async () => {
      const claims = { iss: directoryIssuer, iat: now, jti: randomUUID(), software_id: 'x' };
      const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
      const forged = [
        await keys.sign(claims),
        await (await createClientKeys('RS256')).sign(claims),
        `${encode({ alg: 'none' })}.${encode(claims)}.`,
        'text',
        { alg: 'none' },
      ];
      for (const software_statement of forged) {
        const answer = await assent.register({ ...request, software_statement });
        expect(answer).toMatchObject(refused('invalid_software_statement'));
      }
    });

    test('redirect URIs outside of it: refused', async () => {
      const uris = { redirect_uris: [redirectUri, 'https://evil.example/callback'] };
      expect(await register({}, uris)).toMatchObject(refused('invalid_redirect_uri'));
      const none = await register(
        { software_redirect_uris: undefined },
        { redirect_uris: [redirectUri] },
      );
      expect(none).toMatchObject(refused('invalid_redirect_uri'));
    });

    test('used a second time, also at once: refused', async () => {
      const software_statement = await assent.statement();
      const before = await assent.count();
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => assent.register({ ...request, software_statement })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400]);
      expect(await assent.count()).toBe(before + 1);
    });

    test('that names its organisation twice, and differently, can be shown again', async () => {
      const both = { organisation_id: 'group-1', org_id: 'org-1' };
      const { status, body } = await register(both);
      expect({ status, body }).toMatchObject({ status: 201, body: { organisation_id: 'group-1' } });
      const software_statement = await assent.statement(both);
      const answer = await assent.call('PUT', `/oidc/reg/${body.client_id}`, {
        token: body.registration_access_token,
        body: { ...request, client_id: body.client_id, software_statement },
      });
      expect(answer.status).toBe(200);
    });

    test('of other software in an update: refused', async () => {
      const { body } = await register();
      const put = async (more: object) =>
        assent.call('PUT', `/oidc/reg/${body.client_id}`, {
          token: body.registration_access_token,
          body: { ...request, client_id: body.client_id, ...more },
        });
      const software_statement = await assent.statement({ software_id: 'software-2' });
      expect(await put({ software_statement })).toMatchObject(
        refused('invalid_software_statement'),
      );
      const elsewhere = { redirect_uris: ['https://evil.example/callback'] };
      expect(await put(elsewhere)).toMatchObject(refused('invalid_redirect_uri'));
      const newer = await assent.statement({ software_client_name: 'Budget 2' });
      expect(await put({ software_statement: newer })).toMatchObject({
        status: 200,
        body: { client_name: 'Budget 2' },
      });
    });
  });
});

test.each(['x', 'e30.e30.', 'a.b.c'])(
  'a statement that an operator made %j is none: the client brings one',
  async (software_statement) => {
    const { body } = await register();
    const stored = await assent.storage.get(clients, body.client_id);
    if (!stored) throw new TypeError('no client');
    await assent.storage.commit([update(clients, stored, { ...stored.value, software_statement })]);
    const answer = await assent.call('PUT', `/oidc/reg/${body.client_id}`, {
      token: body.registration_access_token,
      body: { ...request, client_id: body.client_id },
    });
    expect(answer).toMatchObject(refused('invalid_software_statement'));
  },
);

describe('a signed registration request (UK Open Banking DCR v3.2)', () => {
  async function sign(claims: Claims = {}, statement: Claims = {}) {
    const software_jwks_endpoint = assent.publish('/client/jwks', keys.jwks);
    const signed = {
      iss: 'software-1',
      aud: assent.issuer,
      iat: epoch(),
      exp: epoch() + 300,
      jti: randomUUID(),
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['authorization_code'],
      redirect_uris: [redirectUri],
      scope: 'openid accounts:read',
      application_type: 'web',
      id_token_signed_response_alg: 'PS256',
      request_object_signing_alg: 'PS256',
      dpop_bound_access_tokens: true,
      software_statement: await assent.statement({ software_jwks_endpoint, ...statement }),
      ...claims,
    };
    return keys.sign(signed);
  }
  const post = (body: string, type = 'application/jose') => assent.register(body, { type });

  test('is taken as application/jose and application/jwt', async () => {
    for (const type of ['application/jose', 'application/jwt']) {
      expect(await post(await sign(), type)).toMatchObject({
        status: 201,
        body: { redirect_uris: [redirectUri], jwks_uri: assent.at('/client/jwks') },
      });
    }
  });

  test.each([
    ['for another', { aud: 'https://other.example' }],
    ['by another', { iss: 'software-2' }],
    ['expired', { exp: 1 }],
    ['without jti', { jti: undefined }],
    ['without a mandatory member', { application_type: undefined }],
  ])('%s: refused', async (_name, claims) => {
    expect(await post(await sign(claims))).toMatchObject(refused('invalid_client_metadata'));
  });

  test.each<[string, (jwk: Claims) => Claims]>([
    ['off its curve', (jwk) => ({ kty: 'EC', crv: 'P-256', x: jwk.kid, y: jwk.kid })],
    ['damaged', (jwk) => ({ ...jwk, n: 'AA' })],
    ['with a private half', (jwk) => ({ ...jwk, d: 'AQAB' })],
    ['of other types inside', (jwk) => ({ ...jwk, n: { toString: 1 }, e: [] })],
  ])('by a key that is %s, in the statement or published: refused', async (_name, spoil) => {
    const software_jwks = { keys: [spoil({ ...keys.publicJwk })] };
    const published = assent.publish(`/spoilt/${randomUUID()}`, software_jwks);
    for (const statement of [
      { software_jwks, software_jwks_endpoint: undefined },
      { software_jwks_endpoint: published },
    ]) {
      expect(await post(await sign({}, statement))).toMatchObject(
        refused('invalid_client_metadata'),
      );
    }
  });

  test('replayed, signed by another, or without a statement: refused', async () => {
    const jti = randomUUID();
    expect((await post(await sign({ jti }))).status).toBe(201);
    expect(await post(await sign({ jti }))).toMatchObject(refused('invalid_client_metadata'));
    const other = await createClientKeys('PS256');
    const software_jwks_endpoint = assent.publish('/other/jwks', other.jwks);
    expect(await post(await sign({}, { software_jwks_endpoint }))).toMatchObject(
      refused('invalid_client_metadata'),
    );
    expect(await post(await sign({ software_statement: undefined }))).toMatchObject(
      refused('invalid_software_statement'),
    );
  });
});

describe('a client of UK Open Banking, by an access token of its own (DCR v3.2)', () => {
  let bank: Registration;
  let fetches: Readonly<Record<'own' | 'other', Registration['fetch']>>;
  const subject = (name: string) => `CN=${name},O=Assent Sandbox`;

  beforeAll(async () => {
    bank = await startRegistration(
      { registration: { attempts: 10_000 } },
      { signedRequests: true, policy: { profiles: ['fapi1-advanced'] } },
    );
    fetches = {
      own: bank.fetcher(await bank.authority.client('own')),
      other: bank.fetcher(await bank.authority.client('other')),
    };
  });
  afterAll(() => bank?.stop());

  async function sign(claims: Claims = {}, statement: Claims = {}) {
    const software_jwks_endpoint = bank.publish('/client/jwks', keys.jwks);
    return keys.sign({
      ...{ iss: 'software-1', aud: bank.issuer, iat: epoch(), exp: epoch() + 300 },
      jti: randomUUID(),
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: subject('own'),
      tls_client_certificate_bound_access_tokens: true,
      grant_types: ['authorization_code', 'client_credentials'],
      response_types: ['code'],
      authorization_signed_response_alg: 'PS256',
      redirect_uris: [redirectUri],
      scope: 'openid accounts:read user:read',
      application_type: 'mobile',
      id_token_signed_response_alg: 'PS256',
      request_object_signing_alg: 'PS256',
      software_statement: await bank.statement({ software_jwks_endpoint, ...statement }),
      ...claims,
    });
  }
  async function make(name: 'own' | 'other', software: string) {
    const claims = { iss: software, tls_client_auth_subject_dn: subject(name) };
    const body = await sign(claims, { software_id: software });
    const answer = await bank.register(body, { type: 'application/jose' });
    expect(answer).toMatchObject({ status: 201 });
    const { client_id: client } = answer.body;
    const granted = await fetches[name](`${bank.configuration.mtlsUrl}/oidc/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client,
        scope: 'user:read',
      }),
    });
    const { access_token: token } = (await granted.json()) as { access_token: string };
    expect(granted.status).toBe(200);
    return { id: String(client), token, made: answer };
  }
  const at = (id: string) => `${bank.configuration.mtlsUrl}/oidc/reg/${id}`;

  test('is made as OpenID Connect has it, in plain JSON', async () => {
    const { made } = await make('own', 'software-1');
    expect(made.headers.get('content-type')).toMatch(/^application\/json/);
    expect(made.body).toMatchObject({ application_type: 'native' });
    expect(made.body).not.toHaveProperty('client_secret');
  });

  test('reads, changes and deletes itself, under the certificate of its token', async () => {
    const { id, token } = await make('own', 'software-1');
    const fetch = fetches.own;
    const read = await bank.call('GET', at(id), { token, fetch });
    expect(read).toMatchObject({ status: 200, body: { client_id: id } });
    expect(read.body).not.toHaveProperty('registration_access_token');
    const put = async (claims: Claims, statement: Claims = {}) =>
      bank.call('PUT', at(id), {
        ...{ token, fetch, type: 'application/jose' },
        body: await sign({ client_id: id, ...claims }, statement),
      });
    const changed = await put({ default_max_age: 60 });
    expect(changed).toMatchObject({ status: 200, body: { default_max_age: 60 } });
    expect(await put({ client_id: 'other' })).toMatchObject(refused('invalid_request'));
    const other = await put({ iss: 'software-2' }, { software_id: 'software-2' });
    expect(other).toMatchObject(refused('invalid_software_statement'));
    expect((await bank.call('DELETE', at(id), { token, fetch })).status).toBe(204);
    expect((await bank.call('GET', at(id), { token, fetch })).status).toBe(401);
  });

  test("opens no other client, and nothing under another's certificate or none (SEC-49)", async () => {
    const [own, other] = [await make('own', 'software-3'), await make('other', 'software-4')];
    for (const [id, token, fetch] of [
      [other.id, own.token, fetches.own],
      [own.id, own.token, fetches.other],
      [own.id, own.token, bank.fetch],
      [own.id, other.token, fetches.own],
      [own.id, `${own.token}x`, fetches.own],
    ] as const) {
      for (const method of ['GET', 'DELETE'] as const) {
        const answer = await bank.call(method, at(id), { token, fetch });
        expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
      }
    }
  });

  test('is none where the directory does not sign requests, or nobody vouched', async () => {
    const key = await createDpopKey();
    const url = `${assent.issuer}/token`;
    const more = { scope: 'openid accounts:read user:read' };
    const clients = [
      await register({}, more),
      await assent.register(
        { ...request, ...more, redirect_uris: [redirectUri] },
        { token: await assent.token() },
      ),
    ];
    for (const { body } of clients) {
      const api = createFapiClient(assent, body.client_id, keys);
      const form = { grant_type: 'client_credentials', scope: 'user:read' };
      const { body: granted } = await api.token(form, await key.header('POST', url));
      const token = String(granted.access_token);
      const target = `${assent.issuer}/reg/${body.client_id}`;
      const ath = createHash('sha256').update(token).digest('base64url');
      const headers = {
        authorization: `DPoP ${token}`,
        ...(await key.header('GET', target, { ath })),
      };
      expect((await assent.fetch(target, { headers })).status).toBe(401);
    }
  });
});

test('SEC-49: a client of a directory comes with the certificate of its software', async () => {
  const bank = await startRegistration(
    {},
    { certificate: { softwareId: 'CN', organisationId: 'O' } },
  );
  try {
    const claims = { software_id: 'budget', org_id: 'Assent Sandbox' };
    const [own, other] = await Promise.all(
      ['budget', 'other'].map(async (name) => bank.fetcher(await bank.authority.client(name))),
    );
    const url = `${bank.configuration.mtlsUrl}/oidc/reg`;
    const body = async () => ({ ...request, software_statement: await bank.statement(claims) });
    for (const fetch of [undefined, other]) {
      const answer = await bank.call('POST', url, { body: await body(), ...(fetch && { fetch }) });
      expect(answer).toMatchObject(refused('unapproved_software_statement'));
    }
    if (!own || !other) throw new TypeError('no certificates');
    const made = await bank.call('POST', url, { body: await body(), fetch: own });
    expect(made).toMatchObject({ status: 201 });
    const { registration_client_uri: uri, registration_access_token: token } = made.body;
    expect(uri).toMatch(url);
    expect((await bank.call('GET', uri, { token, fetch: own })).status).toBe(200);
    for (const fetch of [bank.fetch, other]) {
      expect((await bank.call('GET', uri, { token, fetch })).status).toBe(401);
      expect((await bank.call('DELETE', uri, { token, fetch })).status).toBe(401);
    }
  } finally {
    await bank.stop();
  }
});

describe('SEC-45: the keys of a directory', () => {
  test.each([
    'https://127.0.0.1:1/jwks',
    'https://169.254.169.254/latest',
    'https://[::ffff:10.0.0.1]/jwks',
  ])('%s is not called', async (jwksUri) => {
    const bank = await startRegistration({}, { jwksUri });
    try {
      const answer = await bank.register({
        ...request,
        software_statement: await bank.statement(),
      });
      expect(answer).toMatchObject(refused('invalid_software_statement'));
      expect(answer.body.error_description).toContain('no public address');
    } finally {
      await bank.stop();
    }
  });

  test('are fetched once for many statements, and again for a key that is new', async () => {
    await Promise.all([register(), register(), register()]);
    const fetched = assent.target.received.filter(({ url }) => url === '/directory/jwks');
    expect(fetched).toHaveLength(1);
  });
});
