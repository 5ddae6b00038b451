import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ClientRecord, clients } from '../../core/clients.js';
import { explanations } from '../../core/explanation.js';
import { put } from '../../core/storage.js';
import { describeInput } from '../../provider/explain/describe-input.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { eventually } from '../support/eventually.js';
import {
  authorizationRequest,
  createDpopKey,
  createFapiClient,
  type DpopKey,
  type FapiClient,
} from '../support/fapi-client.js';
import { seededRedirectUri } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

interface Told {
  readonly error: string;
  readonly description?: string;
  readonly endpoint: string;
  readonly clientId?: string;
  readonly rules: readonly { rule: string; clause?: string; input?: string; outcome: string }[];
}

const clock = createMovingClock();
const seconds = () => Math.floor(clock.now() / 1000);

let assent: RunningAssent;
let keys: ClientKeys;
let dpop: DpopKey;
let tpp: FapiClient;

beforeAll(async () => {
  keys = await createClientKeys('ES256');
  dpop = await createDpopKey();
  const client = {
    grant_types: ['authorization_code', 'client_credentials'],
    redirect_uris: [seededRedirectUri],
    token_endpoint_auth_method: 'private_key_jwt' as const,
    dpop_bound_access_tokens: true,
    jwks: keys.jwks,
  };
  assent = await startAssent(
    {
      clients: [
        { ...client, client_id: 'tpp' },
        { ...client, client_id: 'rival' },
        { ...client, client_id: 'flooded' },
        {
          ...client,
          client_id: 'away',
          token_endpoint_auth_method: 'self_signed_tls_client_auth',
          jwks: undefined,
          jwks_uri: 'https://localhost:1/jwks',
        },
      ],
    },
    { clock },
  );
  tpp = createFapiClient(assent, 'tpp', keys, { now: seconds });
  const operator: ClientRecord = {
    ...client,
    client_id: 'operator',
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    operator: ['clients:read'],
  };
  await assent.storage.commit([put(clients, 'operator', operator)]);
});

afterAll(() => assent.stop());

async function tokenOf(clientId: string, scope = 'user:read'): Promise<string> {
  const client = createFapiClient(assent, clientId, keys, { now: seconds });
  const proof = await dpop.header('POST', `${assent.issuer}/token`, { iat: seconds() });
  const { body } = await client.token({ grant_type: 'client_credentials', scope }, proof);
  return String(body.access_token);
}

async function read(path: string, token: string) {
  const url = `${assent.configuration.publicUrl}${path}`;
  const ath = createHash('sha256').update(token).digest('base64url');
  const proof = await dpop.header('GET', url, { ath, iat: seconds() });
  const response = await assent.fetch(url, {
    headers: { ...proof, authorization: `DPoP ${token}` },
  });
  const body = (await response.json()) as { explanations: Told[] };
  return { status: response.status, explanations: body.explanations };
}

/** Refused, and told why as soon as that is stored. */
async function explained(path: string, token: string): Promise<readonly Told[]> {
  return eventually(async () => {
    const answer = await read(path, token);
    expect(answer.status).toBe(200);
    expect(answer.explanations).not.toHaveLength(0);
    return answer.explanations;
  });
}

describe('a refused request is explained to its client under the trace id of the answer', () => {
  test.each([
    [
      'a foreign audience',
      (headers: object) => tpp.push(authorizationRequest, { aud: 'https://x.example' }, headers),
      ['the client is registered'],
      /RFC 7523 §3-3/,
      /client_assertion with alg ES256/,
    ],
    [
      'a scope that nobody has',
      (headers: object) =>
        tpp.push({ ...authorizationRequest, scope: 'openid nothing' }, {}, headers),
      [
        'the client is registered',
        'the client assertion verifies with a key of the client, within its times',
        'the redirect_uri is registered',
      ],
      /RFC 6749 §3.3/,
      /scope is 'openid nothing'/,
    ],
    [
      'a code that is none',
      async (headers: object) => {
        const proof = await dpop.header('POST', `${assent.issuer}/token`, { iat: seconds() });
        return tpp.redeem('a-code-that-nobody-was-given-0123456789', {}, { ...headers, ...proof });
      },
      [
        'the client is registered',
        'the client assertion verifies with a key of the client, within its times',
      ],
      /RFC 6749 §4.1.2/,
      undefined,
    ],
  ])('%s', async (_name, refuse, met, clause, input) => {
    const traceId = randomUUID();
    const answer = await refuse({ 'x-fapi-interaction-id': traceId });
    expect(answer.headers.get('x-fapi-interaction-id')).toBe(traceId);
    const [told] = await explained(`/explanations/${traceId}`, await tokenOf('tpp'));
    expect(told).toMatchObject({ clientId: 'tpp', error: answer.body.error });
    const rules = told?.rules ?? [];
    expect(rules.slice(0, -1).map(({ rule }) => rule)).toEqual(met);
    expect(rules.slice(0, -1).every(({ outcome }) => outcome === 'met')).toBe(true);
    expect(rules.at(-1)).toMatchObject({
      outcome: 'not met',
      clause: expect.stringMatching(clause),
      ...(input && { input: expect.stringMatching(input) }),
    });
    expect((await read(`/explanations/${traceId}`, await tokenOf('rival'))).status).toBe(404);
  });

  test('and to nobody without a token', async () => {
    expect((await assent.fetch('/explanations')).status).toBe(401);
    expect((await read(`/explanations/${randomUUID()}`, await tokenOf('tpp'))).status).toBe(404);
    expect((await read('/explanations/nonsense', await tokenOf('tpp'))).status).toBe(400);
  });
});

