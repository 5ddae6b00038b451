import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clients } from '../../core/clients.js';
import { insert, put } from '../../core/storage.js';
import { makeManagedUser, users } from '../../core/user.js';
import { createRunningClock } from '../adapters/support/moving-clock.js';
import { createClientKeys } from '../support/client-keys.js';
import { createTestOperator, startAdmin } from './support/start-admin.js';

const secret = 'the-secret-of-the-file-that-is-long-enough';
const redirectUri = 'https://budget.example/callback';
const withSecret = {
  client_name: 'Ledger app',
  profile: 'identity-service',
  token_endpoint_auth_method: 'client_secret_basic',
  redirect_uris: ['https://ledger.example/callback'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  scope: 'openid id:all accounts:read user:read user:create',
};

const clock = createRunningClock();
let admin: Awaited<ReturnType<typeof startAdmin>>;
let keys: Awaited<ReturnType<typeof createClientKeys>>;
let budget: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  keys = await createClientKeys();
  budget = {
    client_name: 'Budget app',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: keys.jwks,
    dpop_bound_access_tokens: true,
    redirect_uris: [redirectUri],
  };
  admin = await startAdmin(
    {
      clients: [{ ...withSecret, client_id: 'of-the-file', client_secret: secret }],
    },
    { clock },
  );
});
afterAll(() => admin.stop());

async function create(metadata: object): Promise<{ id: string; etag: string; secret: string }> {
  const { status, body, etag } = await admin.call('POST', '/clients', metadata);
  expect({ status, body }).toMatchObject({ status: 201 });
  return { id: body.client.clientId, etag, secret: body.clientSecret };
}

function tokenWithSecret(clientId: string, clientSecret: string, form = {}) {
  return admin.fetchAnonymously('/oidc/token', {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'user:read', ...form }),
  });
}

test.each<[string, object]>([
  ['a modulus', { kty: 'RSA', e: 'AQAB', n: { toString: 1, valueOf: 1 } }],
  ['an exponent', { kty: 'RSA', e: { toString: 1, valueOf: 1 }, n: 'AQAB' }],
  ['operations', { kty: 'EC', key_ops: [{ toString: 1, valueOf: 1 }] }],
  ['a type', { kty: { toString: 1, valueOf: 1 } }],
])('a key with %s that is no text is told as a broken rule', async (_name, key) => {
  const broken = { ...budget, jwks: { keys: [key] } };
  const tried = await admin.call('POST', '/clients/dry-run', broken);
  expect(tried.status).toBe(200);
  expect(tried.body.brokenRules[0].member).toMatch(/^jwks\.keys\.0/);
  const planned = await admin.call('POST', '/configuration/plan', {
    ...{ format: 'assent-configuration', version: 1 },
    clients: [{ ...broken, client_id: 'broken-key' }],
  });
  expect(planned.status).toBe(200);
  expect(planned.body.clients[0].brokenRules[0].member).toMatch(/^jwks\.keys\.0/);
});

const ifMatch = (etag: string) => ({ 'if-match': etag });

