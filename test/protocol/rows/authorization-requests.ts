import { expect } from '@jest/globals';
import { authenticationContexts } from '../../../core/bank-authentication.js';
import { verifier } from '../../support/fapi-client.js';
import { seededRedirectUri } from '../../support/seed-code.js';
import {
  type Driver,
  type Pair,
  type Parameters,
  redirectWithQuery,
  toForm,
} from '../support/driver.js';

/** An error code of OAuth, OpenID Connect, PAR or JAR. */
export const anError =
  /^(invalid_\w+|unsupported_\w+|access_denied|unauthorized_client|request_\w+)$/;

/** The same address, with parameters that the browser brings along. */
export function bringing(url: string, parameters: Record<string, string>): string {
  const [path = '', query] = url.split('?');
  return `${path}?${new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(query)), ...parameters })}`;
}

/** Refused, wherever: where it is pushed, on a page, or at the client. */
export async function expectRefused(client: Driver, changes: Parameters, errors: RegExp = anError) {
  expect(await client.refusalOf(await client.send(changes))).toMatch(errors);
}

/** Reaches the person, who says yes; every answer of FAPI 2.0 names its issuer. */
export async function answerTo(client: Driver, changes: Parameters = {}) {
  const { answer } = await client.visit(changes);
  expect(answer.code).toEqual(expect.any(String));
  return answer;
}

/** Gets the ID token of a request, of the token endpoint. */
async function idTokenTo(client: Driver, changes: Parameters) {
  const { answer } = await client.visit(changes);
  const { status, body } = await client.redeem(answer.code);
  expect(status).toBe(200);
  return client.readIdToken(body.id_token);
}

export async function withoutState({ first }: Pair) {
  const answer = await answerTo(first, { state: undefined });
  expect(answer).not.toHaveProperty('state');
  if (answer.id_token) expect(first.decode(String(answer.id_token))).not.toHaveProperty('s_hash');
}

export async function withoutNonce({ first }: Pair) {
  expect(await idTokenTo(first, { nonce: undefined })).not.toHaveProperty('nonce');
}

export const withNonceOf =
  (length: number) =>
  async ({ first }: Pair) => {
    const nonce = 'n'.repeat(length);
    expect((await idTokenTo(first, { nonce })).nonce).toBe(nonce);
  };

export const withStateOf =
  (length: number) =>
  async ({ first }: Pair) => {
    const state = 's'.repeat(length);
    expect((await answerTo(first, { state })).state).toBe(state);
  };

export async function otherScopeOrder({ first }: Pair) {
  await answerTo(first, { scope: first.scope.split(' ').toReversed().join(' ') });
}

/** The browser's own parameters count for nothing beside what was pushed or signed. */
export async function differentNonceOutside({ first }: Pair) {
  const { url } = await first.mustSend({ nonce: 'inner' });
  const { answer } = await first.goThrough(bringing(url, { nonce: 'outer' }));
  const { body } = await first.redeem(answer.code);
  expect((await first.readIdToken(body.id_token)).nonce).toBe('inner');
}

export async function differentStateOutside({ first }: Pair) {
  const { url } = await first.mustSend({ state: 'inner' });
  const { answer } = await first.goThrough(bringing(url, { state: 'outer' }));
  expect(answer.state).toBe('inner');
}

export async function stateOnlyOutside({ first }: Pair) {
  const { url } = await first.mustSend({ state: undefined });
  const { answer } = await first.goThrough(bringing(url, { state: 'outer' }));
  expect(answer).not.toHaveProperty('state');
}

export async function rejected({ first }: Pair) {
  for (const redirect_uri of [seededRedirectUri, redirectWithQuery]) {
    const { returned, answer } = await first.visit({ redirect_uri }, {}, (person, page) =>
      person.submit(page, 'cancel'),
    );
    expect(returned.href.startsWith(redirect_uri)).toBe(true);
    expect(answer).toMatchObject({
      error: 'access_denied',
      state: 'the-state',
      iss: first.bank.issuer,
    });
    expect(answer).not.toHaveProperty('code');
  }
}

export async function claimsAreReturned({ first }: Pair) {
  const discovered = await first.bank.fetch('/oidc/.well-known/openid-configuration');
  const { claims_supported } = Object(await discovered.json());
  const asked = await first.parameters();
  const { id_token } = Object(asked.claims);
  const wanted = Object.fromEntries(Array.from(claims_supported, (name) => [String(name), null]));
  const given = await idTokenTo(first, { claims: { id_token: { ...wanted, ...id_token } } });
  // There is no session for a client that is asked for anew each time, so no `sid` either.
  const others = new Set(['sid']);
  // Nor is there an intent where no accounts are asked for.
  if (first.variant.resource === 'userinfo') others.add('openbanking_intent_id');
  // Of the Consumer Data Right, which are asked with and not told.
  for (const name of ['sharing_duration', 'cdr_arrangement_id']) others.add(name);
  for (const name of claims_supported) if (!others.has(name)) expect(given).toHaveProperty(name);
}

