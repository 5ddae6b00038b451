import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import {
  amelia,
  type CibaClient,
  cibaGrant,
  decideLatest,
  type RunningCiba,
} from '../../ciba/support/start-ciba.js';
import { createClientKeys } from '../../support/client-keys.js';
import { eventually } from '../../support/eventually.js';
import type { Row } from '../support/walk.js';

/** What the plan of FAPI-CIBA is run with. */
export interface CibaVariant {
  readonly mode: 'poll' | 'ping';
  readonly authentication: 'private_key_jwt' | 'mtls';
}

/** Two clients of a variant, at a bank. */
export interface CibaRun {
  readonly bank: RunningCiba;
  readonly variant: CibaVariant;
  readonly client: CibaClient;
  readonly other: CibaClient;
}

const client_notification_token = '8d67dc78-7faa-4d41-aabd-67707b374255';

/** The parameters of a request, with what a ping needs. */
const asking = ({ variant }: CibaRun, parameters: object = {}) => ({
  ...(variant.mode === 'ping' && { client_notification_token }),
  ...parameters,
});

const seconds = ({ bank }: CibaRun) => Math.floor(bank.clock.now() / 1000);
const ask = (run: CibaRun, parameters?: object) => run.client.ask(asking(run, parameters));
const mustAsk = (run: CibaRun, parameters?: object) => run.client.mustAsk(asking(run, parameters));

async function send(run: CibaRun, request: string, authentication?: Record<string, string>) {
  const form = authentication ?? (await run.client.authenticate());
  return run.client.post('/oidc/backchannel', { request, ...form });
}

function expectError({ status, body }: Awaited<ReturnType<typeof send>>, error: RegExp) {
  expect([400, 401, 403]).toContain(status);
  expect(String(body.error)).toMatch(error);
  expect(body).not.toHaveProperty('auth_req_id');
  expect(body).not.toHaveProperty('access_token');
}

const refused = (parameters: (run: CibaRun) => object) => async (run: CibaRun) =>
  expectError(await ask(run, parameters(run)), /^invalid_request/);

async function approved(run: CibaRun, parameters?: object) {
  const asked = await mustAsk(run, parameters);
  await decideLatest(run.bank, 'approve');
  return asked;
}

async function happyFlow(run: CibaRun) {
  const { bank, variant } = run;
  for (const client of [run.client, run.other]) {
    const answer = await client.ask(asking(run, { acr_values: 'urn:openbanking:psd2:ca' }));
    expect(answer.status).toBe(200);
    expect(Number(answer.body.interval ?? 5)).toBeGreaterThan(0);
    const asked = String(answer.body.auth_req_id);
    expect((await client.poll(asked)).body.error).toBe('authorization_pending');
    bank.target.received.length = 0;
    await decideLatest(bank, 'approve');
    if (variant.mode === 'ping') await expectPing(bank, asked);
    const { status, body } = await client.poll(asked);
    expect(status).toBe(200);
    expect(decodeJwt(String(body.id_token))).toMatchObject({ aud: client.name, iss: bank.issuer });
    expect((await client.call(body.access_token, '/accounts')).status).toBe(200);
    const thief = client === run.client ? run.other : run.client;
    expect((await thief.call(body.access_token, '/accounts')).status).toBe(401);
  }
}

async function expectPing(bank: RunningCiba, asked: string) {
  await eventually(() => expect(bank.target.received).toHaveLength(1));
  const [ping] = bank.target.received;
  expect(ping?.headers.authorization).toBe(`Bearer ${client_notification_token}`);
  expect(JSON.parse(ping?.body ?? '')).toEqual({ auth_req_id: asked });
}

async function rejected(run: CibaRun) {
  const asked = await mustAsk(run);
  await decideLatest(run.bank, 'refuse');
  expectError(await run.client.poll(asked), /^access_denied$/);
}

async function discovery({ bank, variant }: CibaRun) {
  const answer = await bank.fetch('/oidc/.well-known/openid-configuration');
  const metadata = Object(await answer.json());
  expect(metadata.grant_types_supported).toContain(cibaGrant);
  expect(metadata.backchannel_token_delivery_modes_supported).toContain(variant.mode);
  expect(metadata.backchannel_token_delivery_modes_supported).not.toContain('push');
  expect(metadata.backchannel_authentication_endpoint).toBe(`${bank.issuer}/backchannel`);
  expect(metadata.backchannel_authentication_request_signing_alg_values_supported).toEqual(
    expect.arrayContaining(['PS256', 'ES256']),
  );
  expect(metadata.backchannel_authentication_request_signing_alg_values_supported).not.toContain(
    'RS256',
  );
}

