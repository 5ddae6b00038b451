import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clientChanges } from '../../core/client-change.js';
import { configurationDocumentSchema } from '../../core/client-configuration.js';
import { clients } from '../../core/clients.js';
import { findAll } from '../../core/find-all.js';
import { removeWhere, type Storage } from '../../core/storage.js';
import { createClientKeys } from '../support/client-keys.js';
import { eventually } from '../support/eventually.js';
import { startAdmin } from './support/start-admin.js';

let admin: Awaited<ReturnType<typeof startAdmin>>;
let jwks: object;
const ofTheFile = {
  client_id: 'of-the-file',
  profile: 'identity-service',
  token_endpoint_auth_method: 'client_secret_basic',
  client_secret: 'the-secret-of-the-file-that-is-long-enough',
  redirect_uris: ['https://file.example/callback'],
};

beforeAll(async () => {
  ({ jwks } = await createClientKeys());
  admin = await startAdmin({ clients: [ofTheFile] });
});
afterAll(() => admin.stop());

/** All clients but operators and those of the file, gone as if they had never been. */
async function empty(): Promise<void> {
  const all = await findAll(admin.storage, clients, { index: 'id', from: '' });
  const made = all.filter(({ value }) => !value.operator && value.managed_by !== 'file');
  await admin.storage.commit(
    made.flatMap(({ id }) => [
      removeWhere(clients, 'id', id),
      removeWhere(clientChanges, 'client', id),
    ]),
  );
}

const text = fc.stringMatching(/^[a-z]{1,12}$/);
const uri = fc.tuple(text, text).map(([host, path]) => `https://${host}.example/${path}`);
const flag = fc.boolean();
const lifetime = fc.integer({ min: 1, max: 100_000 });

/** Every member that stands for itself; those that depend on each other are below. */
const free = fc.record(
  {
    client_name: fc.constantFrom('Äpp & Söhne', '預金', 'Plain'),
    client_uri: uri,
    logo_uri: uri,
    policy_uri: uri,
    tos_uri: uri,
    contacts: fc.uniqueArray(
      text.map((name) => `${name}@app.example`),
      { maxLength: 3 },
    ),
    organisation_id: text,
    organisation_name: text,
    software_id: text,
    software_version: text,
    software_statement: text,
    application_type: fc.constant('web'),
    initiate_login_uri: uri,
    response_types: fc.constant(['code']),
    grant_types: fc.constantFrom(
      ['authorization_code'],
      ['authorization_code', 'refresh_token', 'client_credentials'],
    ),
    scope: fc.constantFrom('openid', 'openid offline_access id:all accounts:read', ''),
    default_max_age: fc.integer({ min: 0, max: 10_000 }),
    require_auth_time: flag,
    use_mtls_endpoint_aliases: flag,
    require_pushed_authorization_requests: flag,
    request_object_signing_alg: fc.constantFrom('PS256', 'ES256'),
    id_token_signed_response_alg: fc.constantFrom('PS256', 'ES256'),
    access_token_lifetime: lifetime,
    id_token_lifetime: lifetime,
    authorization_code_lifetime: lifetime,
    own_consent_screens: flag,
    resource_server: flag,
    unsigned_pushed_request_object: flag,
    webhooks: fc
      .uniqueArray(uri, { maxLength: 3 })
      .map((urls) => urls.map((url) => ({ url, events: ['syncCompleted'], format: 'jwt' }))),
  },
  { requiredKeys: [] },
);

const redirects = fc.record({ redirect_uris: fc.uniqueArray(uri, { minLength: 1, maxLength: 4 }) });

function authentication(): fc.Arbitrary<object> {
  return fc.constantFrom(
    { token_endpoint_auth_method: 'private_key_jwt', jwks, dpop_bound_access_tokens: true },
    {
      profile: 'fapi2-security',
      token_endpoint_auth_method: 'tls_client_auth',
      jwks,
      tls_client_auth_subject_dn: 'CN=app,O=App',
      tls_client_certificate_bound_access_tokens: true,
    },
    {
      profile: 'identity-service',
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret: 'a-secret-of-the-test-that-is-long-enough',
      jwks,
    },
  );
}

