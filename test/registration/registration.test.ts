import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { createAdministration } from '../../composition/administration.js';
import { clientChanges, recordChange } from '../../core/client-change.js';
import { nothingHeld } from '../../core/client-holdings.js';
import { clients } from '../../core/clients.js';
import { createClientRules } from '../../provider/client-rules.js';
import { createClientKeys } from '../support/client-keys.js';
import { startAssent } from '../support/start-assent.js';
import { type Registration, redirectUri, startRegistration } from './support/start-registration.js';

let assent: Registration;
let keys: Awaited<ReturnType<typeof createClientKeys>>;
let budget: Readonly<Record<string, unknown>>;
let token: string;

beforeAll(async () => {
  assent = await startRegistration({ registration: { attempts: 10_000 } });
  keys = await createClientKeys();
  token = await assent.token();
  budget = {
    client_name: 'Budget app',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: keys.jwks,
    dpop_bound_access_tokens: true,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'client_credentials'],
    scope: 'openid id:all accounts:read user:read',
  };
});
afterAll(() => assent?.stop());

test('a client registers itself with openid-client, gets a token, and stands in the history', async () => {
  const discovered = await assent.call('GET', '/oidc/.well-known/openid-configuration');
  expect(discovered.body).toMatchObject({
    registration_endpoint: `${assent.issuer}/reg`,
    mtls_endpoint_aliases: {
      registration_endpoint: `${assent.configuration.mtlsUrl}/oidc/reg`,
    },
  });
  const client = await openid.dynamicClientRegistration(
    new URL(assent.issuer),
    budget as Partial<openid.ClientMetadata>,
    openid.PrivateKeyJwt({ key: keys.privateKey, kid: keys.publicJwk.kid ?? '' }),
    { initialAccessToken: token, [openid.customFetch]: assent.fetch as never },
  );
  const { client_id: id, ...metadata } = client.clientMetadata();
  expect(metadata).toMatchObject({
    ...budget,
    profile: 'fapi2-security',
    id_token_signed_response_alg: 'ES256',
    registration_client_uri: `${assent.issuer}/reg/${id}`,
    registration_access_token: expect.any(String),
  });
  expect(metadata).not.toHaveProperty('client_secret');
  const proof = openid.getDPoPHandle(client, await openid.randomDPoPKeyPair());
  const tokens = await openid.clientCredentialsGrant(
    client,
    { scope: 'user:read' },
    { DPoP: proof },
  );
  expect(tokens.scope).toBe('user:read');
  expect(await assent.history(id)).toMatchObject([
    { action: 'created', by: { kind: 'registration', id: expect.stringMatching(/^token:/) } },
  ]);
  // Of the token only what recognises it is kept, and the history says nothing of it.
  const kept = JSON.stringify([await assent.stored(id), await assent.history(id)]);
  expect(kept).not.toContain(String(metadata.registration_access_token));
});

test('is off until the operator wants it, and discovery says so', async () => {
  const plain = await startAssent({});
  try {
    const discovery = await plain.fetch('/oidc/.well-known/openid-configuration');
    expect(JSON.stringify(await discovery.json())).not.toContain('registration_endpoint');
    const { status } = await plain.fetch('/oidc/reg', { method: 'POST', body: '{}' });
    expect(status).toBe(404);
  } finally {
    await plain.stop();
  }
});

