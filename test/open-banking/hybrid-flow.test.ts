import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { systemClock } from '../../core/clock.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { subjectOf } from '../../sandbox/certificate-authority.js';
import { createClientKeys } from '../support/client-keys.js';
import { createFapiClient, type FapiClient, readReturn } from '../support/fapi-client.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { openPerson, readRecord } from './support/start-bank.js';

const redirectUri = 'https://tpp.example/callback';
const sca = 'urn:openbanking:psd2:sca';
const ca = 'urn:openbanking:psd2:ca';
const amelia = { login: 'amelia', password: 'harbour-lantern-42' };

let bank: RunningAssent;
let published: ReturnType<typeof createLocalJWKSet>;
let tpp: FapiClient;
let rival: FapiClient;
let register: (client: FapiClient) => Promise<string>;

beforeAll(async () => {
  const keys = await createClientKeys('PS256');
  const client = (name: string) => ({
    client_id: name,
    profile: 'fapi1-advanced',
    grant_types: ['authorization_code', 'implicit', 'client_credentials'],
    response_types: ['code id_token' as const],
    redirect_uris: [redirectUri],
    scope: 'openid accounts',
    token_endpoint_auth_method: 'tls_client_auth' as const,
    tls_client_auth_subject_dn: subjectOf(name),
    tls_client_certificate_bound_access_tokens: true,
    jwks: keys.jwks,
  });
  bank = await startAssent(
    { role: 'bank', clients: [client('tpp'), client('rival')] },
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
  const connect = async (name: string) => {
    const fetch = bank.fetcher(await bank.authority.client(name));
    return createFapiClient(bank, name, keys, { fetch, certificateOnly: true });
  };
  [tpp, rival] = [await connect('tpp'), await connect('rival')];
  register = async (client_) => {
    const fetch = bank.fetcher(await bank.authority.client(client_.clientId));
    const { body } = await client_.token({ grant_type: 'client_credentials', scope: 'accounts' });
    const answer = await fetch(
      `${bank.configuration.mtlsUrl}/open-banking/v3.1/aisp/account-access-consents`,
      {
        method: 'POST',
        body: JSON.stringify({ Data: { Permissions: ['ReadAccountsDetail'] }, Risk: {} }),
        headers: {
          authorization: `Bearer ${String(body.access_token)}`,
          'content-type': 'application/json',
        },
      },
    );
    return String(readRecord(readRecord(await answer.json()).Data).ConsentId);
  };
  const answer = await bank.fetch('/oidc/certs');
  published = createLocalJWKSet((await answer.json()) as JSONWebKeySet);
});

afterAll(() => bank.stop());

/** By value, as UK Open Banking's security profile on FAPI 1.0 Advanced sends it. */
async function authorizeUrl(client: FapiClient, intentId: string, acr?: object): Promise<string> {
  const claims = {
    id_token: { openbanking_intent_id: { essential: true, value: intentId }, ...(acr && { acr }) },
  };
  const request = await client.requestObject({
    response_type: 'code id_token',
    redirect_uri: redirectUri,
    scope: 'openid accounts',
    state: 's',
    nonce: 'n',
    claims,
  });
  return client.urlOf({
    client_id: client.clientId,
    response_type: 'code id_token',
    scope: 'openid',
    request,
  });
}

async function share(url: string) {
  const person = openPerson(bank);
  let page = await person.submit(await person.open(url), 'login', amelia);
  const sent = /Your phone would show[\s\S]*?(\d{6})/.exec(page.text)?.[1];
  if (sent) page = await person.submit(page, 'code', { code: sent });
  const account = [...(/name="account" value="([^"]+)"/.exec(page.text) ?? [])][1] ?? '';
  const { url: returned } = await person.submit(page, 'accounts', { decision: 'allow', account });
  const { id_token = '' } = readReturn(returned.href);
  return (await jwtVerify(id_token, published, { audience: 'tpp' })).payload;
}

describe('UK Open Banking on FAPI 1.0 Advanced', () => {
  test('the detached signature names the intent, and how the customer was authenticated', async () => {
    const intentId = await register(tpp);
    const acr = { essential: true, values: [sca, ca] };
    const payload = await share(await authorizeUrl(tpp, intentId, acr));
    expect(payload).toMatchObject({ openbanking_intent_id: intentId, nonce: 'n' });
    expect(payload.s_hash).toBeDefined();
    expect([sca, ca]).toContain(payload.acr);
  });

  test('an essential SCA is honoured', async () => {
    const acr = { essential: true, value: sca };
    const payload = await share(await authorizeUrl(tpp, await register(tpp), acr));
    expect(payload.acr).toBe(sca);
  });

  test('what the bank cannot do is refused, with the state, before anybody signs in', async () => {
    const acr = { essential: true, value: 'urn:example:unknown' };
    const { url } = await openPerson(bank).open(await authorizeUrl(tpp, await register(tpp), acr));
    expect(readReturn(url.href)).toMatchObject({
      error: 'unmet_authentication_requirements',
      state: 's',
    });
  });

  test('the intent of another client is refused, with the state', async () => {
    const intentId = await register(tpp);
    const { url } = await openPerson(bank).open(await authorizeUrl(rival, intentId));
    expect(readReturn(url.href)).toMatchObject({ error: 'invalid_request', state: 's' });
  });
});