test('what is exported, applied on an empty store and exported again is the same', async () => {
  const client = fc
    .tuple(
      free,
      redirects,
      authentication(),
      fc.option(fc.constant('inactive'), { nil: undefined }),
    )
    .map(([members, uris, method, client_status]) => ({
      ...members,
      ...uris,
      ...method,
      ...(client_status && { client_status }),
    }));
  const many = fc
    .uniqueArray(fc.uuid(), { maxLength: 4 })
    .chain((ids) =>
      fc.tuple(...ids.map((id) => client.map((members) => ({ client_id: id, ...members })))),
    );
  const { configuration } = admin.administration;
  const by = { kind: 'command', id: 'tester' } as const;
  await fc.assert(
    fc.asyncProperty(many, async (entries) => {
      await empty();
      const document = configurationDocumentSchema.parse({
        format: 'assent-configuration',
        version: 1,
        clients: entries,
      });
      const first = await configuration.apply(document, { by, prune: false });
      expect(first.clients.map(({ action }) => action)).toEqual(entries.map(() => 'created'));
      const exported = await configuration.export({ withSecrets: true });
      expect(exported.clients).toEqual(
        expect.arrayContaining(entries.map((entry) => expect.objectContaining(entry))),
      );

      await empty();
      const written = JSON.stringify(exported);
      await configuration.apply(JSON.parse(written), { by, prune: true });
      expect(JSON.stringify(await configuration.export({ withSecrets: true }))).toBe(written);
      // And once more it changes nothing.
      const again = await configuration.apply(JSON.parse(written), { by, prune: true });
      expect(again).toEqual({ clients: [], unchanged: entries.length + 1 });
    }),
    { numRuns: 60 },
  );
});

async function exportAll() {
  return (await admin.call('GET', '/configuration')).body;
}

const entry = (client_id: string, more = {}) => ({
  client_id,
  token_endpoint_auth_method: 'private_key_jwt',
  jwks,
  dpop_bound_access_tokens: true,
  redirect_uris: [`https://${client_id}.example/callback`],
  ...more,
});

test('a plan tells everything, and applying does exactly that, at once', async () => {
  await empty();
  const document = {
    format: 'assent-configuration',
    version: 1,
    clients: [entry('one'), entry('two', { grant_types: ['authorization_code', 'refresh_token'] })],
  };
  await admin.call('POST', '/configuration/apply', document);
  const { clients: kept } = await exportAll();
  expect(JSON.stringify(kept)).not.toContain('client_secret"');

  const next = {
    ...document,
    clients: [entry('one', { client_name: 'One' }), entry('three')],
  };
  const planned = await admin.call('POST', '/configuration/plan?prune=true', next);
  expect(planned.body).toMatchObject({
    unchanged: 0,
    clients: [
      { clientId: 'one', action: 'updated', changes: [{ member: 'client_name', after: 'One' }] },
      { clientId: 'three', action: 'created' },
      { clientId: 'two', action: 'deleted', ends: { grants: { total: 0 } } },
    ],
  });
  // The client of the file and the operators are not in it, and stay.
  expect(await exportAll()).toMatchObject({ clients: kept });
  const applied = await admin.call('POST', '/configuration/apply?prune=true', next);
  expect(applied.body).toEqual(planned.body);
  const history = await admin.call('GET', '/clients/three/history');
  expect(history.body.changes).toMatchObject([{ by: { kind: 'operator', id: 'operator' } }]);
});

test('with one broken rule nothing is applied, and every one of every client is told', async () => {
  await empty();
  const document = {
    format: 'assent-configuration',
    version: 1,
    clients: [
      entry('good'),
      entry('bad', { redirect_uris: ['http://bad.example/'], response_types: ['id_token'] }),
      { ...ofTheFile, client_name: 'Mine now' },
      entry('operator'),
      {
        client_id: 'secretless',
        profile: 'identity-service',
        redirect_uris: ['https://s.example/'],
      },
    ],
  };
  const { status, body } = await admin.call('POST', '/configuration/apply', document);
  expect(status).toBe(400);
  const members = body.details.map(({ member }: { member: string }) => member);
  expect(members).toEqual(
    expect.arrayContaining([
      'bad: redirect_uris.0',
      'bad: response_types',
      'of-the-file: managed_by',
      'operator: operator',
      'secretless: client_secret',
    ]),
  );
  expect((await admin.call('GET', '/clients/good')).status).toBe(404);
  for (const broken of [
    { ...document, version: 2 },
    { ...document, clients: [entry('twice'), entry('twice')] },
    { ...document, clients: [{ client_name: 'nobody' }] },
    { ...document, more: true },
  ]) {
    expect((await admin.call('POST', '/configuration/apply', broken)).status).toBe(400);
  }
});

