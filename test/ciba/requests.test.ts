import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import { createClientKeys } from '../support/client-keys.js';
import { startAssent } from '../support/start-assent.js';
import {
  amelia,
  backchannel,
  cibaGrant,
  daniel,
  decideLatest,
  linksOf,
  type RunningCiba,
  signIn,
  startCiba,
} from './support/start-ciba.js';

let bank: RunningCiba;
let waitingBefore: number;

beforeAll(async () => {
  bank = await startCiba();
});
afterAll(() => bank.stop());
beforeEach(async () => {
  // What other tests have left waiting is over.
  bank.clock.advance(600);
  waitingBefore = await countWaiting();
});

async function countWaiting(): Promise<number> {
  return linksOf(await signIn(bank, bank.openPhone())).length;
}

const now = () => Math.floor(bank.clock.now() / 1000);

/** Sends a request object that the test has made, and expects an error with nothing put to anybody. */
async function expectRefused(request: string | undefined, error: string) {
  const { status, body } = await bank.till.post('/oidc/backchannel', {
    ...(request === undefined ? {} : { request }),
    ...(await bank.till.authenticate()),
  });
  expect({ status, error: body.error }).toEqual({ status: 400, error });
  expect(body).not.toHaveProperty('auth_req_id');
  expect(await countWaiting()).toBe(waitingBefore);
}

describe('what is asked', () => {
  test('is answered with an id, how long it lives and how often to poll (CIBA Core §7.3)', async () => {
    const { status, body } = await bank.till.ask();
    expect(status).toBe(200);
    expect(body).toEqual({
      auth_req_id: expect.stringMatching(/^[\w-]{43,}$/),
      expires_in: 300,
      interval: 5,
    });
    expect(await countWaiting()).toBe(waitingBefore + 1);
  });

  test.each([
    [60, 60],
    ['60', 60],
    [86_400, 300],
  ])('requested_expiry %j gives %d seconds', async (requested_expiry, seconds) => {
    expect((await bank.till.ask({ requested_expiry })).body.expires_in).toBe(seconds);
  });

  test.each([0, -5, 'soon', 1.5])('requested_expiry %j is refused', async (requested_expiry) => {
    await expectRefused(await bank.till.sign({ requested_expiry }), 'invalid_request');
  });

  test('an unusual order of scopes, a type in the header and extra claims do no harm', async () => {
    const claims = bank.till.claims({ scope: 'accounts openid', request_context: { lat: 51 } });
    const request = await bank.till.keys.sign(claims, { typ: 'oauth-authz-req+jwt' });
    const { status } = await bank.till.post('/oidc/backchannel', {
      request,
      ...(await bank.till.authenticate()),
    });
    expect(status).toBe(200);
  });
});