async function expired(run: CibaRun) {
  const asked = await mustAsk(run, { requested_expiry: 30 });
  run.bank.clock.advance(31);
  expectError(await run.client.poll(asked), /^expired_token$/);
}

async function polledInARow(run: CibaRun) {
  const asked = await mustAsk(run);
  expect((await run.client.poll(asked)).body.error).toBe('authorization_pending');
  expect((await run.client.poll(asked)).body.error).toBe('slow_down');
  await decideLatest(run.bank, 'approve');
  run.bank.clock.advance(30);
  expect((await run.client.poll(asked)).status).toBe(200);
  expectError(await run.client.poll(asked), /^invalid_grant$/);
}

async function otherScopeOrder(run: CibaRun) {
  const asked = await approved(run, { scope: 'accounts openid' });
  expect((await run.client.poll(asked)).status).toBe(200);
}

async function bindingMessage(run: CibaRun) {
  expect((await ask(run, { binding_message: '1234' })).status).toBe(200);
}

async function badBindingMessage(run: CibaRun) {
  const binding_message = `1234 👍🏿 品川 Lorem ipsum dolor sit amet, ${'x'.repeat(400)}`;
  expectError(await ask(run, { binding_message }), /^invalid_binding_message$/);
}

async function withoutRequest(run: CibaRun) {
  const form = { scope: 'openid accounts', login_hint: amelia.login, ...asking(run) };
  const authentication = await run.client.authenticate();
  expectError(
    await run.client.post('/oidc/backchannel', { ...form, ...authentication }),
    /^invalid_request/,
  );
}

async function signedByNobody(run: CibaRun) {
  const claims = run.client.claims(asking(run));
  expectError(await send(run, new UnsecuredJWT(claims).encode()), /^invalid_request/);
}

async function brokenSignature(run: CibaRun) {
  const good = await run.client.sign(asking(run));
  expectError(await send(run, `${good.slice(0, -8)}AAAAAAAA`), /^invalid_request/);
}

async function signedByAnother(run: CibaRun) {
  const request = await run.other.keys.sign(run.client.claims(asking(run)));
  expectError(await send(run, request), /^invalid_request/);
}

/** The client's own key, used as RS256 uses it. */
async function ownKeyAsRs256({ client }: CibaRun): Promise<CryptoKey> {
  const jwk = await crypto.subtle.exportKey('jwk', client.keys.privateKey);
  const { alg, key_ops, ...bare } = jwk;
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  return crypto.subtle.importKey('jwk', bare, algorithm, false, ['sign']);
}

async function signAsRs256(run: CibaRun, claims: Record<string, unknown>): Promise<string> {
  const kid = String(run.client.keys.publicJwk.kid);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid })
    .sign(await ownKeyAsRs256(run));
}

async function signedWithRs256(run: CibaRun) {
  const request = await signAsRs256(run, run.client.claims(asking(run)));
  expectError(await send(run, request), /^invalid_request/);
}

async function weakAssertion(run: CibaRun): Promise<Record<string, string>> {
  const { client, bank } = run;
  const [iat, iss] = [seconds(run), client.name];
  const times = { iat, exp: iat + 60, jti: crypto.randomUUID() };
  return {
    client_id: client.name,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await signAsRs256(run, { iss, sub: iss, aud: bank.issuer, ...times }),
  };
}

async function weakAssertionAtBackchannel(run: CibaRun) {
  const request = await run.client.sign(asking(run));
  expectError(await send(run, request, await weakAssertion(run)), /^invalid_client$/);
}

async function noAssertionAtBackchannel(run: CibaRun) {
  const request = await run.client.sign(asking(run));
  expectError(
    await send(run, request, { client_id: run.client.name }),
    /^invalid_(client|request)$/,
  );
}

const atToken =
  (authentication: (run: CibaRun) => Promise<Record<string, string>>) => async (run: CibaRun) => {
    const auth_req_id = await approved(run);
    const form = { grant_type: cibaGrant, auth_req_id, ...(await authentication(run)) };
    expectError(await run.client.post('/oidc/token', form), /^invalid_(client|request)$/);
    expect((await run.client.poll(auth_req_id)).status).toBe(200);
  };

async function assertionForIssuer(run: CibaRun) {
  const auth_req_id = await approved(run);
  const form = { grant_type: cibaGrant, auth_req_id };
  const { status } = await run.client.post('/oidc/token', {
    ...form,
    ...(await run.client.authenticate(run.bank.issuer)),
  });
  expect(status).toBe(200);
}