test('applied again after a crash at any write, a document is applied whole', async () => {
  const by = { kind: 'command', id: 'tester' } as const;
  const document = (clients: readonly object[]) =>
    configurationDocumentSchema.parse({ format: 'assent-configuration', version: 1, clients });
  const first = document([entry('changed'), entry('kept'), entry('gone')]);
  const next = document([
    entry('changed', { client_name: 'Changed' }),
    entry('kept'),
    entry('new'),
  ]);
  const prune = { by, prune: true };

  for (let crashAt = 0; ; crashAt++) {
    await empty();
    await admin.administration.configuration.apply(first, prune);
    let written = 0;
    /** As an engine without transactions: each write by itself, and then the process is gone. */
    const crashing: Storage = {
      ...admin.storage,
      async commit(writes) {
        for (const write of writes) {
          if (written === crashAt) throw new Error('crash');
          await admin.storage.commit([write]);
          written++;
        }
      },
    };
    const outcome = await admin
      .administer(crashing)
      .configuration.apply(next, prune)
      .then(
        () => 'applied',
        () => 'crashed',
      );
    await admin.administration.configuration.apply(next, prune);
    const exported = await admin.administration.configuration.export({ withSecrets: true });
    expect(exported.clients.map(({ client_id, client_name }) => [client_id, client_name])).toEqual([
      ['changed', 'Changed'],
      ['kept', undefined],
      ['new', undefined],
      ['of-the-file', undefined],
    ]);
    await eventually(async () => {
      expect(await admin.storage.get(clients, 'gone')).toBeUndefined();
    });
    if (outcome === 'applied') {
      expect(crashAt).toBeGreaterThan(4);
      return;
    }
  }
});

test('SEC-46: planning many clients leaves room for everything else', async () => {
  const document = configurationDocumentSchema.parse({
    ...{ format: 'assent-configuration', version: 1 },
    clients: Array.from({ length: 300 }, (_, n) => entry(`many-${n}`, { zz: 1 })),
  });
  let isDone = false;
  let turns = 0;
  const planned = admin.administration.configuration
    .plan(document, { prune: false })
    .finally(() => {
      isDone = true;
    });
  while (!isDone) {
    await setImmediate();
    turns++;
  }
  expect((await planned).clients).toHaveLength(300);
  expect(turns).toBeGreaterThanOrEqual(300);
});

test('SEC-46: a document has as many clients as are planned in seconds, and few broken rules are told of many', async () => {
  const document = (length: number, more: object) => ({
    ...{ format: 'assent-configuration', version: 1 },
    clients: Array.from({ length }, (_, n) => ({ client_id: `many-${n}`, ...more })),
  });
  const tooMany = await admin.call('POST', '/configuration/plan', document(10_001, {}));
  expect(tooMany.status).toBe(400);
  const members = Array.from({ length: 5000 }, (_, n) => [`unknown-${n}`, 1]);
  const { body } = await admin.call(
    'POST',
    '/configuration/plan',
    document(20, Object.fromEntries(members)),
  );
  const told = body.clients.flatMap(
    ({ brokenRules }: { brokenRules: readonly unknown[] }) => brokenRules,
  );
  expect(body.clients).toHaveLength(20);
  expect(told.length).toBeLessThanOrEqual(1100);
  const refused = await admin.call('POST', '/configuration/apply', document(500, { a: 1, b: 2 }));
  expect(refused.status).toBe(400);
  expect(refused.body.details.length).toBeLessThanOrEqual(1000);
});

test('a member of any name is told as unknown beside every other broken rule', async () => {
  const { body } = await admin.call('POST', '/configuration/plan', {
    ...{ format: 'assent-configuration', version: 1 },
    clients: [
      entry('odd', {
        ...{ 'a.b': 1, ['x'.repeat(150)]: 1, '\u001b[2J': 1, 'redirect_uris.0': 1 },
        client_uri: 'javascript:alert(1)',
      }),
    ],
  });
  const members = body.clients[0].brokenRules.map(({ member }: { member: string }) => member);
  expect(members).toEqual(
    expect.arrayContaining(['a.b', 'x'.repeat(100), '?[2J', 'redirect_uris.0', 'client_uri']),
  );
});

test('a client that is to prove itself by a secret brings one, also where it did otherwise before', async () => {
  await empty();
  const document = (client: object) => ({
    ...{ format: 'assent-configuration', version: 1 },
    clients: [{ ...entry('moved', { profile: 'identity-service' }), ...client }],
  });
  await admin.call('POST', '/configuration/apply', document({}));
  const moved = { token_endpoint_auth_method: 'client_secret_basic' };
  const { body } = await admin.call('POST', '/configuration/plan', document(moved));
  expect(body.clients[0].brokenRules).toMatchObject([{ member: 'client_secret' }]);
  expect((await admin.call('POST', '/configuration/apply', document(moved))).status).toBe(400);
  const client_secret = 's'.repeat(43);
  const withSecret = document({ ...moved, client_secret });
  expect((await admin.call('POST', '/configuration/apply', withSecret)).status).toBe(200);
  // Known here by now, it need not be said again.
  const again = await admin.call('POST', '/configuration/plan', document(moved));
  expect(again.body).toEqual({ clients: [], unchanged: 1 });
});