describe('an initial access token', () => {
  test('is needed, and counts its uses also under parallel registrations', async () => {
    expect(await assent.register(budget)).toMatchObject({
      status: 401,
      body: { error: 'invalid_token' },
    });
    expect((await assent.register(budget, { token: `${token}x` })).status).toBe(401);
    const before = await assent.count();
    const twice = await assent.token({}, 2);
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => assent.register(budget, { token: twice })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 201, 401, 401, 401, 401]);
    expect(await assent.count()).toBe(before + 2);
  });

  test('is not used up by a registration that is refused, and can be revoked', async () => {
    const once = await assent.token({}, 1);
    const refused = await assent.register(
      { ...budget, redirect_uris: ['http://a.example'] },
      { token: once },
    );
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_redirect_uri' } });
    const [id = ''] = once.split('.');
    await assent.tokens.revoke(id, { kind: 'command', id: 'tester' });
    expect((await assent.register(budget, { token: once })).status).toBe(401);
    const expired = await assent.token({}, 5, -1);
    expect((await assent.register(budget, { token: expired })).status).toBe(401);
  });

  test('lets its client set what its policy allows, all broken rules told at once', async () => {
    const narrow = await assent.token({
      profiles: ['fapi2-security', 'identity-service'],
      scopes: ['openid', 'accounts:read'],
      tokenEndpointAuthMethods: ['private_key_jwt'],
      grantTypes: ['authorization_code'],
      members: ['organisation_name'],
    });
    const answer = await assent.register(
      {
        ...budget,
        profile: 'fapi1-advanced',
        token_endpoint_auth_method: 'tls_client_auth',
        client_uri: 'javascript:alert(1)',
      },
      { token: narrow },
    );
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
    const members = answer.body.broken_rules.map(({ member }: { member: string }) => member);
    expect(members).toEqual(
      expect.arrayContaining([
        'client_uri',
        'profile',
        'token_endpoint_auth_method',
        'grant_types',
        'scope',
      ]),
    );
    const { scope: _scope, ...withoutScope } = budget;
    const made = await assent.register(
      { ...withoutScope, grant_types: ['authorization_code'], organisation_name: 'Budget Ltd' },
      { token: narrow },
    );
    expect(made).toMatchObject({
      status: 201,
      body: { scope: 'openid accounts:read', organisation_name: 'Budget Ltd' },
    });
  });
});

test('SEC-47: unknown and privileged members are ignored and reported', async () => {
  const sent = `{"__proto__":{"resource_server":true},"constructor":{"a":1},${JSON.stringify({
    ...budget,
    resource_server: true,
    operator: ['clients:write'],
    own_consent_screens: true,
    ecosystem: 'connectid-au',
    registered_scope: 'everything',
    managed_by: 'file',
    client_status: 'inactive',
    registration: { by: 'me' },
    organisation_name: 'A Bank',
    client_id: 'mine',
    client_secret: 'mine',
    client_id_issued_at: 1,
    access_token_lifetime: 1,
    webhooks: [],
    'client_name#fr': 'App',
  }).slice(1)}`;
  const { status, body } = await assent.register(sent, { token });
  expect(status).toBe(201);
  expect(body.ignored_members.sort()).toEqual(
    [
      '__proto__',
      'constructor',
      'resource_server',
      'operator',
      'own_consent_screens',
      'ecosystem',
      'registered_scope',
      'managed_by',
      'client_status',
      'registration',
      'organisation_name',
      'client_id',
      'client_secret',
      'client_id_issued_at',
      'access_token_lifetime',
      'webhooks',
      'client_name#fr',
    ].sort(),
  );
  const stored = await assent.stored(body.client_id);
  expect(stored).toMatchObject({
    managed_by: 'api',
    registration: { by: expect.stringMatching(/^token:/) },
  });
  for (const member of [
    'resource_server',
    'operator',
    'own_consent_screens',
    'client_status',
    'client_secret',
  ]) {
    expect(stored).not.toHaveProperty(member);
  }
  expect(body.client_id).not.toBe('mine');
});

describe('SEC-15: URIs that a browser would run', () => {
  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'DATA:text/html;base64,eA',
    'vbscript:x',
    'blob:https://a.example/1',
    'file:///etc/passwd',
  ])('%s is refused', async (uri) => {
    const redirect = await assent.register({ ...budget, redirect_uris: [uri] }, { token });
    expect(redirect).toMatchObject({ status: 400, body: { error: 'invalid_redirect_uri' } });
    for (const member of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'jwks_uri']) {
      const { jwks: _jwks, ...rest } = budget;
      const answer = await assent.register({ ...rest, [member]: uri }, { token });
      expect({ member, ...answer }).toMatchObject({
        status: 400,
        body: { error: 'invalid_client_metadata' },
      });
    }
  });
});

describe('SEC-16: redirect URIs that could be read in two ways', () => {
  test.each([
    'https://user@budget.example/callback',
    'https://user:pass@budget.example/callback',
    'https://budget.example@evil.example/callback',
    'https://budget.example\\@evil.example/callback',
    'https://budget.example/callback#fragment',
    'https://*.budget.example/callback',
    'https://budget.example/a/../callback',
    'https://budget.example/a/..;/callback',
    'https://budget.example/%2e%2e/callback',
    'https://budget.example/call back',
    'https://budget.example/call\tback',
    'http://budget.example/callback',
    '//budget.example/callback',
    '/callback',
    'budget:/callback',
  ])('%s is refused', async (uri) => {
    const answer = await assent.register({ ...budget, redirect_uris: [uri] }, { token });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_redirect_uri' } });
  });
});

