import { inspect } from 'node:util';
import { decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import {
  authorise,
  callbackOf,
  connectTo,
  createMovableClock,
  redirectUri,
  state,
  terms,
  toBank,
} from './support/connect-to-bank.js';
import {
  answer,
  issueCertificates,
  type ScriptedBank,
  startScriptedBank,
} from './support/scripted-bank.js';

let certificates: Awaited<ReturnType<typeof issueCertificates>>;
let bank: ScriptedBank;

beforeAll(async () => {
  certificates = await issueCertificates();
  bank = await startScriptedBank(certificates);
});
afterAll(() => bank.stop());
beforeEach(() => bank.reset());

const connect = (changes = {}) => connectTo(bank, certificates, changes);
const discovery = 'GET /.well-known/openid-configuration';
const registration = 'POST /aisp/account-access-consents';
const withdrawal = 'DELETE /aisp/account-access-consents/intent-1';

describe('beginning a visit', () => {
  it('registers the intent with the terms, over mutual TLS, with a client-credentials token', async () => {
    await connect().begin({ terms, state, redirectUri });

    const [token] = bank.requests('POST /mtls/token');
    expect(Object.fromEntries(token?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      scope: 'accounts',
      client_id: 'assent',
    });
    const [intent] = bank.requests(registration);
    expect(JSON.parse(intent?.body ?? '')).toEqual({
      Data: {
        Permissions: ['ReadAccountsBasic', 'ReadBalances'],
        ExpirationDateTime: '2027-01-01T00:00:00.000Z',
        TransactionFromDateTime: '2025-01-01T00:00:00.000Z',
      },
      Risk: {},
    });
    expect(intent?.headers.authorization).toBe('Bearer client-token');
    expect(intent?.headers['x-fapi-interaction-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(bank.seen.every(({ hasTrustedCertificate }) => hasTrustedCertificate)).toBe(true);
  });

  it('pushes every parameter and sends the browser with the request_uri alone', async () => {
    const { redirectTo } = toBank(await connect().begin({ terms, state, redirectUri }));

    const url = new URL(redirectTo);
    expect(url.origin + url.pathname).toBe(`${bank.issuer}/auth`);
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const form = bank.pushed.get(url.searchParams.get('request_uri') ?? '');
    expect(Object.fromEntries(form ?? [])).toEqual({
      client_id: 'assent',
      response_type: 'code',
      scope: 'openid accounts',
      redirect_uri: redirectUri,
      state,
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      claims: '{"id_token":{"openbanking_intent_id":{"essential":true,"value":"intent-1"}}}',
    });
  });

  it('signs the request object with everything inside where the bank wants it by value', async () => {
    const { privateKey, publicKey } = await generateKeyPair('PS256');
    const connector = connect({
      request: 'signed',
      tokenEndpointAuthMethod: 'private_key_jwt',
      signingKey: { key: privateKey, kid: 'ours' },
    });
    const { redirectTo, attempt } = toBank(await connector.begin({ terms, state, redirectUri }));

    const query = new URL(redirectTo).searchParams;
    const request = query.get('request') ?? '';
    const { payload } = await jwtVerify(request, publicKey, {
      audience: bank.issuer,
      issuer: 'assent',
    });
    expect(decodeProtectedHeader(request)).toMatchObject({ alg: 'PS256', kid: 'ours' });
    expect(payload).toMatchObject({
      client_id: 'assent',
      response_type: 'code',
      scope: 'openid accounts',
      redirect_uri: redirectUri,
      state,
      nonce: attempt.nonce,
      code_challenge_method: 'S256',
      claims: { id_token: { openbanking_intent_id: { essential: true, value: 'intent-1' } } },
      jti: expect.any(String),
    });
    expect(Number(payload.exp) - Number(payload.nbf)).toBe(600);
    expect(query.get('response_type')).toBe('code');
    expect(query.get('scope')).toBe('openid accounts');

    const assertion = bank.requests('POST /mtls/token')[0]?.form.get('client_assertion') ?? '';
    await jwtVerify(assertion, publicKey, { audience: bank.issuer, subject: 'assent' });
    expect(bank.requests('POST /mtls/par')).toHaveLength(0);
  });

  it('leaves no intent at the bank when the request cannot be pushed', async () => {
    bank.script('POST /mtls/par', answer(400, { error: 'invalid_request' }));

    await expect(connect().begin({ terms, state, redirectUri })).rejects.toMatchObject({
      code: 'refused',
      message: 'Test Bank refused the request.',
    });
    expect(bank.requests(withdrawal)).toHaveLength(1);
  });

  it.each([
    ['refused', 'an intent it does not like', registration, answer(400, { Code: '400' })],
    [
      'refused',
      'a client it does not know',
      'POST /mtls/token',
      answer(401, { error: 'invalid_client' }),
    ],
    ['invalid_answer', 'an intent without an id', registration, answer(201, { Data: {} })],
    [
      'invalid_answer',
      'a token without a token',
      'POST /mtls/token',
      answer(200, { access_token: 7 }),
    ],
    [
      'invalid_answer',
      'metadata of another issuer',
      discovery,
      answer(200, { issuer: 'https://x.example' }),
    ],
    ['invalid_answer', 'metadata that is a list', discovery, answer(200, [])],
    ['unavailable', 'a failing intent endpoint', registration, answer(503, {})],
    ['rate_limited', 'too many requests', registration, answer(429, {})],
    [
      'unavailable',
      'a failing token endpoint',
      'POST /mtls/token',
      answer(500, { error: 'server_error' }),
    ],
    ['unavailable', 'failing discovery', discovery, answer(500, {})],
  ])('says %s for %s', async (code, _what, route, handler) => {
    bank.script(route, handler);

    await expect(connect().begin({ terms, state, redirectUri })).rejects.toMatchObject({
      name: 'InstitutionError',
      code,
      message: expect.stringMatching(/^Test Bank .*\.$/),
      cause: expect.any(Error),
    });
    expect(bank.requests('POST /mtls/par')).toHaveLength(0);
  });

  it('fetches discovery once for many visits, and again after five minutes', async () => {
    const clock = createMovableClock();
    const connector = connect({ clock });
    const visit = () => connector.begin({ terms, state, redirectUri });
    await Promise.all([visit(), visit(), visit()]);
    expect(bank.requests(discovery)).toHaveLength(1);

    clock.advance(301);
    await visit();
    expect(bank.requests(discovery)).toHaveLength(2);
  });

  it('fetches discovery again after a failure, and keeps what it knew while that fails too', async () => {
    const connector = connect();
    await connector.begin({ terms, state, redirectUri });
    bank.script('POST /mtls/token', answer(503, {}));
    await expect(connector.begin({ terms, state, redirectUri })).rejects.toMatchObject({
      code: 'unavailable',
    });

    bank.reset();
    bank.script(discovery, answer(503, {}));
    await connector.begin({ terms, state, redirectUri });
    expect(bank.requests(discovery).length).toBeGreaterThan(0);
  });
});

describe('coming back from the bank', () => {
  it('exchanges the code with the verifier over mutual TLS and keeps what reading needs', async () => {
    const connector = connect();
    const { attempt } = await connector.begin({ terms, state, redirectUri });
    const result = await connector.complete({ attempt, callback: callbackOf(bank), redirectUri });

    expect(result).toEqual({
      outcome: 'authorised',
      subject: 'person',
      validUntil: terms.expiresAt,
      authorization: {
        intentId: 'intent-1',
        permissions: terms.permissions,
        accessToken: 'first-token',
        accessTokenExpiresAt: expect.any(String),
        refreshToken: 'first-refresh',
      },
    });
    const exchange = bank.requests('POST /mtls/token').at(-1);
    expect(exchange?.hasTrustedCertificate).toBe(true);
    expect(Object.fromEntries(exchange?.form ?? [])).toMatchObject({
      grant_type: 'authorization_code',
      code: 'the-code',
      redirect_uri: redirectUri,
      code_verifier: attempt.codeVerifier,
    });
  });

  it('survives storage: an attempt and an authorization are plain JSON', async () => {
    const connector = connect();
    const begun = await connector.begin({ terms, state, redirectUri });
    const attempt = JSON.parse(JSON.stringify(begun.attempt));
    const result = await connector.complete({ attempt, callback: callbackOf(bank), redirectUri });

    if (result.outcome !== 'authorised') throw new Error(result.reason);
    const { authorization } = result;
    expect(JSON.parse(JSON.stringify(authorization))).toEqual(authorization);
  });

  it('takes an intent in place of a person for no name, and no end for none', async () => {
    bank.claims.sub = 'intent-1';
    const connector = connect();
    const { attempt } = await connector.begin({
      terms: { permissions: terms.permissions },
      state,
      redirectUri,
    });
    const [registered] = bank.requests(registration);
    expect(JSON.parse(registered?.body ?? '').Data).toEqual({ Permissions: terms.permissions });
    expect(
      await connector.complete({ attempt, callback: callbackOf(bank), redirectUri }),
    ).toMatchObject({ outcome: 'authorised', subject: undefined, validUntil: undefined });
  });

  it.each([
    ['access_denied', /were not shared, because you or the bank declined/],
    ['temporarily_unavailable', /try again later/],
    ['<script>', /^Test Bank could not complete your visit/],
  ])('tells the person in one sentence that the bank answered %s', async (error, reason) => {
    const connector = connect();
    const { attempt } = await connector.begin({ terms, state, redirectUri });
    const callback = new URLSearchParams({ error, state, iss: bank.issuer });

    expect(await connector.complete({ attempt, callback, redirectUri })).toEqual({
      outcome: 'refused',
      reason: expect.stringMatching(reason),
    });
    expect(bank.requests('POST /mtls/token')).toHaveLength(1);
  });

  it.each<[string, (callback: URLSearchParams) => void]>([
    ['another state', (callback) => callback.set('state', 'other')],
    ['no state', (callback) => callback.delete('state')],
    ['a state given twice', (callback) => callback.append('state', 'other')],
    ['another issuer', (callback) => callback.set('iss', 'https://evil.example')],
    ['no issuer', (callback) => callback.delete('iss')],
    ['two codes', (callback) => callback.append('code', 'other')],
    ['neither code nor error', (callback) => callback.delete('code')],
    ['a code and an error', (callback) => callback.set('error', 'access_denied')],
  ])('does not use a code that comes with %s', async (_what, change) => {
    const connector = connect();
    const { attempt } = await connector.begin({ terms, state, redirectUri });
    const callback = callbackOf(bank);
    change(callback);

    await expect(connector.complete({ attempt, callback, redirectUri })).rejects.toMatchObject({
      code: 'invalid_callback',
    });
    expect(bank.requests('POST /mtls/token')).toHaveLength(1);
  });

  it.each([
    ['another nonce', { nonce: 'other' }],
    ['another intent', { openbanking_intent_id: 'intent-2' }],
    ['no intent', { openbanking_intent_id: undefined }],
    ['another issuer', { iss: 'https://evil.example' }],
  ])('takes no tokens with an ID token of %s', async (_what, claims) => {
    Object.assign(bank.claims, claims);

    await expect(authorise(connect(), bank)).rejects.toMatchObject({ code: 'invalid_answer' });
  });

  it('takes no tokens with an ID token that another key signed', async () => {
    const jwk = await exportJWK((await generateKeyPair('ES256')).publicKey);
    bank.script('GET /jwks', answer(200, { keys: [{ ...jwk, kid: bank.signingKeyId() }] }));

    await expect(authorise(connect(), bank)).rejects.toMatchObject({ code: 'invalid_answer' });
  });

  it('follows a bank that changes its key and algorithm while the process runs', async () => {
    const clock = createMovableClock();
    const connector = connect({ clock });
    await authorise(connector, bank);
    await bank.changeSigningKey('PS256');
    clock.advance(301);

    expect(await authorise(connector, bank)).toMatchObject({ accessToken: 'first-token' });
    await bank.changeSigningKey('ES256');
  });

  it('takes no tokens without an ID token', async () => {
    bank.script('POST /mtls/token', answer(200, { access_token: 'x', token_type: 'Bearer' }));

    await expect(authorise(connect(), bank)).rejects.toMatchObject({ code: 'invalid_answer' });
  });

  it('keeps tokens out of what an error carries', async () => {
    Object.assign(bank.claims, { nonce: 'other' });
    const error = await authorise(connect(), bank).catch((thrown: unknown) => thrown);

    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/first-|the-code|eyJ/);
  });

  it('says refused for a code that the bank does not take', async () => {
    const connector = connect();
    const { attempt } = await connector.begin({ terms, state, redirectUri });
    bank.script('POST /mtls/token', answer(400, { error: 'invalid_grant' }));

    await expect(
      connector.complete({ attempt, callback: callbackOf(bank), redirectUri }),
    ).rejects.toMatchObject({ code: 'refused' });
  });

  it('does not continue a visit that it did not begin', async () => {
    await expect(
      connect().complete({ attempt: {}, callback: callbackOf(bank), redirectUri }),
    ).rejects.toMatchObject({ code: 'invalid_callback' });
  });
});

describe('withdrawing an intent', () => {
  it.each([
    ['an attempt', async () => (await connect().begin({ terms, state, redirectUri })).attempt],
    ['an authorization', () => authorise(connect(), bank)],
  ])('deletes it at the bank by %s', async (_what, make) => {
    await connect().revoke(await make());

    const [request] = bank.requests(withdrawal);
    expect(request?.headers.authorization).toBe('Bearer client-token');
    expect(request?.headers['x-fapi-interaction-id']).toBeDefined();
  });

  it.each([404, 400])('is done where the bank answers %d for one that is gone', async (status) => {
    bank.script(withdrawal, answer(status, {}));

    await expect(connect().revoke({ intentId: 'intent-1' })).resolves.toBeUndefined();
  });

  it.each([
    [403, 'refused'],
    [500, 'unavailable'],
  ])('is not done where the bank answers %d', async (status, code) => {
    bank.script(withdrawal, answer(status, {}));

    await expect(connect().revoke({ intentId: 'intent-1' })).rejects.toMatchObject({ code });
  });

  it('does not let an id reach beyond its place in the path', async () => {
    await expect(connect().revoke({ intentId: '../accounts' })).resolves.toBeUndefined();
    expect(bank.seen.at(-1)?.route).toBe('DELETE /aisp/account-access-consents/..%2Faccounts');
  });
});