describe('a client', () => {
  test('is made, read, changed and found again', async () => {
    const made = await create(budget);
    const read = await admin.call('GET', `/clients/${made.id}`);
    expect(read).toMatchObject({ status: 200, etag: made.etag });
    expect(read.body).toMatchObject({
      status: 'active',
      managedBy: 'api',
      hasSecret: false,
      updatedBy: { kind: 'operator', id: 'operator' },
      metadata: budget,
    });

    const changed = await admin.call(
      'PATCH',
      `/clients/${made.id}`,
      { client_name: 'Budget', contacts: ['help@budget.example'], policy_uri: null },
      ifMatch(made.etag),
    );
    expect(changed.status).toBe(200);
    expect(changed.etag).not.toBe(made.etag);
    expect(changed.body.client.metadata).toEqual({
      ...budget,
      // Written down, so that no setting changes them.
      id_token_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
      introspection_signed_response_alg: 'ES256',
      client_name: 'Budget',
      contacts: ['help@budget.example'],
    });
    // The same again changes nothing, and is no entry in the history.
    const again = await admin.call(
      'PATCH',
      `/clients/${made.id}`,
      { client_name: 'Budget' },
      ifMatch(changed.etag),
    );
    expect(again).toMatchObject({ status: 200, etag: changed.etag });

    const history = await admin.call('GET', `/clients/${made.id}/history`);
    expect(history.body.changes).toMatchObject([
      {
        action: 'updated',
        by: { kind: 'operator', id: 'operator' },
        changes: [
          { member: 'client_name', before: 'Budget app', after: 'Budget' },
          { member: 'contacts', after: ['help@budget.example'] },
        ],
      },
      { action: 'created' },
    ]);
    expect(history.body.changes[0].changes[1]).not.toHaveProperty('before');
  });

  test('is changed only by who has seen its present state', async () => {
    const { id, etag } = await create(budget);
    const patch = (headers: Readonly<Record<string, string>>) =>
      admin.call('PATCH', `/clients/${id}`, { client_name: 'Later' }, headers);
    expect(await patch({})).toMatchObject({
      status: 428,
      body: { code: 'PreconditionRequired', correlationId: expect.any(String) },
    });
    expect((await patch(ifMatch('"1-1"'))).status).toBe(412);
    expect((await patch(ifMatch(`W/${etag}`))).status).toBe(412);
    // Not "somebody else has changed it", where a shell took the quotes away.
    expect(await patch(ifMatch(etag.replaceAll('"', '')))).toMatchObject({
      status: 400,
      body: { message: 'If-Match must be an ETag with its double quotes, or *' },
    });
    expect((await patch(ifMatch(`"1-1", ${etag}`))).status).toBe(200);
    expect(await patch(ifMatch(etag))).toMatchObject({
      status: 412,
      body: { code: 'PreconditionFailed' },
    });
    for (const [method, path] of [
      ['DELETE', ''],
      ['POST', '/disable'],
      ['POST', '/enable'],
    ] as const) {
      const body = method === 'POST' ? {} : undefined;
      expect((await admin.call(method, `/clients/${id}${path}`, body)).status).toBe(428);
      const stale = await admin.call(method, `/clients/${id}${path}`, body, ifMatch(etag));
      expect(stale.status).toBe(412);
    }
    expect((await patch(ifMatch('*'))).status).toBe(200);
  });

  test('that there is none of is told to operators, and only to them', async () => {
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', {}],
      ['DELETE', ''],
      ['POST', '/enable', {}],
      ['POST', '/secret', {}],
      ['GET', '/history'],
      ['GET', '/effective'],
      ['PATCH', '/dry-run', {}],
      ['DELETE', '/dry-run'],
    ] as const) {
      const answer = await admin.call(method, `/clients/nobody${path}`, body, ifMatch('*'));
      expect(answer).toMatchObject({ status: 404, body: { code: 'NotFound' } });
    }
  });

  test('is listed by id, a page at a time, and found by name, id and redirect host', async () => {
    const ids = [];
    for (const name of ['Zebra One', 'zebra two', 'ZEBRA three']) {
      ids.push((await create({ ...budget, client_name: name })).id);
    }
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page: { body: { clients: { clientId: string }[]; next?: string } } = await admin.call(
        'GET',
        `/clients?search=zebra&limit=2${cursor ? `&cursor=${cursor}` : ''}`,
      );
      expect(page.body.clients.length).toBeLessThanOrEqual(2);
      found.push(...page.body.clients.map(({ clientId }) => clientId));
      cursor = page.body.next;
    } while (cursor !== undefined);
    expect(found).toEqual(ids.toSorted());

    const search = async (query: string) => {
      const { body } = await admin.call('GET', `/clients?${query}`);
      return body.clients.map((client: { clientId: string }) => client.clientId);
    };
    expect(await search('search=LEDGER.example')).toEqual(['of-the-file']);
    expect(await search('search=the-file')).toEqual(['of-the-file']);
    expect(await search('managedBy=file')).toEqual(['of-the-file']);
    expect(await search('status=inactive')).toEqual([]);
    // Only hosts are searched, and no secret.
    expect(await search('search=callback')).toEqual([]);
    expect(await search(`search=${secret.slice(0, 20)}`)).toEqual([]);
    for (const query of ['limit=0', 'limit=101', 'cursor=%00', 'status=gone', 'search=']) {
      expect((await admin.call('GET', `/clients?${query}`)).status).toBe(400);
    }
  });

  test('that breaks rules is refused with each of them, and nothing is made', async () => {
    const before = (await admin.call('GET', '/configuration')).body.clients.length;
    const bad = {
      client_name: 'Bad\u202Eapp',
      profile: 'fapi2-security',
      token_endpoint_auth_method: 'client_secret_basic',
      response_types: ['code id_token'],
      redirect_uris: [
        'http://bad.example/callback',
        'JavaScript:alert(1)',
        'https://u:p@bad.example/',
      ],
      jwks: { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQ' }] },
      webhooks: [{ url: 'http://bad.example/hook', events: ['syncCompleted'] }],
      scope: 'openid clients:write',
      trusted: true,
    };
    const { status, body } = await admin.call('POST', '/clients', bad);
    expect(status).toBe(400);
    const members = body.details.map(({ member }: { member: string }) => member);
    expect(members).toEqual(
      expect.arrayContaining([
        'client_name',
        'trusted',
        'redirect_uris.1',
        'webhooks.0.url',
        'token_endpoint_auth_method',
        'response_types',
        'tls_client_certificate_bound_access_tokens',
        'jwks.keys.0',
        'scope',
      ]),
    );
    expect(body.details).toContainEqual({
      member: 'token_endpoint_auth_method',
      rule: expect.stringContaining('private_key_jwt'),
      clause: 'FAPI 2.0 SP §5.3.2.1-6',
    });
    const tried = await admin.call('POST', '/clients/dry-run', bad);
    expect(tried).toMatchObject({ status: 200, body: { action: 'created' } });
    expect(tried.body.brokenRules).toEqual(body.details);
    expect((await admin.call('GET', '/configuration')).body.clients).toHaveLength(before);
  });

  test('of a list, each entry is told by its own fault, and no member that is wrong reads as removed', async () => {
    const { id } = await create(budget);
    const redirect_uris = ['custom:/x', 'https://*.x.example/cb', 'https://app.example/#here'];
    const patch = { redirect_uris, client_name: 'B\u0000d' };
    const { body } = await admin.call('PATCH', `/clients/${id}/dry-run`, patch);
    const rules = body.brokenRules.map(({ member, rule }: Record<string, string>) => [
      member,
      rule,
    ]);
    expect(rules).toEqual([
      ['client_name', expect.stringContaining('control')],
      ['redirect_uris.1', expect.stringContaining('one address')],
      ['redirect_uris.0', 'must use https'],
      ['redirect_uris.2', 'must not contain credentials or a fragment'],
    ]);
    expect(body.changes).toMatchObject([{ member: 'redirect_uris', after: redirect_uris }]);
    const alone = await admin.call('PATCH', `/clients/${id}/dry-run`, { client_name: 'B\u0000d' });
    expect(alone.body).toMatchObject({ changes: [], brokenRules: [{ member: 'client_name' }] });
  });

  test('SEC-47: what only the product or the command may set is refused by name', async () => {
    const { id, etag } = await create(budget);
    const privileged = [
      'client_id',
      'client_secret',
      'client_id_issued_at',
      'client_status',
      'managed_by',
      'operator',
      'previous_client_secret',
      'registered_scope',
      'updated_by',
      'trusted',
      'constructor',
    ];
    const sent = JSON.stringify(Object.fromEntries(privileged.map((name) => [name, ['x']])));
    const text = sent.replace('{', '{"__proto__":{"operator":["clients:write"]},');
    const before = await admin.storage.get(clients, id);
    for (const [method, path] of [
      ['POST', '/clients'],
      ['PATCH', `/clients/${id}`],
    ] as const) {
      const response = await admin.fetch(`${admin.configuration.mtlsUrl}/admin/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${admin.token}`,
          'content-type': 'application/json',
          'if-match': etag,
        },
        body: text,
      });
      const { details } = (await response.json()) as { details: { member: string }[] };
      const members = details.map(({ member }) => member);
      expect(response.status).toBe(400);
      expect(members).toEqual(expect.arrayContaining([...privileged, '__proto__']));
    }
    const stored = await admin.storage.get(clients, id);
    expect(stored?.value.operator).toBeUndefined();
    expect(stored?.version).toBe(before?.version);
  });

  test('a dry run says what would be, and changes nothing', async () => {
    const { id, etag } = await create(withSecret);
    const user = makeManagedUser(id, {}, Date.now());
    await admin.storage.commit([insert(users, user.userId, user)]);
    const before = await admin.storage.get(clients, id);
    const tried = await admin.call(
      'PATCH',
      `/clients/${id}/dry-run`,
      { grant_types: ['authorization_code'], access_token_lifetime: 60 },
      ifMatch(etag),
    );
    expect(tried.body).toMatchObject({
      action: 'updated',
      brokenRules: [],
      ends: { grants: { total: 0, isComplete: true } },
      effective: { access_token_lifetime: 60, id_token_lifetime: 3600, require_auth_time: false },
    });
    expect(JSON.stringify(tried.body)).not.toMatch(/client_secret"/);
    expect((await admin.call('DELETE', `/clients/${id}/dry-run`)).body).toMatchObject({
      action: 'deleted',
      ends: { because: 'The client is deleted', connections: { total: 0 } },
    });
    const stale = await admin.call('DELETE', `/clients/${id}/dry-run`, undefined, ifMatch('"0-0"'));
    expect(stale.status).toBe(412);
    expect(await admin.storage.get(clients, id)).toEqual(before);
    expect((await admin.call('GET', `/clients/${id}/history`)).body.changes).toHaveLength(1);
  });

  test('may have tokens that live shorter than others', async () => {
    const { id, secret: own } = await create({ ...withSecret, access_token_lifetime: 90 });
    const answer = await (await tokenWithSecret(id, own)).json();
    expect(answer).toMatchObject({ expires_in: 90 });
    const effective = await admin.call('GET', `/clients/${id}/effective`);
    expect(effective.body).toMatchObject({
      access_token_lifetime: 90,
      scope: withSecret.scope,
      application_type: 'web',
    });
    expect(effective.body).not.toHaveProperty('client_secret');
  });
});