describe('a signed request (FAPI-CIBA §5.2.2-6, CIBA Core §7.1.1)', () => {
  test('has to be one', async () => {
    await expectRefused(undefined, 'invalid_request');
  });

  test('and plain parameters are none', async () => {
    const { status, body } = await bank.till.post('/oidc/backchannel', {
      scope: 'openid accounts',
      login_hint: amelia.login,
      ...(await bank.till.authenticate()),
    });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  test.each(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'])('without %s is refused', async (claim) => {
    await expectRefused(await bank.till.sign({ [claim]: undefined }), 'invalid_request');
  });

  test.each<[string, () => object]>([
    ['that has expired', () => ({ exp: now() - 60, nbf: now() - 120, iat: now() - 120 })],
    ['that lives for more than an hour', () => ({ exp: now() + 70 * 60 })],
    ['that is valid since more than an hour', () => ({ nbf: now() - 70 * 60 })],
    ['that is not valid yet', () => ({ nbf: now() + 600, exp: now() + 900 })],
    ['for somebody else', () => ({ aud: 'https://elsewhere.example' })],
    ['of another issuer', () => ({ iss: 'rival' })],
    ['of another client_id', () => ({ client_id: 'rival' })],
    ['within a signed request', () => ({ request: 'x.y.z' })],
    ['without a scope', () => ({ scope: undefined })],
    ['with an empty jti', () => ({ jti: '' })],
  ])('%s is refused', async (_what, claims) => {
    await expectRefused(await bank.till.sign(claims()), 'invalid_request');
  });

  test('for a resource that people are not asked about this way is refused', async () => {
    const elsewhere = await bank.till.sign({ resource: 'https://elsewhere.example/' });
    await expectRefused(elsewhere, 'invalid_target');
    const { publicUrl } = bank.configuration;
    expect((await bank.till.ask({ resource: `${publicUrl}/` })).status).toBe(200);
  });

  test('without openid, or with a scope that the client may not have, is refused', async () => {
    await expectRefused(await bank.till.sign({ scope: 'accounts' }), 'invalid_request');
    const narrow = await bank.connectClient('narrow', { scope: 'openid' });
    const { status, body } = await narrow.ask({ scope: 'openid accounts' });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_scope' });
  });

  test('signed by another client, with another algorithm, or not at all, is refused', async () => {
    const claims = bank.till.claims({});
    await expectRefused(await bank.rival.keys.sign(claims), 'invalid_request');
    await expectRefused(new UnsecuredJWT(claims).encode(), 'invalid_request');
    for (const alg of ['ES256', 'RS256'] as const) {
      const { sign } = await createClientKeys(alg);
      await expectRefused(await sign(claims), 'invalid_request');
    }
    // The client's own key, in an algorithm that it is not registered for.
    const { kty, n, e, d, p, q, dp, dq, qi } = await exported(bank.till.keys.privateKey);
    const key = { kty, n, e, d, p, q, dp, dq, qi, alg: 'RS256' };
    const header = { alg: 'RS256', kid: String(bank.till.keys.publicJwk.kid) };
    const signed = await new SignJWT(claims).setProtectedHeader(header).sign(key as never);
    await expectRefused(signed, 'invalid_request');
    await expectRefused(
      `${(await bank.till.keys.sign(claims)).slice(0, -8)}AAAAAAAA`,
      'invalid_request',
    );
    await expectRefused('not-a-jwt', 'invalid_request');
  });

  test('is put to a person once, from however many senders (SEC-23)', async () => {
    const request = await bank.till.sign({ binding_message: 'once' });
    const send = async () =>
      bank.till.post('/oidc/backchannel', { request, ...(await bank.till.authenticate()) });
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(new Set(refused.map(({ body }) => body.error))).toEqual(new Set(['invalid_request']));
    expect(await countWaiting()).toBe(waitingBefore + 1);
    // The same jti in an assertion is another thing.
    const jti = randomUUID();
    const times = { iat: now(), exp: now() + 60, jti };
    const { status } = await bank.till.post('/oidc/backchannel', {
      request: await bank.till.sign({ jti }),
      ...(await bank.till.keys.assertion('till', bank.issuer, times)),
    });
    expect(status).toBe(200);
  });
});

/** JSON that JavaScript makes no text of. */
const unwritable = { toString: 1, valueOf: 1 };

function nested(): object {
  return Array.from({ length: 1000 }).reduce<object>((inner) => ({ inner }), {});
}

async function exported(key: CryptoKey): Promise<Record<string, unknown>> {
  return Object({ ...(await crypto.subtle.exportKey('jwk', key)) });
}

describe('who is meant', () => {
  test('has to be said, in one way', async () => {
    await expectRefused(await bank.till.sign({ login_hint: undefined }), 'invalid_request');
    await expectRefused(await bank.till.sign({ id_token_hint: 'x.y.z' }), 'invalid_request');
    await expectRefused(await bank.till.sign({ login_hint_token: 'x.y.z' }), 'invalid_request');
  });

  test('by somebody who is not known is unknown_user_id', async () => {
    await expectRefused(await bank.till.sign({ login_hint: 'nemo' }), 'unknown_user_id');
  });

  test('by an ID token of our own, of this client, is its person', async () => {
    const asked = await bank.till.mustAsk({ login_hint: daniel.login });
    const phone = bank.openPhone();
    const [latest = ''] = linksOf(await signIn(bank, phone, daniel));
    const page = await phone.go(latest);
    const [account = ''] = /value="(\d+)"/.exec(page.html)?.slice(1) ?? [];
    await phone.submit(page, '/decision', [
      ['account', account],
      ['decision', 'approve'],
    ]);
    const { id_token } = (await bank.till.poll(asked)).body;
    const hint = { login_hint: undefined, id_token_hint: id_token };
    expect((await bank.till.ask({ ...hint, binding_message: 'hinted' })).status).toBe(200);
    const listed = await signIn(bank, bank.openPhone(), daniel);
    expect(listed.html).toContain('hinted');
    expect((await bank.rival.ask(hint)).body.error).toBe('invalid_request');
    const forged = { login_hint: undefined, id_token_hint: `${String(id_token).slice(0, -4)}AAAA` };
    expect((await bank.till.ask(forged)).body.error).toBe('invalid_request');
  });

  test('by a login_hint_token that the client has signed (RFC 9493)', async () => {
    const sign = (claims: object) =>
      bank.till.keys.sign({ iss: 'till', aud: bank.issuer, exp: now() + 60, ...claims });
    const ask = async (claims: object) => {
      const { status, body } = await bank.till.ask({
        login_hint: undefined,
        login_hint_token: await sign(claims),
      });
      return status === 200 ? 'asked' : body.error;
    };
    const opaque = { sub_id: { format: 'opaque', id: amelia.login } };
    const subject = { format: 'iss_sub', iss: bank.issuer, sub: 'cust-5e1d0c27' };
    expect(await ask(opaque)).toBe('asked');
    expect(await ask({ sub_id: subject })).toBe('asked');
    expect(await ask({ sub_id: { ...subject, iss: 'https://elsewhere.example' } })).toBe(
      'unknown_user_id',
    );
    expect(await ask({ ...opaque, exp: now() - 60 })).toBe('expired_login_hint_token');
    const future = { iat: now() + 70, exp: now() + 300 };
    expect(await ask({ ...opaque, ...future })).toBe('invalid_request');
    expect(await ask({ ...opaque, exp: undefined })).toBe('invalid_request');
    expect(await ask({ ...opaque, aud: 'https://elsewhere.example' })).toBe('invalid_request');
    expect(await ask({ ...opaque, iss: 'rival' })).toBe('invalid_request');
    expect(await ask({ sub_id: { format: 'email', email: 'a@b.example' } })).toBe(
      'invalid_request',
    );
    const foreign = await bank.rival.keys.sign({ iss: 'till', aud: bank.issuer, ...opaque });
    for (const token of [foreign, 'nonsense']) {
      const { body } = await bank.till.ask({ login_hint: undefined, login_hint_token: token });
      expect(body.error).toBe('invalid_request');
    }
  });

  test('by no subject where the client has pairwise ones: its own name nobody, and the public ones are not its', async () => {
    const connect = async (subject_type: string) => {
      const served = { jwks: undefined, jwks_uri: bank.target.url };
      const client = await bank.connectClient('private', { ...served, subject_type });
      bank.answering.with = (response) => void response.end(JSON.stringify(client.keys.jwks));
      // The record that was there before is not looked at any more.
      bank.clock.advance(2);
      const asked = await client.mustAsk();
      await decideLatest(bank, 'approve');
      return { client, idToken: String((await client.poll(asked)).body.id_token) };
    };
    const { idToken: before } = await connect('public');
    expect(decodeJwt(before).sub).toBe('cust-5e1d0c27');
    const { client: pairwise, idToken } = await connect('pairwise');
    const { sub: own } = decodeJwt(idToken);
    expect(own).not.toBe('cust-5e1d0c27');
    const sign = (sub_id: object) =>
      pairwise.keys.sign({ iss: 'private', aud: bank.issuer, exp: now() + 60, sub_id });
    const subject = { format: 'iss_sub', iss: bank.issuer };
    const hints = [
      { id_token_hint: idToken },
      { id_token_hint: before },
      { login_hint_token: await sign({ ...subject, sub: own }) },
      { login_hint_token: await sign({ ...subject, sub: 'cust-5e1d0c27' }) },
    ];
    for (const hint of hints) {
      const { status, body } = await pairwise.ask({ login_hint: undefined, ...hint });
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'unknown_user_id' });
    }
    const byLogin = { login_hint_token: await sign({ format: 'opaque', id: amelia.login }) };
    expect((await pairwise.ask({ login_hint: undefined, ...byLogin })).status).toBe(200);
  });

  test.each<[string, object, object]>([
    ['an algorithm', { alg: unwritable }, {}],
    ['a key id', { alg: 'PS256', kid: unwritable }, {}],
    ['an end', { alg: 'PS256' }, { exp: unwritable }],
    ['an issuer', { alg: 'PS256' }, { iss: unwritable }],
    ['a subject', { alg: 'PS256' }, { sub_id: nested() }],
  ])('by a login_hint_token with %s that is no text is refused', async (_what, header, claims) => {
    const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url');
    const token = `${part(header)}.${part(claims)}.c2lnbmF0dXJl`;
    const { status, body } = await bank.till.ask({
      login_hint: undefined,
      login_hint_token: token,
    });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
  });

  test('cannot be found out by trying (SEC-24): after many strangers everybody is refused', async () => {
    const prober = await bank.connectClient('prober');
    const probe = async (login_hint: string) => {
      const { status, body } = await prober.ask({ login_hint });
      return { status, error: body.error };
    };
    for (let tried = 0; tried < 50; tried += 1) {
      expect(await probe(`person-${tried}`)).toEqual({ status: 400, error: 'unknown_user_id' });
    }
    const locked = { status: 403, error: 'access_denied' };
    expect(await probe('person-51')).toEqual(locked);
    expect(await probe(amelia.login)).toEqual(locked);
    // Other clients are not hurt, and it passes.
    expect((await bank.till.ask()).status).toBe(200);
    bank.clock.advance(15 * 60 + 1);
    expect((await prober.ask()).status).toBe(200);
  });

  test('is left in peace: no client may have more than thirty requests waiting (SEC-23)', async () => {
    const pest = await bank.connectClient('pest');
    for (let asked = 0; asked < 30; asked += 1) {
      expect((await pest.ask({ binding_message: `n-${asked}` })).status).toBe(200);
    }
    const { status, body } = await pest.ask({ binding_message: 'one-more' });
    expect({ status, error: body.error }).toEqual({ status: 403, error: 'access_denied' });
    expect((await bank.till.ask()).status).toBe(200);
    bank.clock.advance(301);
    expect((await pest.ask()).status).toBe(200);
  });
});