test('what a browser brought is listed, of which the client knows no trace', async () => {
  await assent.fetch(tpp.urlOf({ client_id: 'rival', ...authorizationRequest }));
  const [latest] = await explained('/explanations', await tokenOf('rival'));
  expect(latest).toMatchObject({
    endpoint: 'authorization',
    rules: expect.arrayContaining([
      expect.objectContaining({ rule: 'the request was pushed', outcome: 'not met' }),
    ]),
  });
});

test('a call that the token does not allow is explained too', async () => {
  const token = await tokenOf('rival');
  expect((await read('/v3/accounts', token)).status).toBe(403);
  await eventually(async () => {
    const { explanations: told } = await read('/explanations', token);
    expect(told.map(({ endpoint }) => endpoint)).toContain('GET /v3/accounts');
  });
});

describe('an API that refuses a token for how it was presented tells its client, who only used its name', () => {
  const url = () => `${assent.configuration.publicUrl}/users`;
  const rule = {
    header: 'the access token comes in the Authorization header alone',
    live: 'the access token is live',
    scheme: 'the scheme is the one of the token',
    proof: 'the DPoP proof is for this request, fresh and new',
    key: 'the DPoP proof is made with the key that the token is bound to',
  };
  const ath = (token: string) => createHash('sha256').update(token).digest('base64url');

  test.each([
    [
      'as Bearer though it is bound to a key',
      async (token: string) => ({ authorization: `Bearer ${token}` }),
      [rule.header, rule.live, rule.scheme],
      { clause: 'RFC 9449 §7.1', input: 'the scheme is Bearer' },
    ],
    [
      'without a proof',
      async (token: string) => ({ authorization: `DPoP ${token}` }),
      [rule.header, rule.live, rule.scheme, rule.proof],
      { clause: 'RFC 9449 §4.3', input: 'it is missing' },
    ],
    [
      'with a proof of another method',
      async (token: string) => ({
        authorization: `DPoP ${token}`,
        ...(await dpop.header('POST', url(), { ath: ath(token), iat: seconds() })),
      }),
      [rule.header, rule.live, rule.scheme, rule.proof],
      { clause: 'RFC 9449 §4.3', input: 'htm is not the method of the request' },
    ],
    [
      'with a proof by another key',
      async (token: string) => ({
        authorization: `DPoP ${token}`,
        ...(await (
          await createDpopKey()
        ).header('GET', url(), {
          ath: ath(token),
          iat: seconds(),
        })),
      }),
      [rule.header, rule.live, rule.scheme, rule.proof, rule.key],
      { clause: 'RFC 9449 §7.1' },
    ],
  ])('%s', async (_how, present, rules, broken) => {
    const traceId = randomUUID();
    const token = await tokenOf('tpp');
    const headers = { ...(await present(token)), 'x-fapi-interaction-id': traceId };
    expect((await assent.fetch(url(), { headers })).status).toBe(401);
    const [told] = await explained(`/explanations/${traceId}`, await tokenOf('tpp'));
    expect(told).toMatchObject({ clientId: 'tpp', error: 'Unauthorized', endpoint: 'GET /users' });
    expect(told?.rules.map((one) => one.rule)).toEqual(rules);
    expect(told?.rules.slice(0, -1).every(({ outcome }) => outcome === 'met')).toBe(true);
    expect(told?.rules.at(-1)).toMatchObject({ outcome: 'not met', ...broken });
    expect((await read(`/explanations/${traceId}`, await tokenOf('rival'))).status).toBe(404);
    const { records } = await assent.storage.find(explanations, {
      index: 'trace',
      equals: traceId,
      limit: 2,
    });
    expect(records.map(({ id }) => id.split(':')[0])).toEqual(['as']);
  });

  test('what is no token of anybody is told to operators alone', async () => {
    const traceId = randomUUID();
    const headers = { authorization: 'Bearer nonsense', 'x-fapi-interaction-id': traceId };
    expect((await assent.fetch(url(), { headers })).status).toBe(401);
    const operator = await tokenOf('operator', 'clients:read');
    const [told] = await explained(`/admin/v1/explanations/${traceId}`, operator);
    expect(told).not.toHaveProperty('clientId');
    expect(told?.rules.map((one) => [one.rule, one.outcome])).toEqual([
      [rule.header, 'met'],
      [rule.live, 'not met'],
    ]);
    expect((await read(`/explanations/${traceId}`, await tokenOf('tpp'))).status).toBe(404);
  });
});

