import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { clients } from '../../core/clients.js';
import { findAll } from '../../core/find-all.js';
import { findMongoServer } from '../adapters/support/find-mongo-server.js';
import { type RunningRole, roles, startRole } from './support/start-role.js';

/*
 * SEC-50: operators, dotted keys, arrays and statements of SQL in every parameter and claim, on both
 * stores. They name nothing, change nothing, and are nobody's fault but the sender's.
 */

const server = await findMongoServer();
afterAll(async () => {
  if ('uri' in server) await server.stop();
});

function mongoStorage(): { readonly storage: object } {
  if (!('uri' in server)) throw new Error(server.missing);
  const uri = new URL(server.uri);
  uri.pathname = `/assent-${randomUUID()}`;
  const masterKey = { value: Buffer.alloc(32, 7).toString('base64') };
  return { storage: { url: uri.href, masterKey } };
}

const stores = [
  ...roles.map((role) => ({ role, store: 'SQLite', settings: () => ({}) })),
  ...('uri' in server
    ? roles.map((role) => ({ role, store: 'MongoDB', settings: mongoStorage }))
    : []),
];

const texts = [
  '{"$ne":null}',
  '{"$where":"sleep(5000)"}',
  '$where',
  'a.b.c',
  '__proto__.polluted',
  "' OR '1'='1",
  "'; DROP TABLE client; --",
  "') UNION SELECT id, value FROM client --",
  '\0',
] as const;

const objects = [
  { $ne: null },
  { $gt: '' },
  { $where: 'sleep(5000)' },
  { $regex: '.*' },
  { 'a.b': 1 },
  [],
  ['tpp'],
  [{ $ne: null }],
  { length: 1 },
] as const;

/** A form may say `client_id[$ne]=` where a parser makes objects of it: ours does not. */
const bracketed = ['[$ne]', '[]', '.$ne'] as const;