describe('a secret', () => {
  test('is made with the client, shown once, and rotated with an overlap', async () => {
    const made = await create(withSecret);
    expect(made.secret).toMatch(/^[\w-]{43}$/);
    expect((await tokenWithSecret(made.id, made.secret)).status).toBe(200);

    const rotated = await admin.call(
      'POST',
      `/clients/${made.id}/secret`,
      { overlapSeconds: 60 },
      ifMatch(made.etag),
    );
    expect(rotated.status).toBe(200);
    const next = rotated.body.clientSecret;
    expect(rotated.body.client.previousSecretExpiresAt).toBeDefined();
    // Seen by this process within a second.
    clock.advance(10);
    expect((await tokenWithSecret(made.id, next)).status).toBe(200);
    expect((await tokenWithSecret(made.id, made.secret)).status).toBe(200);
    expect((await tokenWithSecret(made.id, `${next}x`)).status).toBe(401);
    clock.advance(51);
    expect((await tokenWithSecret(made.id, made.secret)).status).toBe(401);
    expect((await tokenWithSecret(made.id, next)).status).toBe(200);

    const history = await admin.call('GET', `/clients/${made.id}/history`);
    expect(history.body.changes[0]).toMatchObject({
      action: 'secret_rotated',
      changes: [
        { member: 'client_secret', before: '(changed)', after: '(changed)' },
        { member: 'previous_client_secret', after: '(changed)' },
      ],
    });
    const shown = JSON.stringify([history.body, await admin.call('GET', `/clients/${made.id}`)]);
    for (const value of [made.secret, next]) expect(shown).not.toContain(value);
  });

  test('can be taken away at once, and belongs only to clients that use one', async () => {
    const made = await create(withSecret);
    const rotated = await admin.call(
      'POST',
      `/clients/${made.id}/secret`,
      { overlapSeconds: 0 },
      ifMatch(made.etag),
    );
    expect(rotated.body.client).not.toHaveProperty('previousSecretExpiresAt');
    expect((await tokenWithSecret(made.id, made.secret)).status).toBe(401);

    const without = await create(budget);
    const none = await admin.call('POST', `/clients/${without.id}/secret`, {}, ifMatch('*'));
    expect(none.status).toBe(409);
    // A change to another method takes the secret along, and back brings a new one.
    const toKey = await admin.call(
      'PATCH',
      `/clients/${made.id}`,
      { token_endpoint_auth_method: 'private_key_jwt', jwks: keys.jwks },
      ifMatch('*'),
    );
    expect(toKey.body.client.hasSecret).toBe(false);
    const back = await admin.call(
      'PATCH',
      `/clients/${made.id}`,
      { token_endpoint_auth_method: 'client_secret_basic' },
      ifMatch('*'),
    );
    expect(back.body.clientSecret).toMatch(/^[\w-]{43}$/);
  });
});