describe('a registered client', () => {
  async function make(more: object = {}) {
    const { status, body } = await assent.register({ ...budget, ...more }, { token });
    expect({ status, body }).toMatchObject({ status: 201 });
    return { id: String(body.client_id), token: String(body.registration_access_token) };
  }
  const path = (id: string) => `/oidc/reg/${id}`;

  test('reads, changes and deletes itself; what operators said of it stays', async () => {
    const made = await make();
    const read = await assent.call('GET', path(made.id), made);
    expect(read).toMatchObject({
      status: 200,
      body: { ...budget, client_id: made.id, registration_access_token: made.token },
    });
    expect(read.headers.get('cache-control')).toBe('no-store');
    const body = { ...budget, client_id: made.id, client_name: 'Budget', contacts: null };
    const changed = await assent.call('PUT', path(made.id), { ...made, body });
    expect(changed).toMatchObject({ status: 200, body: { client_name: 'Budget' } });
    const next = String(changed.body.registration_access_token);
    expect(next).not.toBe(made.token);
    expect(await assent.history(made.id)).toMatchObject([
      { action: 'created' },
      {
        action: 'updated',
        changes: [{ member: 'client_name', before: 'Budget app', after: 'Budget' }],
      },
    ]);
    // The same again changes nothing, the token neither.
    const same = await assent.call('PUT', path(made.id), { token: next, body });
    expect(same).toMatchObject({ status: 200, body: { registration_access_token: next } });
    const gone = await assent.call('DELETE', path(made.id), { token: next });
    expect(gone.status).toBe(204);
    expect((await assent.call('GET', path(made.id), { token: next })).status).toBe(401);
  });

  test('cannot change who it is, and breaks no rule by an update', async () => {
    const made = await make();
    const put = (body: object) => assent.call('PUT', path(made.id), { ...made, body });
    expect(await put(budget)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect((await put({ ...budget, client_id: 'other' })).status).toBe(400);
    const named = { ...budget, client_id: made.id };
    for (const client_secret of ['x', 5, ['x'], { toString: 1, valueOf: 1 }]) {
      expect((await put({ ...named, client_secret })).status).toBe(400);
    }
    expect((await put({ ...named, registration_access_token: made.token })).status).toBe(400);
    const broken = await put({ ...named, redirect_uris: ['http://budget.example/'] });
    expect(broken).toMatchObject({ status: 400, body: { error: 'invalid_redirect_uri' } });
    const privileged = await put({ ...named, resource_server: true });
    expect(privileged).toMatchObject({
      status: 200,
      body: { ignored_members: ['resource_server'] },
    });
    expect(await assent.stored(made.id)).toMatchObject({ redirect_uris: [redirectUri] });
  });

  test('SEC-49: a registration access token opens its own client and, once exchanged, nothing', async () => {
    const [one, other] = [await make(), await make()];
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const body = method === 'PUT' ? { ...budget, client_id: other.id } : undefined;
      const answer = await assent.call(method, path(other.id), { token: one.token, body });
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
      expect(answer.headers.get('www-authenticate')).toContain('invalid_token');
    }
    expect((await assent.call('GET', path(other.id))).status).toBe(401);
    expect((await assent.call('GET', path(other.id), { token })).status).toBe(401);
    expect((await assent.call('GET', path('nobody'), one)).status).toBe(401);
    expect(await assent.stored(other.id)).not.toHaveProperty('client_status');

    const change = (by: string, name: string) =>
      assent.call('PUT', path(one.id), {
        token: by,
        body: { ...budget, client_id: one.id, client_name: name },
      });
    // The answer may have been lost: until the new token is seen, the old one can ask for another.
    await change(one.token, 'First');
    const again = await change(one.token, 'Second');
    const next = String(again.body.registration_access_token);
    expect((await assent.call('GET', path(one.id), { token: next })).status).toBe(200);
    expect((await assent.call('GET', path(one.id), one)).status).toBe(401);
    expect((await change(one.token, 'Third')).status).toBe(401);
  });
});