async function invalidAssertions(run: CibaRun) {
  const { client, bank, other } = run;
  const now = seconds(run);
  const stranger = await createClientKeys('PS256');
  const times = { iat: now, exp: now + 60 };
  for (const assertion of [
    await client.keys.assertion(client.name, 'https://other.example', times),
    await client.keys.assertion(client.name, bank.issuer, { iat: now - 900, exp: now - 300 }),
    await client.keys.assertion(client.name, bank.issuer, { ...times, iss: other.name }),
    await client.keys.assertion(client.name, bank.issuer, { ...times, sub: other.name }),
    await stranger.assertion(client.name, bank.issuer, times),
  ]) {
    expectError(
      await send(run, await client.sign(asking(run)), assertion),
      /^invalid_(client|request)$/,
    );
  }
}

async function anotherClientAtBackchannel(run: CibaRun) {
  const request = await run.client.sign(asking(run));
  const authentication = { ...(await run.client.authenticate()), client_id: run.other.name };
  expectError(await send(run, request, authentication), /^invalid_(client|request)/);
}

/** Each client with its own authentication, and the other's request. */
async function anotherIssuerAtBackchannel(run: CibaRun) {
  const request = await run.client.sign(asking(run));
  const answer = await run.other.post('/oidc/backchannel', {
    request,
    ...(await run.other.authenticate()),
  });
  expectError(answer, /^invalid_(client|request)/);
}

async function anotherClientAtToken(run: CibaRun) {
  const asked = await approved(run);
  expectError(await run.client.poll(asked, { client_id: run.other.name }), /^invalid_/);
  expectError(await run.other.poll(asked), /^invalid_grant$/);
  expect((await run.client.poll(asked)).status).toBe(200);
}

async function wrongAuthReqId(run: CibaRun) {
  const asked = await approved(run);
  const wrong = `${asked.slice(0, -1)}${asked.endsWith('_') ? 'a' : '_'}`;
  expectError(await run.client.poll(wrong), /^invalid_grant$/);
}

async function withoutHolderOfKey(run: CibaRun) {
  const auth_req_id = await approved(run);
  const form = { grant_type: cibaGrant, auth_req_id, ...(await run.client.authenticate()) };
  expectError(await run.client.post('/oidc/token', form, run.bank.fetch), /^invalid_/);
}

async function refreshed(run: CibaRun) {
  const { body } = await run.client.poll(await approved(run));
  expect(body.refresh_token).toBeDefined();
  expectError(await run.other.refresh(body.refresh_token), /^invalid_grant$/);
  const again = await run.client.refresh(body.refresh_token);
  expect(again.status).toBe(200);
  expect((await run.client.call(again.body.access_token, '/accounts')).status).toBe(200);
  run.bank.clock.advance(30);
  expect((await run.client.refresh(body.refresh_token)).status).toBe(200);
}

/** The client's endpoint answers so; the request comes once, and polling works all the same. */
const pinged = (status: number) => async (run: CibaRun) => {
  const { bank } = run;
  bank.target.received.length = 0;
  bank.answering.with = (response: ServerResponse) =>
    void response.writeHead(status, { location: bank.target.url }).end(status === 200 ? '{}' : '');
  try {
    const asked = await approved(run);
    await expectPing(bank, asked);
    bank.clock.advance(60);
    await wait(100);
    expect(bank.target.received).toHaveLength(1);
    expect((await run.client.poll(asked)).status).toBe(200);
  } finally {
    bank.answering.with = (response) => void response.writeHead(204).end();
  }
};

async function withoutNotificationToken(run: CibaRun) {
  expectError(await run.client.ask(), /^invalid_request$/);
}

const always = () => true;
const ifPrivateKeyJwt = ({ authentication }: CibaVariant) => authentication === 'private_key_jwt';
const ifPing = ({ mode }: CibaVariant) => mode === 'ping';
const missing = (claim: string) => refused(() => ({ [claim]: undefined }));