describe.each(stores)('$role on $store', ({ role, settings }) => {
  let assent: RunningRole;
  let before: readonly string[];
  beforeAll(async () => {
    assent = await startRole(role, [], settings());
    before = await clientIds();
  });
  afterAll(() => assent?.stop());

  async function clientIds(): Promise<readonly string[]> {
    const found = await findAll(assent.storage, clients, { index: 'id', from: '' });
    return found.map(({ id, version }) => `${id} ${version}`).sort();
  }

  const faults: unknown[] = [];
  function note(what: unknown, { status }: { readonly status: number }, most = 499) {
    if (status < 400 || status > most) faults.push([what, status]);
  }

  test('SEC-50: in every parameter of the protocol', async () => {
    const { tpp } = assent;
    const forms: Readonly<Record<string, readonly string[]>> = {
      '/oidc/token': [
        ...['client_id', 'grant_type', 'code', 'refresh_token', 'redirect_uri', 'code_verifier'],
        ...['client_assertion', 'client_assertion_type', 'auth_req_id', 'assertion'],
        // A bank gives a token of no scope to who asks for those that there are not.
        ...(role === 'bank' ? [] : ['scope']),
      ],
      '/oidc/request': ['client_id', 'request', 'request_uri', 'claims', 'response_type'],
      '/oidc/token/introspection': ['client_id', 'client_assertion'],
      '/oidc/token/revocation': ['client_id', 'client_assertion'],
    };
    for (const [path, names] of Object.entries(forms)) {
      for (const name of names) {
        for (const text of texts) {
          const own = path === '/oidc/token' && { grant_type: grantOf(name) };
          const form = { ...(await tpp.authentication()), ...own, [name]: text };
          const proof = await assent.prove(tpp.key, `${assent.issuer}${path.slice(5)}`);
          note([path, name, text], await tpp.post(path, form, proof));
        }
        for (const suffix of bracketed) {
          const { [name]: _whole, ...form }: Record<string, string> = {
            ...(await tpp.authentication()),
            ...(path === '/oidc/token' && { grant_type: grantOf(name) }),
          };
          note(
            [path, `${name}${suffix}`],
            await tpp.post(path, { ...form, [`${name}${suffix}`]: 'x' }),
          );
        }
      }
    }
    for (const text of texts) {
      for (const name of ['client_id', 'request_uri', 'request']) {
        const query = { client_id: 'tpp', [name]: text };
        note(['/oidc/auth', name, text], await assent.fetch(tpp.urlOf(query)));
      }
      const { body } = await tpp.post('/oidc/token/introspection', {
        ...(await tpp.authentication()),
        token: text,
      });
      expect(body).toEqual({ active: false });
    }
    expect(faults.splice(0)).toEqual([]);
  });

  function grantOf(name: string): string {
    if (name === 'refresh_token') return 'refresh_token';
    return name === 'scope' ? 'client_credentials' : 'authorization_code';
  }

  test('SEC-50: in every claim of what a client signs', async () => {
    const { tpp } = assent;
    const { privateKey, publicJwk } = assent.clientKeys;
    const sign = (claims: object) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid ?? '' })
        .sign(privateKey);
    const now = assent.seconds();
    const usual = await tpp.request();
    const shared = { iss: 'tpp', aud: assent.issuer, iat: now, nbf: now, exp: now + 60 };
    for (const hostile of [...objects, ...texts]) {
      for (const claim of ['iss', 'sub', 'aud', 'jti', 'exp', 'nbf']) {
        // Any text will do where it is only remembered.
        if (claim === 'jti' && typeof hostile === 'string') continue;
        const form = await tpp.authentication();
        const claims = { ...shared, sub: 'tpp', jti: randomUUID(), [claim]: hostile };
        const client_assertion = await sign(claims);
        note([claim, hostile], await tpp.post('/oidc/request', { ...form, client_assertion }), 401);
      }
      for (const claim of ['iss', 'aud', 'client_id', 'redirect_uri', 'scope', 'response_type']) {
        const request = await sign({
          ...shared,
          ...usual,
          client_id: 'tpp',
          [claim]: hostile,
        });
        note([claim, hostile], await tpp.push({ request }), 400);
      }
    }
    expect(faults.splice(0)).toEqual([]);
  });

  test('SEC-50: in paths, queries and bodies of the API', async () => {
    const { tpp } = assent;
    const form = {
      grant_type: 'client_credentials',
      scope: role === 'bank' ? 'accounts' : 'user:create user:read',
    };
    const { body } = await tpp.token(form, await assent.prove(tpp.key));
    const post = (path: string, value: unknown) =>
      tpp.call(body.access_token, path, { method: 'POST', body: JSON.stringify(value) });
    const [one, many] =
      role === 'bank'
        ? ['/open-banking/v3.1/aisp/account-access-consents', undefined]
        : ['/users', '/users'];
    for (const text of texts) {
      const path = `${one}/${encodeURIComponent(text)}`;
      note(path, await tpp.call(body.access_token, path), 404);
    }
    for (const hostile of objects) {
      if (role === 'bank') {
        for (const data of [{ Permissions: hostile }, { Permissions: [hostile] }]) {
          note(['intent', hostile], await post(one, { Data: data, Risk: {} }), 400);
        }
      } else {
        note(['user', hostile], await post(one, { clientUserId: hostile }), 400);
        const query = `${many}?${new URLSearchParams({ limit: JSON.stringify(hostile) })}`;
        note(query, await tpp.call(body.access_token, query), 400);
      }
    }
    expect(faults.splice(0)).toEqual([]);
  });

  test('SEC-50: and nothing has changed: every client is there, and is who it was', async () => {
    expect(await clientIds()).toEqual(before);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    const { access_token } = await assent.tpp.connectPerson();
    expect((await assent.tpp.call(access_token)).status).toBe(200);
  });
});

// Where no server is named and none could be started.
(stores.length === roles.length ? test.skip : test)('SEC-50: on MongoDB too', () => {
  expect(stores).toHaveLength(2 * roles.length);
});