describe('a user code (CIBA Core §7.1)', () => {
  const ask = async (user_code?: string, client = bank.till) => {
    const { status, body } = await client.ask({ login_hint: 'priya', user_code });
    return status === 200 ? 'asked' : body.error;
  };

  test('is wanted of who has agreed on one, and only of clients that are registered for it', async () => {
    const desk = await bank.connectClient('desk', { backchannel_user_code_parameter: true });
    expect(await ask()).toBe('missing_user_code');
    expect(await ask('4417')).toBe('invalid_request');
    expect(await ask(undefined, desk)).toBe('missing_user_code');
    expect(await ask('1234', desk)).toBe('invalid_user_code');
    expect(await ask('4417', desk)).toBe('asked');
    // Whoever has none may be asked with any.
    expect((await desk.ask({ user_code: '1' })).status).toBe(200);
  });

  test('cannot be guessed: after five the right one is refused too', async () => {
    const desk = await bank.connectClient('desk', { backchannel_user_code_parameter: true });
    bank.clock.advance(15 * 60 + 1);
    const guesses = Array.from({ length: 20 }, (_, guess) => ask(`${guess}`, desk));
    expect(new Set(await Promise.all(guesses))).toEqual(new Set(['invalid_user_code']));
    expect(await ask('4417', desk)).toBe('invalid_user_code');
    bank.clock.advance(15 * 60 + 1);
    expect(await ask('4417', desk)).toBe('asked');
  });
});