describe('a client of the configuration file', () => {
  test('is read here and changed there, but an operator can disable it', async () => {
    const { body, etag } = await admin.call('GET', '/clients/of-the-file');
    expect(body).toMatchObject({ managedBy: 'file', updatedBy: { kind: 'file' } });
    for (const [method, path, change] of [
      ['PATCH', '', { client_name: 'Mine' }],
      ['DELETE', '', undefined],
      ['POST', '/secret', {}],
    ] as const) {
      const answer = await admin.call(method, `/clients/of-the-file${path}`, change, ifMatch(etag));
      expect(answer).toMatchObject({
        status: 400,
        body: { details: [{ member: 'managed_by', rule: expect.stringContaining('file') }] },
      });
    }
    expect((await tokenWithSecret('of-the-file', secret)).status).toBe(200);
    const disabled = await admin.call('POST', '/clients/of-the-file/disable', {}, ifMatch(etag));
    expect(disabled.body.client.status).toBe('inactive');
    clock.advance(2);
    expect((await tokenWithSecret('of-the-file', secret)).status).toBe(401);
    const enabled = await admin.call(
      'POST',
      '/clients/of-the-file/enable',
      {},
      ifMatch(disabled.etag),
    );
    expect(enabled.body.client.status).toBe('active');
  });
});