test('operators read whatever was refused, whoever asked', async () => {
  const traceId = randomUUID();
  const response = await assent.fetch('/oidc/auth?client_id=nobody', {
    headers: { 'x-fapi-interaction-id': traceId },
  });
  expect(response.status).toBe(400);
  const operator = await tokenOf('operator', 'clients:read');
  const [told] = await explained(`/admin/v1/explanations/${traceId}`, operator);
  expect(told?.rules.at(-1)).toMatchObject({ rule: 'the client is registered' });
  expect(told).not.toHaveProperty('clientId');
  expect((await read(`/explanations/${traceId}`, await tokenOf('tpp'))).status).toBe(404);
});

test.each([
  ['https://my.app.example/call/back?code=secret#x', 'https://my.app.example/call/back'],
  ['http://localhost:3020/cb', 'http://localhost:3020/cb'],
  ['com.example.app:/cb', 'com.example.app:/cb'],
  ['https://jane@app.example/eyJhbGciOiJub25lIn0eyJzdWIiOi/a', 'https://app.example/…/a'],
  [
    'https://tpp1.sandbox.openbanking.example:8443/callback',
    'https://tpp1.sandbox.openbanking.example:8443/callback',
  ],
  ['https://eyjhbgcioijub25lin0eyjzdwiioijqyw5l.app.example/cb', 'https://….app.example/cb'],
])('a redirect_uri that is refused is shown as origin and path: %s', (uri, shown) => {
  for (const name of ['redirect_uri', 'post_logout_redirect_uri']) {
    expect(describeInput(name, uri)).toBe(`${name} is '${shown}'`);
  }
  expect(describeInput('redirect_uri', 'nonsense')).toBe('redirect_uri of 8 characters');
});

test('no secret and nothing of a person is in an explanation', async () => {
  const traceId = randomUUID();
  const secrets = {
    state: 'state-that-is-personal',
    nonce: 'nonce-that-is-personal',
    login_hint: 'jane.doe@example.com',
    scope: 'openid jane.doe@example.com 12345678 eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0',
    redirect_uri: 'https://evil.example/?token=eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0',
  };
  const headers = { 'x-fapi-interaction-id': traceId };
  const assertion = await tpp.authentication({ aud: 'https://jane.doe@x.example/12345678' });
  await tpp.post('/oidc/request', { ...assertion, ...authorizationRequest }, headers);
  await tpp.push({ ...authorizationRequest, ...secrets }, {}, headers);
  await tpp.push({ ...authorizationRequest, scope: secrets.scope }, {}, headers);
  await tpp.redeem('code-0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ', {}, headers);
  const told = await eventually(async () => {
    const all = await explained(`/explanations/${traceId}`, await tokenOf('tpp'));
    expect(all).toHaveLength(4);
    return JSON.stringify(all);
  });
  for (const secret of ['personal', 'jane', '12345678', 'eyJ', 'ABCDEFGH', 'token=']) {
    expect(told).not.toContain(secret);
  }
});

test('a flood fills nothing, and hides nothing of other clients', async () => {
  const before = await assent.storage.count(explanations, 'client', 'tpp');
  const url = tpp.urlOf({ client_id: 'flooded', ...authorizationRequest });
  for (let minute = 0; minute < 4; minute++) {
    await Promise.all(Array.from({ length: 80 }, () => assent.fetch(url)));
    clock.advance(61);
  }
  const kept = await assent.storage.count(explanations, 'client', 'flooded');
  expect(kept).toBeGreaterThan(50);
  expect(kept).toBeLessThanOrEqual(100);
  expect(await assent.storage.count(explanations, 'client', 'tpp')).toBe(before);
});

describe('nobody who has not proved who they are takes a place of the client itself', () => {
  /** In whose places something of a client is. */
  async function placesOf(clientId: string) {
    return eventually(async () => {
      const index = { index: 'client', equals: clientId, limit: 100 };
      const { records } = await assent.storage.find(explanations, index);
      expect(records).not.toHaveLength(0);
      return new Set(records.map(({ id }) => id.split(':')[0]));
    });
  }

  test('while its keys cannot be fetched', async () => {
    const fetch = assent.fetcher(await assent.authority.client('stranger'));
    const response = await fetch(`${assent.configuration.mtlsUrl}/oidc/request`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'away', ...authorizationRequest }),
    });
    expect(response.status).toBe(400);
    expect(await placesOf('away')).toEqual(new Set(['as']));
  });

  test('by attesting in a way that is not offered', async () => {
    clock.advance(86_401);
    const jwt = await keys.sign({ sub: 'tpp' });
    const answer = await tpp.post(
      '/oidc/request',
      { client_id: 'tpp', ...authorizationRequest },
      { 'oauth-client-attestation': jwt, 'oauth-client-attestation-pop': jwt },
    );
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(await placesOf('tpp')).toEqual(new Set(['as']));
    await tpp.push({ ...authorizationRequest, scope: 'openid nothing' });
    await eventually(async () => expect(await placesOf('tpp')).toContain('by'));
  });
});

test('after a day nobody is told any more', async () => {
  clock.advance(86_401);
  expect(await assent.storage.count(explanations, 'client', 'tpp')).toBe(0);
});