const rows: readonly (readonly [
  module: string,
  applies: (variant: CibaVariant) => boolean,
  perform: (run: CibaRun) => Promise<void>,
])[] = [
  ['discovery-end-point-verification', always, discovery],
  ['(happy flow)', always, happyFlow],
  ['user-rejects-authentication', always, rejected],
  ['multiple-call-to-token-endpoint', always, polledInARow],
  ['auth-req-id-expired', always, expired],
  ['ensure-other-scope-order-succeeds', always, otherScopeOrder],
  ['ensure-authorization-request-with-binding-message-succeeds', always, bindingMessage],
  ['ensure-authorization-request-with-potentially-bad-binding-message', always, badBindingMessage],
  [
    'ensure-authorization-request-with-multiple-hints-fails',
    always,
    refused(() => ({ id_token_hint: 'x.y.z' })),
  ],
  [
    'ensure-requested-expiry-as-string-succeeds',
    always,
    async (run) => expect((await ask(run, { requested_expiry: '60' })).status).toBe(200),
  ],
  ['ensure-backchannel-authorization-request-without-request-fails', always, withoutRequest],
  ['ensure-request-object-missing-aud-fails', always, missing('aud')],
  [
    'ensure-request-object-bad-aud-fails',
    always,
    refused(() => ({ aud: 'https://other.example' })),
  ],
  ['ensure-request-object-missing-iss-fails', always, missing('iss')],
  ['ensure-request-object-bad-iss-fails', always, refused(({ other }) => ({ iss: other.name }))],
  ['ensure-request-object-missing-exp-fails', always, missing('exp')],
  [
    'ensure-request-object-expired-exp-fails',
    always,
    refused((run) => ({
      exp: seconds(run) - 300,
      nbf: seconds(run) - 600,
      iat: seconds(run) - 600,
    })),
  ],
  [
    'ensure-request-object-exp-is-70-minutes-in-future-fails',
    always,
    refused((run) => ({ exp: seconds(run) + 70 * 60 })),
  ],
  ['ensure-request-object-missing-iat-fails', always, missing('iat')],
  ['ensure-request-object-missing-nbf-fails', always, missing('nbf')],
  [
    'ensure-request-object-nbf-is-10-minutes-in-future-fails',
    always,
    refused((run) => ({ nbf: seconds(run) + 600, exp: seconds(run) + 900 })),
  ],
  [
    'ensure-request-object-nbf-is-70-minutes-in-past-fails',
    always,
    refused((run) => ({ nbf: seconds(run) - 70 * 60 })),
  ],
  ['ensure-request-object-missing-jti-fails', always, missing('jti')],
  ['ensure-request-object-signature-algorithm-is-none-fails', always, signedByNobody],
  ['ensure-request-object-signature-algorithm-is-bad-fails', always, brokenSignature],
  ['ensure-request-object-signature-algorithm-is-RS256-fails', always, signedWithRs256],
  ['ensure-request-object-signed-by-other-client-fails', always, signedByAnother],
  [
    'ensure-different-client-id-and-issuer-in-backchannel-authorization-request',
    always,
    anotherIssuerAtBackchannel,
  ],
  [
    'ensure-wrong-client-id-in-backchannel-authorization-request',
    always,
    anotherClientAtBackchannel,
  ],
  ['ensure-wrong-client-id-in-token-endpoint-request', always, anotherClientAtToken],
  ['ensure-wrong-authentication-request-id-in-token-endpoint-request', always, wrongAuthReqId],
  ['ensure-mtls-holder-of-key-required', always, withoutHolderOfKey],
  ['refresh-token', always, refreshed],
  [
    'ensure-client-assertion-signature-algorithm-in-backchannel-authorization-request-is-RS256-fails',
    ifPrivateKeyJwt,
    weakAssertionAtBackchannel,
  ],
  [
    'ensure-client-assertion-signature-algorithm-in-token-endpoint-request-is-RS256-fails',
    ifPrivateKeyJwt,
    atToken(weakAssertion),
  ],
  [
    'ensure-without-client-assertion-in-backchannel-authorization-request-fails',
    ifPrivateKeyJwt,
    noAssertionAtBackchannel,
  ],
  [
    'ensure-without-client-assertion-in-token-endpoint-fails',
    ifPrivateKeyJwt,
    atToken(async ({ client }) => ({ client_id: client.name })),
  ],
  [
    'ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds',
    ifPrivateKeyJwt,
    assertionForIssuer,
  ],
  [
    'ensure-invalid-client-assertions-in-backchannel-authorization-request-fail',
    ifPrivateKeyJwt,
    invalidAssertions,
  ],
  ['ping: notification endpoint answers with a body', ifPing, pinged(200)],
  ['ping: notification endpoint answers 401, no retry', ifPing, pinged(401)],
  ['ping: notification endpoint answers 403, no retry', ifPing, pinged(403)],
  ['ping: notification endpoint redirects, not followed', ifPing, pinged(302)],
  ['ping: request without notification token fails', ifPing, withoutNotificationToken],
];

/** `fapi-ciba-id1-*`, of which there is no table here: the modules' names say what they check. */
export const fapiCibaPlan: readonly Row<CibaVariant, CibaRun>[] = rows.map(
  ([module, applies, perform]) => ({ module, applies, perform }),
);
