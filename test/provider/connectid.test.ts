import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { findProfileFaults } from '../../provider/profiles/assert-client-metadata.js';
import { offeredProfiles } from '../../provider/profiles/offered-profiles.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { redirectUri } from '../open-banking/support/open-client.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { createFapiClient, epoch } from '../support/fapi-client.js';
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

let keys: ClientKeys;
let bank: RunningAssent;
let client: ReturnType<typeof createFapiClient>;
let plain: ReturnType<typeof createFapiClient>;

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
  const fetch = bank.fetcher(await bank.authority.client('agency'));
  client = createFapiClient(bank, 'agency', keys, { fetch });
  plain = createFapiClient(bank, 'plain', keys, { fetch });
}, 60_000);
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
