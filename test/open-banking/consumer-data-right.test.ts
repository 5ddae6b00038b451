import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compactDecrypt, decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { textOf } from '../security/support/visitor.js';
import { createClientKeys } from '../support/client-keys.js';
import { challenge, createFapiClient, readReturn } from '../support/fapi-client.js';
import { startAssent } from '../support/start-assent.js';
import { amelia, codeOn, redirectUri, type Walk } from './support/open-client.js';
import { openPerson } from './support/start-bank.js';

const day = 86_400;
const scope = 'openid bank:accounts.basic:read';
const clock = createMovingClock();
const now = () => Math.floor(clock.now() / 1000);

let bank: Awaited<ReturnType<typeof start>>;

async function start() {
  const keys = await createClientKeys('PS256');
  const encryption = await generateKeyPair('RSA-OAEP-256', { extractable: true });
  const registered = {
    profile: 'fapi2-security',
    ecosystem: 'consumer-data-right-au',
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'private_key_jwt',
    subject_type: 'pairwise',
    tls_client_certificate_bound_access_tokens: true,
    jwks: {
      keys: [
        keys.publicJwk,
        { ...(await exportJWK(encryption.publicKey)), kid: 'enc', use: 'enc', alg: 'RSA-OAEP-256' },
      ],
    },
  };
  const assent = await startAssent(
    {
      role: 'bank',
      ecosystems: ['consumer-data-right-au'],
      clients: [
        { ...registered, client_id: 'recipient' },
        { ...registered, client_id: 'rival' },
        {
          ...registered,
          client_id: 'secretive',
          id_token_encrypted_response_alg: 'RSA-OAEP-256',
          id_token_encrypted_response_enc: 'A256GCM',
        },
      ],
    },
    { ledger: createDemoLedger({ clock }), clock },
  );
  const fetch = assent.fetcher(await assent.authority.client('recipient'));
  const client = (name: string) => createFapiClient(assent, name, keys, { fetch, now });
  return { ...assent, send: fetch, encryption, client };
}

beforeAll(async () => {
  bank = await start();
});
afterAll(() => bank?.stop());

const acr = (...values: string[]) => ({ id_token: { acr: { essential: true, values } } });
const sharing = (sharing_duration: unknown, more: object = {}) => ({
  ...acr('urn:cds.au:cdr:2'),
  sharing_duration,
  ...more,
});

const push = (claims: object, name = 'recipient', changes: Record<string, string> = {}) =>
  bank.client(name).push({
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    claims: JSON.stringify(claims),
    ...challenge,
    ...changes,
  });

const choosing =
  (account: string[] = ['22289'], who = amelia): Walk =>
  async (person, page) => {
    const choice = await person.submit(page, 'login', who);
    return person.submit(choice, 'accounts', { account, decision: 'allow' });
  };

/** Where the browser ends that a request is sent with. */
async function visit(claims: object, walk = choosing(), name = 'recipient') {
  const pushed = await push(claims, name);
  expect(pushed.status).toBe(201);
  const person = openPerson(bank);
  const { url } = await walk(person, await person.open(bank.client(name).visitUrl(pushed)));
  return readReturn(url.href);
}

async function connect(claims: object, walk = choosing(), name = 'recipient') {
  const { code = '' } = await visit(claims, walk, name);
  const { status, body } = await bank.client(name).redeem(code, { redirect_uri: redirectUri });
  expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
  return body;
}

