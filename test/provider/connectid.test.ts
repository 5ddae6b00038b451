import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { systemClock } from '../../core/clock.js';
import { findProfileFaults } from '../../provider/profiles/assert-client-metadata.js';
import { offeredProfiles } from '../../provider/profiles/offered-profiles.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { amelia, redirectUri } from '../open-banking/support/open-client.js';
import { openPerson } from '../open-banking/support/start-bank.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { createFapiClient, epoch, readReturn } from '../support/fapi-client.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const registered = {
  profile: 'fapi2-message-signing',
  ecosystem: 'connectid-au',
  client_name: 'Rental Agency',
  response_types: ['code'],
  grant_types: ['authorization_code'],
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: 'private_key_jwt',
  subject_type: 'pairwise',
  tls_client_certificate_bound_access_tokens: true,
};

/** ConnectID Identity Assurance Profile: what a provider tells, if it tells anything. */
const connectIdClaims = [
  ...['name', 'given_name', 'middle_name', 'family_name', 'birthdate'],
  ...['email', 'phone_number', 'address', 'txn'],
];

let keys: ClientKeys;
let bank: RunningAssent;
let client: ReturnType<typeof createFapiClient>;
let plain: ReturnType<typeof createFapiClient>;
let fetch: RunningAssent['fetch'];

