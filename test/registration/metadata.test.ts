import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import { systemClock } from '../../core/clock.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createClientKeys } from '../support/client-keys.js';
import {
  type Answer,
  type Registration,
  redirectUri,
  startRegistration,
} from './support/start-registration.js';

let assent: Registration;
let keys: Awaited<ReturnType<typeof createClientKeys>>;
let budget: Readonly<Record<string, unknown>>;
let token: string;

beforeAll(async () => {
  assent = await startRegistration(
    {
      role: 'bank',
      // UserInfo is there for these.
      profiles: ['fapi2-security', 'openid-connect'],
      features: { registration: true, encryption: true },
      registration: { attempts: 10_000 },
    },
    {},
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
  keys = await createClientKeys();
  token = await assent.token();
  budget = {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: keys.jwks,
    dpop_bound_access_tokens: true,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    scope: 'openid accounts',
  };
});
afterAll(() => assent?.stop());

describe('a sector_identifier_uri (OpenID Connect Registration §5)', () => {
  const other = 'https://budget.example.org/callback';
  const pairwise = { subject_type: 'pairwise', redirect_uris: [redirectUri, other] };
  const register = (uri: string, more: object = {}) =>
    assent.register({ ...budget, ...pairwise, ...more, sector_identifier_uri: uri }, { token });
  const fault = (answer: Answer) =>
    answer.body.broken_rules?.map(({ member }: { member: string }) => member);

  test('that lists every redirect URI is taken, and needed for several hosts', async () => {
    const uri = assent.publish('/sector', [redirectUri, other, 'https://more.example/']);
    expect(await register(uri)).toMatchObject({
      status: 201,
      body: { ...pairwise, sector_identifier_uri: uri },
    });
    const without = await assent.register({ ...budget, ...pairwise }, { token });
    expect(without).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
  });

  test.each<[string, object | Buffer]>([
    ['lists one redirect URI and not the other', [redirectUri]],
    ['lists nothing', []],
    ['lists something like it', [`${redirectUri}/`, other]],
    ['is an object', { redirect_uris: [redirectUri, other] }],
    ['holds other things than text', [redirectUri, other, 1]],
    ['is no JSON', Buffer.from('<html>')],
    ['is empty', Buffer.alloc(0)],
    ['is larger than 64 KiB', [redirectUri, other, 'x'.repeat(64 * 1024)]],
    ['goes on for megabytes', Buffer.alloc(5_000_000, ' ')],
  ])('that %s is refused', async (name, content) => {
    const before = await assent.count();
    const answer = await register(assent.publish(`/sector/${encodeURIComponent(name)}`, content));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
    expect(answer.body.error_description).toMatch(/sector_identifier_uri/);
    expect(await assent.count()).toBe(before);
  });

  test('is read once in a registration, also where the keys are read too', async () => {
    const sector = assent.publish('/sector/once', [redirectUri, other]);
    const jwks_uri = assent.publish('/keys/once', keys.jwks);
    const { jwks: _jwks, ...rest } = budget;
    const body = { ...rest, ...pairwise, jwks_uri, sector_identifier_uri: sector };
    expect(await assent.register(body, { token })).toMatchObject({ status: 201 });
    for (const path of ['/sector/once', '/keys/once']) {
      const reads = assent.target.received.filter(({ url }) => url === path);
      expect({ path, reads: reads.length }).toEqual({ path, reads: 1 });
    }
  });

  test('that redirects, fails or is not there is refused, and nothing is followed', async () => {
    const good = assent.publish('/sector', [redirectUri, other]);
    const answers: Record<string, (response: ServerResponse) => void> = {
      '/moved': (response) => response.writeHead(302, { location: good }).end(),
      '/error': (response) => response.writeHead(500).end('[]'),
      '/gone': (response) => response.writeHead(404).end(),
    };
    const called = assent.target.received.filter(({ url }) => url === '/sector').length;
    for (const [path, answer] of Object.entries(answers)) {
      assent.published.set(path, answer);
      expect(await register(assent.at(path))).toMatchObject({ status: 400 });
    }
    const now = assent.target.received.filter(({ url }) => url === '/sector').length;
    expect(now).toBe(called);
  });

  test.each([
    'https://127.0.0.1:1/sector',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/sector',
    'https://[::ffff:10.0.0.1]/sector',
    'https://10.0.0.1/sector',
  ])('SEC-45: at %s is not called, also in an update', async (uri) => {
    expect(fault(await register(uri))).toContain('sector_identifier_uri');
    const made = await register(assent.publish('/sector', [redirectUri, other]));
    const { client_id, registration_access_token: own } = made.body;
    const answer = await assent.call('PUT', `/oidc/reg/${client_id}`, {
      token: own,
      body: { ...budget, ...pairwise, client_id, sector_identifier_uri: uri },
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
    expect((await assent.stored(client_id))?.sector_identifier_uri).toBe(assent.at('/sector'));
  });

  test('is no other scheme than https', async () => {
    for (const uri of ['http://budget.example/sector', 'file:///etc/passwd', 'data:,[]']) {
      expect(fault(await register(uri))).toContain('sector_identifier_uri');
    }
  });
});

describe('answers encrypted to the client', () => {
  const encryptionKey = async () => {
    const { publicKey } = await generateKeyPair('ECDH-ES');
    return { ...(await exportJWK(publicKey)), kid: 'enc', use: 'enc', alg: 'ECDH-ES' };
  };
  const answers = ['id_token', 'userinfo', 'introspection', 'authorization'];

  test.each(answers)('%s: by the algorithms that are offered', async (name) => {
    const jwks = { keys: [...keys.jwks.keys, await encryptionKey()] };
    const wanted = {
      [`${name}_encrypted_response_alg`]: 'ECDH-ES',
      [`${name}_encrypted_response_enc`]: 'A256GCM',
    };
    const answer = await assent.register(
      { ...budget, ...signed(name), ...wanted, jwks },
      { token },
    );
    expect(answer).toMatchObject({ status: 201, body: wanted });
  });

  test.each(
    answers.flatMap((name) =>
      ['RSA1_5', 'RSA-OAEP', 'dir', 'A256KW', 'PBES2-HS256+A128KW', 'none'].map((alg) => [
        name,
        alg,
      ]),
    ),
  )('%s: not by %s', async (name, alg) => {
    const answer = await assent.register(
      { ...budget, ...signed(String(name)), [`${name}_encrypted_response_alg`]: alg },
      { token },
    );
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
    expect(answer.body.error_description).toContain(`${name}_encrypted_response_alg`);
  });

  test.each(['RSA1_5', 'dir', 'PBES2-HS256+A128KW'])('request objects: not by %s', async (alg) => {
    const answer = await assent.register(
      { ...budget, request_object_encryption_alg: alg },
      { token },
    );
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
  });

  test('not without a key of the client that does', async () => {
    const answer = await assent.register(
      { ...budget, id_token_encrypted_response_alg: 'RSA-OAEP-256' },
      { token },
    );
    expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 400 });
  });

  /** What is encrypted is signed first. */
  function signed(name: string): object {
    return name === 'id_token' ? {} : { [`${name}_signed_response_alg`]: 'ES256' };
  }
});