async function read(token: unknown, headers: Record<string, string> = { 'x-v': '2' }, query = '') {
  const url = `${bank.configuration.mtlsUrl}/cds-au/v1/banking/accounts${query}`;
  const answer = await bank.send(url, {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  return { status: answer.status, headers: answer.headers, body: Object(await answer.json()) };
}

async function introspect(token: unknown, name = 'recipient') {
  const client = bank.client(name);
  const form = { ...(await client.authentication()), token: String(token) };
  return (await client.post('/oidc/token/introspection', form)).body;
}

const refresh = async (token: unknown) =>
  bank.client('recipient').token({ grant_type: 'refresh_token', refresh_token: String(token) });

describe('an arrangement', () => {
  test('is shared for as long as it was asked for, and known by its id', async () => {
    const tokens = await connect(sharing(90 * day));
    expect(tokens).toMatchObject({
      cdr_arrangement_id: expect.stringMatching(/^[\da-f-]{36}$/),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      scope,
    });
    expect(Number(tokens.expires_in)).toBeLessThanOrEqual(600);
    const told = decodeJwt(String(tokens.id_token));
    expect(told).toMatchObject({ acr: 'urn:cds.au:cdr:2', sub: expect.stringMatching(/^.{43}$/) });
    expect(told).not.toHaveProperty('name');

    const facts = await introspect(tokens.refresh_token);
    const { cdr_arrangement_id: id } = tokens;
    expect(facts).toMatchObject({ active: true, cdr_arrangement_id: id, scope });
    expect(facts).not.toHaveProperty('username');
    expect(Math.abs(Number(facts.exp) - now() - 90 * day)).toBeLessThan(60);
    expect(await introspect(tokens.access_token)).toMatchObject({ cdr_arrangement_id: id });
    expect(await introspect(tokens.refresh_token, 'rival')).toEqual({ active: false });

    const { status, body } = await refresh(tokens.refresh_token);
    expect({ status, id: body.cdr_arrangement_id }).toEqual({ status: 200, id });
    expect((await read(body.access_token)).status).toBe(200);
  });

  test.each([
    ['no duration', {}],
    ['a duration of zero', { sharing_duration: 0 }],
  ])('with %s gives no refresh token', async (_name, duration) => {
    const tokens = await connect({ ...acr('urn:cds.au:cdr:2'), ...duration });
    expect(tokens).not.toHaveProperty('refresh_token');
    expect(tokens).toHaveProperty('cdr_arrangement_id');
    expect((await read(tokens.access_token)).status).toBe(200);
  });

  test('of more than a year is one of a year', async () => {
    const { refresh_token: token } = await connect(sharing(400 * day));
    const { exp } = await introspect(token);
    expect(Math.abs(Number(exp) - now() - 365 * day)).toBeLessThan(60);
  });

  test.each([
    ['a negative duration', sharing(-1)],
    ['a duration in words', sharing('90 days')],
    ['an unknown arrangement', sharing(day, { cdr_arrangement_id: randomUUID() })],
    ['an arrangement that is no text', sharing(day, { cdr_arrangement_id: 7 })],
  ])('is not made from %s', async (_name, claims) => {
    const { status, body } = await push(claims);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
  });

  test('ends with its duration', async () => {
    const { refresh_token: token } = await connect(sharing(day));
    clock.advance(day + 1);
    expect((await refresh(token)).body.error).toBe('invalid_grant');
  });

  test('is amended by its id, which ends what was issued before', async () => {
    const before = await connect(sharing(90 * day));
    const { cdr_arrangement_id } = before;
    const amending = sharing(30 * day, { cdr_arrangement_id });
    let said = '';
    const after = await connect(amending, async (person, page) => {
      const choice = await person.submit(page, 'login', amelia);
      said = textOf(choice.text);
      return person.submit(choice, 'accounts', { account: ['31820'], decision: 'allow' });
    });
    expect(said).toMatch(/takes the place of this.* Account Everyday .* Until \d+ \w+ 20\d\d/);
    expect(after.cdr_arrangement_id).toBe(cdr_arrangement_id);
    expect((await refresh(before.refresh_token)).body.error).toBe('invalid_grant');
    expect((await read(before.access_token)).status).toBe(401);
    const { body } = await read(after.access_token);
    expect(body.data.accounts).toMatchObject([{ accountId: '31820' }]);
    const { exp } = await introspect(after.refresh_token);
    expect(Math.abs(Number(exp) - now() - 30 * day)).toBeLessThan(60);
  });

  test('of another client or another customer is not amended', async () => {
    const { cdr_arrangement_id } = await connect(sharing(day));
    const amending = sharing(day, { cdr_arrangement_id });
    expect((await push(amending, 'rival')).body.error).toBe('invalid_request');
    const noah = { login: 'noah', password: 'quiet-orchard-08' };
    const signingIn: Walk = (person, page) => person.submit(page, 'login', noah);
    expect((await visit(amending, signingIn)).error).toBe('access_denied');
  });

  test('that is amended and refused stays as it was', async () => {
    const before = await connect(sharing(day));
    const { cdr_arrangement_id } = before;
    const refusing: Walk = (person, page) => person.submit(page, 'cancel');
    const amending = sharing(day, { cdr_arrangement_id });
    expect((await visit(amending, refusing)).error).toBe('access_denied');
    expect((await read(before.access_token)).status).toBe(200);
  });
});

describe('the person', () => {
  test('sees what is shared, and until when', async () => {
    let seen = '';
    await visit(sharing(90 * day), async (person, page) => {
      const choice = await person.submit(page, 'login', amelia);
      seen = choice.text;
      return person.submit(choice, 'accounts', { account: ['22289'], decision: 'allow' });
    });
    expect(seen).toContain('The name, type and currency of each account');
    expect(seen).not.toContain('How much is in each account');
    expect(seen).not.toContain('Account numbers and sort codes');
    const end = new Date(clock.now() + 90 * day * 1000).toISOString().slice(0, 10);
    expect(seen).toContain(`datetime="${end}`);
  });

  test('is authenticated with two factors for the level that takes two', async () => {
    const claims = { ...acr('urn:cds.au:cdr:3'), sharing_duration: day };
    const tokens = await connect(claims, async (person, page) => {
      const asked = await person.submit(page, 'login', amelia);
      const choice = await person.submit(asked, 'code', { code: codeOn(asked) });
      return person.submit(choice, 'accounts', { account: ['22289'], decision: 'allow' });
    });
    expect(decodeJwt(String(tokens.id_token)).acr).toBe('urn:cds.au:cdr:3');
  });

  test('is not asked for a level that there is not', async () => {
    const back = await visit(acr('urn:cds.au:cdr:4'), async (_person, page) => page);
    expect(back.error).toBe('unmet_authentication_requirements');
  });
});

describe('Get Accounts', () => {
  let token: unknown;
  beforeAll(async () => {
    token = (await connect(sharing(day), choosing(['22289', '31820']))).access_token;
  });

  test('answers in the version asked for', async () => {
    const id = randomUUID();
    const { status, headers, body } = await read(token, {
      'x-v': '2',
      'x-fapi-interaction-id': id,
    });
    expect(status).toBe(200);
    expect(headers.get('x-v')).toBe('2');
    expect(headers.get('x-fapi-interaction-id')).toBe(id);
    expect(body.meta).toEqual({ totalRecords: 2, totalPages: 1 });
    expect(body.data.accounts).toHaveLength(2);
    expect(body.data.accounts[0]).toMatchObject({
      accountId: '22289',
      accountOwnership: expect.stringMatching(/^(ONE|TWO)_PARTY$/),
      maskedNumber: expect.stringMatching(/^xxxx\d{4}$/),
      productCategory: 'TRANS_AND_SAVINGS_ACCOUNTS',
    });
  });

  test('answers page by page', async () => {
    const { body } = await read(token, { 'x-v': '2' }, '?page=2&page-size=1');
    expect(body.data.accounts).toHaveLength(1);
    expect(Object.keys(body.links).sort()).toEqual(['first', 'last', 'prev', 'self']);
    expect((await read(token, { 'x-v': '2' }, '?page=3&page-size=1')).status).toBe(422);
    expect((await read(token, { 'x-v': '2' }, '?page-size=1001')).status).toBe(422);
    expect((await read(token, { 'x-v': '2' }, '?page=0')).status).toBe(400);
  });

  test.each([
    [{}, 400, 'Header/Missing'],
    [{ 'x-v': 'two' }, 400, 'Header/InvalidVersion'],
    [{ 'x-v': '1' }, 406, 'Header/UnsupportedVersion'],
    [{ 'x-v': '9', 'x-min-v': '3' }, 406, 'Header/UnsupportedVersion'],
  ])('refuses %j', async (headers, status, code) => {
    const answer = await read(token, headers);
    expect(answer.status).toBe(status);
    expect(answer.body.errors).toMatchObject([{ code: `urn:au-cds:error:cds-all:${code}` }]);
  });

  test('takes the highest of a range', async () => {
    expect((await read(token, { 'x-v': '9', 'x-min-v': '1' })).headers.get('x-v')).toBe('2');
  });

  test('is all that the token opens', async () => {
    const url = `${bank.configuration.mtlsUrl}/open-banking/v3.1/aisp/accounts`;
    const answer = await bank.send(url, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(403);
    const pushed = await push(sharing(day), 'recipient', { scope: 'openid accounts' });
    expect(pushed.body.error).toBe('invalid_scope');
  });
});

describe('the arrangement revocation endpoint', () => {
  const revoke = async (form: Record<string, string>, name = 'recipient', claims = {}) => {
    const client = bank.client(name);
    const authenticated = { ...(await client.authentication(claims)), ...form };
    return client.post('/oidc/arrangements/revoke', authenticated);
  };

  test('ends an arrangement with all that was issued of it', async () => {
    const tokens = await connect(sharing(90 * day));
    const cdr_arrangement_id = String(tokens.cdr_arrangement_id);
    expect(await revoke({ cdr_arrangement_id })).toMatchObject({ status: 204, body: {} });
    expect((await read(tokens.access_token)).status).toBe(401);
    expect((await refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
    const amending = sharing(day, { cdr_arrangement_id });
    expect((await push(amending)).body.error).toBe('invalid_request');
    expect((await revoke({ cdr_arrangement_id })).status).toBe(204);
  });

  test('ends none of another client, and none that nobody knows', async () => {
    const tokens = await connect(sharing(day));
    const cdr_arrangement_id = String(tokens.cdr_arrangement_id);
    for (const answer of [
      await revoke({ cdr_arrangement_id }, 'rival'),
      await revoke({ cdr_arrangement_id: randomUUID() }),
      await revoke({}),
      await revoke({ token: String(tokens.access_token) }),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.body.errors).toMatchObject([
        { code: 'urn:au-cds:error:cds-all:Authorisation/InvalidArrangement' },
      ]);
    }
    expect((await read(tokens.access_token)).status).toBe(200);
  });

  test('takes an assertion once, and nobody without one', async () => {
    const tokens = await connect(sharing(day));
    const cdr_arrangement_id = String(tokens.cdr_arrangement_id);
    const client = bank.client('recipient');
    const path = '/oidc/arrangements/revoke';
    const bare = await client.post(path, { client_id: 'recipient', cdr_arrangement_id });
    expect(bare.body.error).toMatch(/^invalid_(client|request)$/);
    const expired = await revoke({ cdr_arrangement_id }, 'recipient', { exp: now() - 300 });
    expect(expired.body.error).toBe('invalid_client');
    const form = { ...(await client.authentication()), cdr_arrangement_id: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.post(path, form)));
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_client')).toHaveLength(9);
    const again = await client.post(path, { ...form, cdr_arrangement_id });
    expect(again.body.error).toBe('invalid_client');
    expect((await bank.send(`${bank.configuration.mtlsUrl}${path}`)).status).toBe(404);
    expect((await read(tokens.access_token)).status).toBe(200);
  });
});

test('ID tokens are encrypted where the client registers it', async () => {
  const { id_token: token } = await connect(sharing(day), choosing(), 'secretive');
  const { plaintext } = await compactDecrypt(String(token), bank.encryption.privateKey);
  const told = decodeJwt(new TextDecoder().decode(plaintext));
  expect(told).toMatchObject({ aud: 'secretive', acr: 'urn:cds.au:cdr:2' });
});

test('discovery says what can be asked for', async () => {
  const metadata = await (await bank.fetch('/oidc/.well-known/openid-configuration')).json();
  expect(metadata).toMatchObject({
    claims_parameter_supported: true,
    claims_supported: expect.arrayContaining(['acr', 'sharing_duration', 'cdr_arrangement_id']),
    acr_values_supported: expect.arrayContaining(['urn:cds.au:cdr:2', 'urn:cds.au:cdr:3']),
    scopes_supported: expect.arrayContaining(['bank:accounts.basic:read']),
    grant_types_supported: expect.arrayContaining(['authorization_code']),
    cdr_arrangement_revocation_endpoint: `${bank.configuration.mtlsUrl}/oidc/arrangements/revoke`,
  });
});