test('requests are bounded in size, depth, form and number', async () => {
  const large = { ...budget, client_name: 'x'.repeat(70_000) };
  expect(await assent.register(large, { token })).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
  const deep = `{"jwks":${'['.repeat(5000)}${']'.repeat(5000)}}`;
  expect((await assent.register(deep, { token })).status).toBe(400);
  for (const body of ['[]', '"text"', '{', '', 'null']) {
    expect((await assent.register(body, { token })).status).toBe(400);
  }
  expect((await assent.register('a=b', { token, type: 'text/plain' })).status).toBe(400);
  const odd = await assent.call('PATCH', '/oidc/reg', { body: {} });
  expect(odd).toMatchObject({ status: 405, body: { error: 'invalid_request' } });

  const few = await startRegistration({ registration: { attempts: 3 } });
  try {
    const statuses = [];
    const answers = [];
    for (let count = 0; count < 5; count++) answers.push(await few.register(budget));
    statuses.push(...answers.map(({ status }) => status));
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    // RFC 6750 §3.1: no error in a token that did not come; the words are those of RFC 7591 §3.2.2.
    expect(answers[0]?.headers.get('www-authenticate')).toBe('Bearer');
    expect(answers[4]?.body.error).toBe('invalid_request');
  } finally {
    await few.stop();
  }
});

describe('what an operator set of a registered client', () => {
  const administration = () =>
    createAdministration({
      ...{ storage: assent.storage, clock: assent.clock },
      rules: createClientRules(assent.provider, assent.configuration.lifetimes),
      holdings: { list: async () => ({ grants: nothingHeld, connections: nothingHeld }) },
    });
  const by = { kind: 'operator', id: 'night' } as const;

  async function setBy(clientId: string, changes: object) {
    const order = { by, expect: () => true, dryRun: false };
    return administration().clients.update(clientId, changes, order);
  }

  test('stays when the client changes itself, until an operator lets it say that again', async () => {
    const { body: made } = await assent.register(budget, { token });
    const id = String(made.client_id);
    let own = String(made.registration_access_token);
    const put = async (body: object) => {
      const answer = await assent.call('PUT', `/oidc/reg/${id}`, {
        token: own,
        body: { ...budget, client_id: id, ...body },
      });
      own = answer.body.registration_access_token ?? own;
      return answer;
    };
    const restricted = {
      ...{ scope: 'openid', require_auth_time: true, default_max_age: 60 },
      redirect_uris: [`${redirectUri}/only`],
      logo_uri: null,
    };
    await put({ logo_uri: 'https://budget.example/logo.png' });
    await setBy(id, restricted);
    const said = {
      ...{ scope: 'openid accounts:read', default_max_age: 100_000, client_name: 'Renamed' },
      redirect_uris: ['https://elsewhere.example/'],
      logo_uri: 'https://budget.example/logo.png',
    };
    const { logo_uri: _logo, ...kept } = restricted;
    for (let again = 0; again < 2; again++) {
      const { status, body } = await put(said);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { ...kept, client_name: 'Renamed' },
      });
      expect(body).not.toHaveProperty('logo_uri');
      expect(body.ignored_members).toEqual(
        expect.arrayContaining(['scope', 'default_max_age', 'redirect_uris', 'logo_uri']),
      );
    }
    // The client cannot let itself.
    const tried = await put({ ...said, set_by_operators: [] });
    expect(tried.body).toMatchObject(kept);
    const list = (await assent.stored(id))?.set_by_operators;
    expect(list).toEqual(expect.arrayContaining(Object.keys(restricted)));
    await setBy(id, { set_by_operators: ['scope'] });
    expect((await put(said)).body).toMatchObject({ ...said, scope: 'openid' });
  });

  test('stays however often a file from before is applied', async () => {
    const { body: made } = await assent.register(budget, { token });
    const id = String(made.client_id);
    await setBy(id, { default_max_age: 60 });
    const { configuration } = administration();
    const { clients, ...form } = await configuration.export({ withSecrets: false });
    const entries = clients.filter(({ client_id }) => client_id === id);
    const file = { ...form, clients: entries.map((entry) => ({ ...entry, scope: 'openid' })) };
    const apply = () => configuration.apply(file, { prune: false, by });
    expect((await apply()).clients).toMatchObject([{ clientId: id, action: 'updated' }]);
    for (let again = 0; again < 2; again++) {
      expect(await apply()).toEqual({ clients: [], unchanged: 1 });
    }
    const put = await assent.call('PUT', `/oidc/reg/${id}`, {
      token: String(made.registration_access_token),
      body: { ...budget, client_id: id },
    });
    expect(put).toMatchObject({ status: 200, body: { scope: 'openid', default_max_age: 60 } });

    // The file without the note, and with a name more.
    const named = (set_by_operators: readonly string[]) =>
      configuration.apply(
        { ...file, clients: file.clients.map((entry) => ({ ...entry, set_by_operators })) },
        { prune: false, by },
      );
    await named([]);
    expect((await assent.stored(id))?.set_by_operators).toEqual(['default_max_age', 'scope']);
    await named(['policy_uri']);
    const noted = ['default_max_age', 'scope', 'policy_uri'];
    expect((await assent.stored(id))?.set_by_operators).toEqual(noted);
  });
});