describe('a binding message', () => {
  test.each(['1234', 'A-17/b_2.+!?#', 'x'.repeat(20)])('%s is shown as it is', async (message) => {
    expect((await bank.till.ask({ binding_message: message })).status).toBe(200);
    const phone = bank.openPhone();
    const [latest = ''] = linksOf(await signIn(bank, phone));
    expect((await phone.go(latest)).html).toContain(`>${message}</code>`);
  });

  test.each(['', 'two words', 'x'.repeat(21), '<b>', '€', 'https://evil.example', 'pay:1'])(
    '%j is refused',
    async (binding_message) => {
      const { status, body } = await bank.till.ask({ binding_message });
      // An empty parameter is one that was left out (RFC 6749 §3.1).
      if (binding_message === '') expect(status).toBe(200);
      else
        expect({ status, error: body.error }).toEqual({
          status: 400,
          error: 'invalid_binding_message',
        });
    },
  );
});

describe('an intent', () => {
  test.each<[string, () => Promise<string>]>([
    ['that there is not', async () => randomUUID()],
    ['of another client', () => bank.rival.register()],
    [
      'that was withdrawn',
      async () => {
        const id = await bank.till.register();
        await bank.till.intent(id, 'DELETE');
        return id;
      },
    ],
    [
      'of another customer',
      async () => {
        const id = await bank.till.register();
        await bank.till.mustAsk({ claims: claimsFor(id) });
        await decideLatest(bank, 'approve');
        waitingBefore = await countWaiting();
        return id;
      },
    ],
  ])('%s cannot be asked for', async (what, make) => {
    const id = await make();
    const login_hint = what.endsWith('customer') ? daniel.login : amelia.login;
    await expectRefused(
      await bank.till.sign({ claims: claimsFor(id), login_hint }),
      'invalid_request',
    );
  });

  test('needs scope accounts', async () => {
    const claims = claimsFor(await bank.till.register());
    await expectRefused(await bank.till.sign({ claims, scope: 'openid' }), 'invalid_scope');
  });
});