export const refused =
  (changes: Parameters, errors?: RegExp) =>
  async ({ first }: Pair) =>
    expectRefused(first, changes, errors);

/** Redirect URIs have to be known before anybody is sent there, so the error stays with us. */
export async function unregisteredRedirect({ first }: Pair) {
  for (const redirect_uri of ['https://evil.example/callback', `${seededRedirectUri}/more`]) {
    await expectRefused(first, { redirect_uri }, /^invalid_/);
  }
}

/** Nothing but a pushed request: no plain parameters, no request object in the address. */
export async function notPushed({ first, second }: Pair) {
  for (const client of [first, second]) {
    const form = toForm(await client.parameters());
    const url = client.client.urlOf({ ...form, client_id: client.clientId });
    expect(await client.refusalOf(url)).toMatch(/^invalid_request/);
  }
}

/** `client_id` and `request_uri` are enough (RFC 9126 §4). */
export async function withoutDuplicates({ first }: Pair) {
  const { url } = await first.mustSend();
  expect([...new URLSearchParams(url.split('?')[1]).keys()].sort()).toEqual([
    'client_id',
    'request_uri',
  ]);
  expect((await first.goThrough(url)).answer.code).toBeDefined();
}

/** The flow from end to end, for both clients, and what each of them must not do with the other's. */
export async function happyFlow({ first, second }: Pair) {
  const state = 's'.repeat(128);
  for (const [client, thief] of [
    [first, second],
    [second, first],
  ] as const) {
    for (const redirect_uri of [seededRedirectUri, redirectWithQuery]) {
      const { returned, answer } = await client.visit({ state, redirect_uri });
      expect(returned.href.startsWith(redirect_uri)).toBe(true);
      expect(answer.state).toBe(state);
      if (client.variant.response === 'jarm') expect(answer.isSigned).toBe(true);
      if (client.isHybrid) {
        expect(returned.hash).not.toBe('');
        await client.readIdToken(answer.id_token);
      } else expect(answer.iss).toBe(client.bank.issuer);
      const { status, body, headers } = await client.redeem(answer.code, {
        form: { redirect_uri },
      });
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toContain('no-store');
      expect(String(body.token_type)).toBe(client.usesDpop ? 'DPoP' : 'Bearer');
      expect(String(body.access_token).length).toBeGreaterThan(21);
      if (client.variant.openid) {
        const claims = await client.readIdToken(body.id_token);
        expect(claims.nonce).toBe('the-nonce');
        if (isAcrAsked(client)) expect(authenticationContexts).toContain(claims.acr);
      } else expect(body).not.toHaveProperty('id_token');
      expect(body.scope).toBe(client.scope);
      expect(body.authorization_details !== undefined).toBe(client.variant.asks === 'rar');
      await readAsRequired(client, thief, body.access_token);
    }
  }
}

const isAcrAsked = ({ variant: { profile, ecosystem } }: Driver) =>
  profile === 'fapi1-advanced' && ecosystem === 'plain_fapi';

/** What a protected resource must do with a token: where it may be, and whose it is. */
async function readAsRequired(client: Driver, thief: Driver, token: unknown) {
  const id = 'c770aef3-6784-41f7-8e0e-ff5f97bddb3a';
  for (const accept of ['application/json', '*/*', 'application/json; charset=utf-8, */*']) {
    const answer = await client.read(token, {
      headers: {
        accept,
        'x-fapi-interaction-id': id,
        'x-fapi-auth-date': 'Mon, 09 Nov 2026 12:00:00 GMT',
        'x-fapi-customer-ip-address': '2001:db8::1893:25c8:1946',
      },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('x-fapi-interaction-id')).toBe(id);
    expect(answer.headers.get('date')).toBeTruthy();
  }
  const without = await client.read(token);
  expect(without.headers.get('x-fapi-interaction-id')).toBeTruthy();
  const url = `${client.resource}?access_token=${token}`;
  const query = await client.fetch(url);
  expect([400, 401]).toContain(query.status);
  // Another client sends it, with its own certificate, or with a proof of its own key.
  const stolen = await thief.read(token);
  expect(stolen.status).toBe(401);
  const foreign = await thief.client.post('/oidc/token', {
    grant_type: 'authorization_code',
    code: String(token),
    redirect_uri: seededRedirectUri,
    code_verifier: verifier,
  });
  expect(foreign.status).toBeGreaterThanOrEqual(400);
}

/** The name of the scheme is case-insensitive (RFC 9110 §11.1). */
export async function schemeCase({ first }: Pair) {
  const { access_token } = await first.tokens();
  const name = first.usesDpop ? 'dpop' : 'bearer';
  for (const scheme of [name, name.toUpperCase(), `${name[0]?.toUpperCase()}${name.slice(1)}`]) {
    expect((await first.read(access_token, { scheme })).status).toBe(200);
  }
}