describe('who is no operator', () => {
  test('an ordinary client gets neither the scopes nor an answer', async () => {
    const ordinary = await create(withSecret);
    for (const scope of ['clients:read', 'clients:write', 'user:read clients:read']) {
      const refused = await tokenWithSecret(ordinary.id, ordinary.secret, { scope });
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ error: 'invalid_scope' });
    }
    const { access_token: token } = (await (
      await tokenWithSecret(ordinary.id, ordinary.secret)
    ).json()) as { access_token: string };
    for (const path of ['/clients', '/clients/nobody', '/configuration']) {
      const response = await admin.fetchAnonymously(`/admin/v1${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(response.status).toBe(403);
    }
    const anonymous = await admin.fetchAnonymously('/admin/v1/clients');
    expect(anonymous.status).toBe(401);
    const unknown = await admin.fetchAnonymously('/admin/v1/nothing');
    expect(unknown.status).toBe(404);
  });

  test('a token of an operator is of no use without its certificate', async () => {
    const response = await admin.fetchAnonymously('/admin/v1/clients', {
      headers: { authorization: `Bearer ${admin.token}` },
    });
    expect(response.status).toBe(401);
  });

  test('an operator that may only look changes nothing, and none changes operators', async () => {
    const reader = await createTestOperator(admin, 'reader', ['clients:read']);
    expect((await reader.call('GET', '/clients')).status).toBe(200);
    expect((await reader.call('POST', '/clients/dry-run', budget)).status).toBe(200);
    expect((await reader.call('POST', '/clients', budget)).status).toBe(403);
    const grab = await admin.call(
      'PATCH',
      '/clients/reader',
      { jwks: keys.jwks, token_endpoint_auth_method: 'private_key_jwt' },
      ifMatch('*'),
    );
    expect(grab.body.details).toMatchObject([{ member: 'operator' }]);
    expect((await admin.call('DELETE', '/clients/reader', undefined, ifMatch('*'))).status).toBe(
      400,
    );
    expect((await admin.call('GET', '/clients/reader')).body.isOperator).toBe(true);

    // A lost key is a matter of seconds: its tokens end with it.
    expect((await admin.call('POST', '/clients/reader/disable', {}, ifMatch('*'))).status).toBe(
      200,
    );
    clock.advance(2);
    const late = await reader.fetch(`${admin.configuration.mtlsUrl}/admin/v1/clients`, {
      headers: { authorization: `Bearer ${reader.token}` },
    });
    expect(late.status).toBe(401);
  });
});

test('a client that only an earlier version wrote is shown and can be changed', async () => {
  await admin.storage.commit([
    put(clients, 'legacy', { ...withSecret, client_id: 'legacy', client_secret: secret }),
  ]);
  const { body } = await admin.call('GET', '/clients/legacy');
  expect(body).toMatchObject({ managedBy: 'api', status: 'active' });
  const changed = await admin.call(
    'PATCH',
    '/clients/legacy',
    { client_uri: 'https://l.example' },
    ifMatch('*'),
  );
  expect(changed.status).toBe(200);
  expect((await tokenWithSecret('legacy', secret)).status).toBe(200);
});