test('a client that changes itself without end does not fill the store', async () => {
  const { body: made } = await assent.register(budget, { token });
  const id = String(made.client_id);
  let own = made.registration_access_token;
  for (let count = 0; count < 110; count++) {
    const redirect_uris = Array.from(
      { length: 50 },
      (_, n) => `https://budget.example/${count}/${n}/${'x'.repeat(900)}`,
    );
    const { status, body } = await assent.call('PUT', `/oidc/reg/${id}`, {
      token: own,
      body: { ...budget, client_id: id, redirect_uris },
    });
    expect(status).toBe(200);
    own = body.registration_access_token;
  }
  expect(await assent.storage.count(clientChanges, 'client', id)).toBeLessThanOrEqual(100);
  const history = await assent.history(id);
  // Who let it in stays, and the latest; what is large is told by its hash.
  expect(history[0]).toMatchObject({ action: 'created' });
  expect(JSON.stringify(history).length).toBeLessThan(50_000);
  expect(JSON.stringify(history[1]?.changes)).toMatch(/SHA-256/);
}, 60_000);

test('what operators changed of a client hides none of its own changes that make way', async () => {
  const { body: made } = await assent.register(budget, { token });
  const id = String(made.client_id);
  const author = { by: { kind: 'operator', id: 'ops' } as const, at: new Date() };
  const changes = Array.from({ length: 210 }, () => recordChange(id, 'updated', [], author));
  await assent.storage.commit(changes);
  let own = made.registration_access_token;
  for (let count = 0; count < 5; count++) {
    const { status, body } = await assent.call('PUT', `/oidc/reg/${id}`, {
      token: own,
      body: { ...budget, client_id: id, client_name: `Budget app ${count}` },
    });
    expect(status).toBe(200);
    own = body.registration_access_token;
  }
  // That it was made, what operators did, and the latest of its own.
  expect(await assent.storage.count(clientChanges, 'client', id)).toBe(212);
});

test('requests are counted by address until a client proves itself, and then by client', async () => {
  const few = await startRegistration({ registration: { attempts: 4, anyone: {} } });
  try {
    const [one, other] = [await few.register(budget), await few.register(budget)];
    expect([one.status, other.status]).toEqual([201, 201]);
    const get = ({ body }: typeof one) =>
      few.call('GET', `/oidc/reg/${body.client_id}`, { token: body.registration_access_token });
    const statuses = [];
    for (let count = 0; count < 6; count++) statuses.push((await get(one)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
    expect((await get(other)).status).toBe(200);
    // Without proof, of the address: two are left.
    const strange = { ...one, body: { ...one.body, registration_access_token: 'x' } };
    const refused = [];
    for (let count = 0; count < 4; count++) refused.push((await get(strange)).status);
    expect(refused).toEqual([401, 401, 429, 429]);
    expect((await few.register(budget)).status).toBe(429);
    expect((await get(other)).status).toBe(200);
  } finally {
    await few.stop();
  }
});

test('a fault of ours is counted against nobody', async () => {
  let isAway = false;
  const few = await startRegistration({ registration: { attempts: 2, anyone: {} } }, undefined, {
    onStorageCall({ collection }) {
      if (isAway && collection === clients.name) throw new Error('the storage is away');
    },
  });
  try {
    const { body } = await few.register(budget);
    const ask = () =>
      few.call('GET', `/oidc/reg/${body.client_id}`, { token: body.registration_access_token });
    isAway = true;
    expect([(await ask()).status, (await ask()).status]).toEqual([500, 500]);
    isAway = false;
    expect((await ask()).status).toBe(200);
    expect((await few.register(budget)).status).toBe(201);
  } finally {
    await few.stop();
  }
});