beforeAll(async () => {
  keys = await createClientKeys('PS256');
  const jwks = { keys: [keys.publicJwk] };
  bank = await startAssent(
    {
      role: 'bank',
      ecosystems: ['connectid-au'],
      clients: [
        { ...registered, client_id: 'agency', jwks },
        {
          ...registered,
          client_id: 'plain',
          ecosystem: undefined,
          response_modes: ['query'],
          jwks,
        },
      ],
    },
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
  fetch = bank.fetcher(await bank.authority.client('agency'));
  client = createFapiClient(bank, 'agency', keys, { fetch });
  plain = createFapiClient(bank, 'plain', keys, { fetch });
});
afterAll(() => bank?.stop());

describe('what is registered of its clients', () => {
  const offered = offeredProfiles({
    role: 'bank',
    profiles: undefined,
    ecosystems: ['connectid-au'],
  });
  const complete = {
    ...registered,
    id_token_signed_response_alg: 'PS256',
    scope: 'openid',
  };
  const membersOf = (changes: object) =>
    findProfileFaults({ ...complete, ...changes }, offered).map(({ member }) => member);

  test('keeps its rules', () => {
    expect(membersOf({})).toEqual([]);
  });

  test.each([
    ['another profile', { profile: 'fapi1-advanced' }, 'profile'],
    ['an ecosystem that is not offered', { ecosystem: 'consumer-data-right-au' }, 'ecosystem'],
    ['an ecosystem that nobody knows', { ecosystem: 'elsewhere' }, 'ecosystem'],
    [
      'a certificate alone',
      { token_endpoint_auth_method: 'tls_client_auth' },
      'token_endpoint_auth_method',
    ],
    [
      'tokens bound to DPoP keys',
      { tls_client_certificate_bound_access_tokens: false, dpop_bound_access_tokens: true },
      'tls_client_certificate_bound_access_tokens',
    ],
    ['subjects that others know', { subject_type: 'public' }, 'subject_type'],
    ['another scope', { scope: 'openid accounts' }, 'scope'],
    [
      'another algorithm',
      { id_token_signed_response_alg: 'ES256' },
      'id_token_signed_response_alg',
    ],
    ['another key', { request_object_signing_alg: 'ES256' }, 'request_object_signing_alg'],
  ])('does not with %s', (_name, changes, member) => {
    expect(membersOf(changes)).toEqual([member]);
  });
});

const request = (claims: object = {}, who = client) =>
  who.requestObject({ scope: 'openid', redirect_uri: redirectUri, ...claims });

const push = async (claims: object = {}, who = client) => {
  const { status, body } = await who.push({ request: await request(claims, who) });
  return { status, error: body.error };
};

const accepted = { status: 201, error: undefined };
const refused = (error: string) => ({ status: 400, error });

describe('its requests', () => {
  test('are signed, and answered in the clear', async () => {
    expect(await push()).toEqual(accepted);
    const { status, body } = await client.push({
      response_type: 'code',
      scope: 'openid',
      redirect_uri: redirectUri,
    });
    expect({ status, error: body.error }).toEqual(refused('invalid_request'));
  });

  test.each([
    ['ten minutes between nbf and exp', () => ({ nbf: epoch() - 300, exp: epoch() + 300 })],
    ['an nbf eight seconds ahead', () => ({ nbf: epoch() + 8, exp: epoch() + 300 })],
  ])('have %s', async (_name, claims) => {
    expect(await push(claims())).toEqual(accepted);
  });

  test.each([
    ['live longer than ten minutes', () => ({ exp: epoch() + 900 })],
    ['were made over ten minutes ago', () => ({ nbf: epoch() - 900, exp: epoch() + 60 })],
    ['were made when they expired, long ago', () => ({ nbf: epoch() - 900, exp: epoch() - 400 })],
  ])('are refused where they %s', async (_name, claims) => {
    expect(await push(claims())).toEqual(refused('invalid_request_object'));
  });

  test('of other clients live for an hour', async () => {
    const old = { nbf: epoch() - 900, exp: epoch() + 900 };
    expect(await push(old, plain)).toEqual(accepted);
  });

  test('are for openid and nothing else', async () => {
    expect(await push({ scope: 'openid accounts' })).toEqual(refused('invalid_scope'));
  });
});

describe('purpose', () => {
  const jamo = (length: number) => '\u1100'.repeat(length);

  test.each([
    ['three characters', 'abc'],
    ['280 characters outside of ASCII', jamo(280)],
    ['300 characters of two code units each', '\u{1f600}'.repeat(300)],
    ['none', undefined],
    ['nothing in it, which is none (RFC 6749 §3.1)', ''],
  ])('may have %s', async (_name, purpose) => {
    expect(await push({ purpose })).toEqual(accepted);
  });

  test.each([
    ['two', 'ab'],
    ['301', jamo(301)],
    ['only invisible', '\u200b\u202e\u00a0\u3164\u2066'],
  ])('may not have %s characters', async (_name, purpose) => {
    expect(await push({ purpose })).toEqual(refused('invalid_request'));
  });

  test('is nothing to other clients', async () => {
    expect(await push({ purpose: 'x' }, plain)).toEqual(accepted);
  });
});

test('the interaction id comes back from the PAR endpoint and the token endpoint', async () => {
  const id = randomUUID();
  const headers = { 'x-fapi-interaction-id': id };
  const pushed = await client.push({ request: await request() }, {}, headers);
  const redeemed = await client.redeem('none', {}, headers);
  for (const { headers: answered } of [pushed, redeemed]) {
    expect(answered.get('x-fapi-interaction-id')).toBe(id);
  }
  const without = await client.push({ request: await request() });
  expect(without.headers.get('x-fapi-interaction-id')).toMatch(/^[\da-f-]{36}$/);
});

describe('who somebody is', () => {
  const claims = {
    id_token: {
      txn: { essential: true },
      name: { essential: true },
      birthdate: null,
      address: {},
    },
    userinfo: { name: null, email: { essential: true }, gender: null, txn: null },
  };

  const reach = async (changes: object = {}) => {
    const pushed = await client.push({ request: await request({ claims, ...changes }) });
    const person = openPerson(bank);
    const page = await person.open(client.visitUrl(pushed));
    return { person, asked: await person.submit(page, 'login', amelia) };
  };

  async function connect(changes: object = {}) {
    const { person, asked } = await reach(changes);
    const back = await person.submit(asked, 'consent', { decision: 'allow' });
    const { code = '' } = readReturn(back.url.href);
    const { status, body } = await client.redeem(code, { redirect_uri: redirectUri });
    expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
    return { body, told: decodeJwt(String(body.id_token)) };
  }

  const readUserInfo = async (token: unknown, headers = {}, send = fetch) => {
    const answer = await send(`${bank.configuration.mtlsUrl}/oidc/userinfo`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };

  test('is told as far as the person has seen it', async () => {
    const { asked } = await reach();
    expect(asked.text).toContain('Your name');
    expect(asked.text).toContain('Your date of birth');
    expect(asked.text).toContain('Your email address');
    expect(asked.text).toContain('Your postal address');
    expect(asked.text).not.toContain('Your phone number');
    expect(asked.text).not.toContain('Your gender');

    const { body, told } = await connect();
    expect(body).toMatchObject({ scope: 'openid', token_type: 'Bearer' });
    expect(Number(body.expires_in)).toBeLessThanOrEqual(600);
    expect(body).not.toHaveProperty('refresh_token');
    expect(told).toMatchObject({
      name: 'Amelia Hart',
      birthdate: '1988-04-17',
      address: { country: 'GB' },
      txn: expect.stringMatching(/^[\da-f-]{36}$/),
    });
    for (const claim of ['email', 'gender', 'given_name', 'openbanking_intent_id']) {
      expect(told).not.toHaveProperty(claim);
    }

    const id = randomUUID();
    const userinfo = await readUserInfo(body.access_token, { 'x-fapi-interaction-id': id });
    expect(userinfo.headers.get('x-fapi-interaction-id')).toBe(id);
    expect(userinfo.body).toEqual({
      sub: told.sub,
      name: 'Amelia Hart',
      email: 'amelia@people.example',
      txn: told.txn,
    });
  });

  test('is a subject and a transaction of its own', async () => {
    const first = await connect();
    const second = await connect();
    expect(first.told.sub).toMatch(/^[\w-]{43}$/);
    expect(second.told.sub).toBe(first.told.sub);
    expect(second.told.txn).not.toBe(first.told.txn);
  });

  test('is nothing but that where nothing is asked for', async () => {
    const { asked } = await reach({ claims: undefined });
    expect(asked.text).toContain('That it is you');
    const { body, told } = await connect({ claims: undefined });
    expect(told).not.toHaveProperty('name');
    expect((await readUserInfo(body.access_token)).body).toEqual({ sub: told.sub });
  });

  test('is told to no other client, whatever it asks for', async () => {
    const pushed = await plain.push({ request: await request({ claims }, plain) });
    const person = openPerson(bank);
    const page = await person.open(plain.visitUrl(pushed));
    const asked = await person.submit(page, 'login', amelia);
    expect(asked.text).toContain('That it is you');
    const back = await person.submit(asked, 'consent', { decision: 'allow' });
    const { code = '' } = readReturn(back.url.href);
    const { body } = await plain.redeem(code, { redirect_uri: redirectUri });
    const told = decodeJwt(String(body.id_token));
    for (const claim of ['name', 'birthdate', 'txn']) expect(told).not.toHaveProperty(claim);
    expect((await readUserInfo(body.access_token)).body).toEqual({ sub: told.sub });
  });

  test('is not read with another certificate, nor with none', async () => {
    const { body } = await connect();
    const other = bank.fetcher(await bank.authority.client('rival'));
    for (const send of [other, bank.fetch]) {
      expect((await readUserInfo(body.access_token, {}, send)).status).toBe(401);
    }
  });

  test('is asked for with a purpose, in words that cannot pass for ours', async () => {
    const purpose = 'To <b>rent</b> a \u202eflat\u200b, in short';
    const { asked } = await reach({ purpose });
    expect(asked.text).toContain('To &lt;b>rent&lt;/b> a flat, in short');
    const { asked: other } = await reach();
    expect(other.text).not.toContain('Why, in the words of');
  });
});

test('discovery says what can be asked for, and where', async () => {
  const metadata = await (await bank.fetch('/oidc/.well-known/openid-configuration')).json();
  const { mtlsUrl } = bank.configuration;
  expect(metadata).toMatchObject({
    claims_parameter_supported: true,
    claims_supported: expect.arrayContaining(connectIdClaims),
    subject_types_supported: expect.arrayContaining(['pairwise']),
    id_token_signing_alg_values_supported: expect.arrayContaining(['PS256']),
    request_object_signing_alg_values_supported: expect.arrayContaining(['PS256']),
    grant_types_supported: expect.arrayContaining(['authorization_code']),
    userinfo_endpoint: expect.any(String),
    mtls_endpoint_aliases: {
      token_endpoint: `${mtlsUrl}/oidc/token`,
      pushed_authorization_request_endpoint: `${mtlsUrl}/oidc/request`,
      userinfo_endpoint: `${mtlsUrl}/oidc/userinfo`,
    },
  });
});