const claimsFor = (id: string) => ({
  id_token: { openbanking_intent_id: { essential: true, value: id } },
});

describe('the client', () => {
  test('is told how to authenticate, and by whom a request may be made', async () => {
    const request = await bank.till.sign({});
    const send = (form: Record<string, string>) => bank.till.post('/oidc/backchannel', form);
    expect((await send({ request, client_id: 'till' })).body.error).toBe('invalid_client');
    const assertion = await bank.rival.authenticate();
    expect((await send({ request, ...assertion, client_id: 'till' })).body.error).toMatch(
      /invalid_(client|request)/,
    );
    const expired = { iat: now() - 120, exp: now() - 60 };
    const stale = await bank.till.keys.assertion('till', bank.issuer, expired);
    expect((await send({ request, ...stale })).body.error).toBe('invalid_client');
    const elsewhere = await bank.till.authenticate('https://elsewhere.example');
    expect((await send({ request, ...elsewhere })).body.error).toBe('invalid_client');
    const other = await createClientKeys('RS256');
    const signed = await other.assertion('till', bank.issuer, { iat: now(), exp: now() + 60 });
    expect((await send({ request, ...signed })).body.error).toBe('invalid_client');
    expect((await send({ request, ...(await bank.till.authenticate()) })).status).toBe(200);
  });

  test('may name the issuer, the token and the backchannel endpoint as audience, also in a list', async () => {
    const { publicUrl, mtlsUrl } = bank.configuration;
    for (const audience of [
      bank.issuer,
      `${publicUrl}/oidc/token`,
      `${mtlsUrl}/oidc/token`,
      `${publicUrl}/oidc/backchannel`,
      `${mtlsUrl}/oidc/backchannel`,
      ['https://elsewhere.example', bank.issuer],
    ]) {
      const { status } = await bank.till.post('/oidc/backchannel', {
        request: await bank.till.sign({}),
        ...(await bank.till.authenticate(audience)),
      });
      expect({ audience, status }).toEqual({ audience, status: 200 });
    }
  });

  test('may not ask without the grant type, nor push, nor register with less than FAPI wants', async () => {
    const plain = await bank.connectClient('plain', { grant_types: ['client_credentials'] });
    expect((await plain.ask()).body.error).toBe('invalid_request');

    const { provider } = bank;
    const register = (metadata: object) =>
      provider.Client.validate({
        client_id: 'candidate',
        ...Object({
          ...backchannel,
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: bank.till.keys.jwks,
          ...metadata,
        }),
      });
    const description = (rule: RegExp) => ({ error_description: expect.stringMatching(rule) });
    await register({});
    const backchannel_client_notification_endpoint = 'https://hook.example/';
    await register({
      backchannel_token_delivery_mode: 'ping',
      backchannel_client_notification_endpoint,
    });
    await expect(
      register({
        backchannel_token_delivery_mode: 'push',
        backchannel_client_notification_endpoint,
      }),
    ).rejects.toMatchObject(description(/backchannel_token_delivery_mode/));
    await expect(register({ backchannel_token_delivery_mode: 'ping' })).rejects.toMatchObject(
      description(/backchannel_client_notification_endpoint/),
    );
    for (const endpoint of ['http://hook.example/', 'https://a:b@hook.example/', 'https://h/#x']) {
      await expect(
        register({
          backchannel_token_delivery_mode: 'ping',
          backchannel_client_notification_endpoint: endpoint,
        }),
      ).rejects.toMatchObject(description(/backchannel_client_notification_endpoint/));
    }
    for (const alg of [undefined, 'RS256', 'EdDSA']) {
      await expect(
        register({ backchannel_authentication_request_signing_alg: alg }),
      ).rejects.toMatchObject(description(/backchannel_authentication_request_signing_alg/));
    }
    await expect(
      register({ tls_client_certificate_bound_access_tokens: undefined }),
    ).rejects.toMatchObject(description(/tls_client_certificate_bound_access_tokens/));
    await expect(
      register({
        tls_client_certificate_bound_access_tokens: undefined,
        dpop_bound_access_tokens: true,
      }),
    ).rejects.toMatchObject(description(/tls_client_certificate_bound_access_tokens/));
    await expect(register({ profile: 'fapi2-security' })).rejects.toMatchObject(
      description(/grant_types/),
    );
    await expect(
      register({
        token_endpoint_auth_method: 'client_secret_basic',
        client_secret: 'x'.repeat(40),
      }),
    ).rejects.toMatchObject(description(/token_endpoint_auth_method/));
  });
});

describe('discovery', () => {
  test('of a bank says what there is, at both addresses', async () => {
    const answer = await bank.fetch('/oidc/.well-known/openid-configuration');
    const { publicUrl, mtlsUrl } = bank.configuration;
    expect(await answer.json()).toMatchObject({
      backchannel_authentication_endpoint: `${publicUrl}/oidc/backchannel`,
      backchannel_token_delivery_modes_supported: ['poll', 'ping'],
      backchannel_user_code_parameter_supported: true,
      backchannel_authentication_request_signing_alg_values_supported: expect.arrayContaining([
        'PS256',
        'ES256',
      ]),
      grant_types_supported: expect.arrayContaining([cibaGrant]),
      acr_values_supported: expect.arrayContaining(['urn:openbanking:psd2:ca']),
      mtls_endpoint_aliases: {
        backchannel_authentication_endpoint: `${mtlsUrl}/oidc/backchannel`,
      },
    });
  });

  test('of the identity service, which has no customers of its own, says nothing of it', async () => {
    const service = await startAssent({});
    try {
      const answer = await service.fetch('/oidc/.well-known/openid-configuration');
      const metadata = JSON.stringify(await answer.json());
      expect(metadata).not.toMatch(/backchannel_(authentication|token|user)|ciba/);
      for (const path of ['/oidc/backchannel', '/approvals']) {
        const { status } = await service.fetch(path, { method: 'POST', body: '' });
        expect({ path, status }).toEqual({ path, status: 404 });
      }
    } finally {
      await service.stop();
    }
  });
});

test('a bank whose systems do not say in time who is meant can be asked again', async () => {
  const slow = await startCiba({}, { identify: () => new Promise(() => {}) });
  try {
    const { status, body } = await slow.till.ask();
    expect({ status, error: body.error }).toEqual({
      status: 503,
      error: 'temporarily_unavailable',
    });
  } finally {
    await slow.stop();
  }
}, 30_000);
