import { createHash, randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { clients } from '../../../core/clients.js';
import { put } from '../../../core/storage.js';
import { openPerson, readRecord, type Seen } from '../../open-banking/support/start-bank.js';
import type { OpenidBank } from './openid-bank.js';

/** What a plan of plain OpenID Connect is run with. */
export interface OpenidVariant {
  readonly responseType:
    | 'code'
    | 'id_token'
    | 'id_token token'
    | 'code id_token'
    | 'code token'
    | 'code id_token token';
  readonly registration: 'dynamic' | 'static';
  readonly formPost: boolean;
  readonly authentication: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
}

/** A bank and what a row is performed with. */
export interface OpenidRun {
  readonly bank: OpenidBank;
  readonly variant: OpenidVariant;
}

export type Person = ReturnType<typeof openPerson>;
type Form = Readonly<Record<string, string>>;
/** Parameters of a request or members of metadata; undefined leaves out what is there otherwise. */
export type Changes = Readonly<Record<string, unknown>>;

const amelia = { login: 'amelia', password: 'harbour-lantern-42' };

export const includes = (
  { responseType }: Pick<OpenidVariant, 'responseType'>,
  word: 'code' | 'id_token' | 'token',
): boolean => responseType.split(' ').includes(word);

/** What OpenID Connect Registration §2 lets a client say of itself, as the public suite says it. */
export function metadataOf({ bank, variant }: OpenidRun, changes: Changes = {}) {
  const { kid: _none, ...publicJwk } = bank.clientKeys[0].publicJwk;
  return {
    client_name: `Budget ${randomUUID()}`,
    contacts: ['certification@application.example'],
    redirect_uris: [bank.at('/callback')],
    post_logout_redirect_uris: [bank.at('/post_logout_redirect')],
    response_types: [variant.responseType],
    grant_types: [
      ...(includes(variant, 'code') ? ['authorization_code'] : []),
      ...(variant.responseType === 'code' ? [] : ['implicit']),
    ],
    token_endpoint_auth_method: variant.authentication,
    jwks: { keys: [publicJwk] },
    ...changes,
  };
}

/** Registers a client, or tries to. @returns the answer of the registration endpoint. */
export async function register({ bank }: OpenidRun, metadata: Changes) {
  const answer = await bank.fetch('/oidc/reg', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  });
  return { status: answer.status, body: readRecord(await answer.json()) };
}

async function open(run: OpenidRun, changes: Changes): Promise<Record<string, unknown>> {
  const metadata = metadataOf(run, changes);
  if (run.variant.registration === 'dynamic') {
    const { status, body } = await register(run, metadata);
    expect({ status, error: body.error_description }).toEqual({ status: 201, error: undefined });
    return body;
  }
  const registered = {
    ...JSON.parse(JSON.stringify(metadata)),
    client_id: randomUUID(),
    client_secret: randomUUID() + randomUUID(),
    profile: 'openid-connect',
  };
  await run.bank.storage.commit([put(clients, registered.client_id, registered)]);
  return registered;
}

/** An application of a variant at the bank, registered anew. */
export async function createRelyingParty(run: OpenidRun, changes: Changes = {}) {
  const { bank, variant } = run;
  const registered = await open(run, changes);
  const clientId = String(registered.client_id);
  const [redirectUri = ''] = Object(registered.redirect_uris);

  /** An authorization request of the variant, with a state and a nonce of its own. */
  function request(different: Changes = {}) {
    const parameters: Record<string, unknown> = {
      client_id: clientId,
      response_type: variant.responseType,
      redirect_uri: redirectUri,
      scope: 'openid',
      state: randomUUID(),
      nonce: randomUUID(),
      ...(variant.formPost && { response_mode: 'form_post' }),
      ...different,
    };
    const form = toForm(parameters);
    return { form, url: `/oidc/auth?${new URLSearchParams(form)}` };
  }

  /** What has come back, from where this variant gets it and from nowhere else. */
  function read({ status, text, url }: Seen, sent: Form): Form {
    if (sent.response_mode === 'form_post') {
      expect([200, 400]).toContain(status);
      expect(text).toContain(`action="${sent.redirect_uri}"`);
      return Object.fromEntries(
        [...text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(
          ([, name = '', value = '']) => [name, value],
        ),
      );
    }
    const [address] = String(sent.redirect_uri).split('?');
    expect({ at: url.href.split(/[?#]/)[0], status, text }).toEqual({
      at: address,
      status: 302,
      text: '',
    });
    const isQuery = (sent.response_type ?? 'code') === 'code';
    if (isQuery) expect(url.hash).toBe('');
    else expect(url.search).toBe(new URL(String(sent.redirect_uri)).search);
    return Object.fromEntries(new URLSearchParams(isQuery ? url.search : url.hash.slice(1)));
  }

  /** An answer: to this request, from this bank, which an ID token would say (RFC 9207). */
  function check(answer: Form, sent: Form): Form {
    expect(answer.state).toBe(sent.state);
    if (answer.id_token === undefined) expect(answer.iss).toBe(bank.issuer);
    return answer;
  }

  /** The claims of an ID token: of the bank, to this client, verified with the key that it names. */
  async function readIdToken(token: unknown, nonce?: string) {
    const { alg, kid } = decodeProtectedHeader(String(token));
    expect(kid).toEqual(expect.any(String));
    expect(alg).toBe(registered.id_token_signed_response_alg ?? 'RS256');
    const { payload } = await jwtVerify(String(token), await bank.published(), {
      issuer: bank.issuer,
      audience: clientId,
      currentDate: new Date(bank.clock.now()),
    });
    expect(payload.nonce).toBe(nonce);
    expect(payload.sub).toMatch(/^.{1,255}$/);
    return payload;
  }

  /** As a client with one key signs: it needs no name. */
  const sign = (claims: JWTPayload) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(bank.clientKeys[0].privateKey);

  async function authentication(): Promise<{ headers: Form; fields: Form }> {
    const secret = String(registered.client_secret);
    if (variant.authentication === 'client_secret_basic') {
      const credentials = [clientId, secret].map(encodeURIComponent).join(':');
      return {
        headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
        fields: {},
      };
    }
    if (variant.authentication === 'client_secret_post') {
      return { headers: {}, fields: { client_id: clientId, client_secret: secret } };
    }
    const iat = bank.now();
    const claims = { iss: clientId, sub: clientId, aud: bank.issuer, jti: randomUUID(), iat };
    return {
      headers: {},
      fields: {
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await sign({ ...claims, exp: iat + 60 }),
      },
    };
  }

  async function token(form: Form, instead?: Form) {
    const { headers, fields } = await authentication();
    const answer = await bank.fetch('/oidc/token', {
      method: 'POST',
      headers: {
        ...(instead ? {} : headers),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ ...form, ...(instead ?? fields) }).toString(),
    });
    return { status: answer.status, body: readRecord(await answer.json()) };
  }

  return {
    registered,
    clientId,
    request,
    read,
    check,
    readIdToken,
    sign,
    token,
    /** Answers a request as a browser brings it, whatever the answer is. */
    async answer(person: Person, different: Changes = {}) {
      const { form, url } = request(different);
      return check(read(await goThrough(person, url), form), form);
    },
    redeem: (code: string | undefined, form: Form = {}) =>
      token({
        grant_type: 'authorization_code',
        code: String(code),
        redirect_uri: redirectUri,
        ...form,
      }),
    async userinfo(accessToken: unknown, how: 'get' | 'header' | 'body' = 'get') {
      const answer = await bank.fetch('/oidc/userinfo', {
        method: how === 'get' ? 'GET' : 'POST',
        ...(how !== 'body' && { headers: { authorization: `Bearer ${accessToken}` } }),
        ...(how === 'body' && {
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({ access_token: String(accessToken) }).toString(),
        }),
      });
      const type = answer.headers.get('content-type') ?? '';
      const text = await answer.text();
      return {
        status: answer.status,
        type,
        text,
        claims: type.includes('json') && text ? readRecord(JSON.parse(text)) : {},
      };
    },
  };
}

export type RelyingParty = Awaited<ReturnType<typeof createRelyingParty>>;

/** Signs in and agrees, as far as the bank asks. @param seen what was asked on the way. */
export async function goThrough(
  person: Person,
  url: string,
  seen: { login?: boolean; consent?: boolean } = {},
): Promise<Seen> {
  let page = await person.open(url);
  if (page.text.includes('name="password"')) {
    seen.login = true;
    page = await person.submit(page, 'login', amelia);
  }
  if (page.text.includes('value="allow"')) {
    seen.consent = true;
    page = await person.submit(page, 'consent', { decision: 'allow' });
  }
  return page;
}

export interface FlowOptions {
  readonly client?: RelyingParty;
  readonly metadata?: Changes;
  readonly request?: Changes;
  /** Whose browser; a new one where none is named. */
  readonly person?: Person;
  /** In place of following the request with GET. */
  readonly visit?: (person: Person, request: ReturnType<RelyingParty['request']>) => Promise<Seen>;
  readonly redeem?: Form;
}

/**
 * A whole flow of the variant, everything in it verified as OpenID Connect Core §3.1.3.7, §3.2.2.11,
 * §3.3.2.9 and §5.3.2 want it.
 */
export async function flow(run: OpenidRun, options: FlowOptions = {}) {
  const { bank, variant } = run;
  const client = options.client ?? (await createRelyingParty(run, options.metadata));
  const person = options.person ?? openPerson(bank);
  const sent = client.request(options.request);
  const asked: { login?: boolean; consent?: boolean } = {};
  const seen = options.visit
    ? await options.visit(person, sent)
    : await goThrough(person, sent.url, asked);
  const answer = client.check(client.read(seen, sent.form), sent.form);
  expect(answer).not.toHaveProperty('error');

  const expected = ['code', 'id_token', 'access_token'].filter((name) =>
    includes(variant, name === 'access_token' ? 'token' : name === 'code' ? 'code' : 'id_token'),
  );
  const returned = ['code', 'id_token', 'access_token'].filter((name) => name in answer);
  expect(returned).toEqual(expected);

  const front = answer.id_token
    ? await client.readIdToken(answer.id_token, sent.form.nonce)
    : undefined;
  if (front) {
    expect(front.c_hash).toBe(answer.code && halfHash(answer.code));
    expect(front.at_hash).toBe(answer.access_token && halfHash(answer.access_token));
  }
  const tokens = answer.code ? await redeemed(client, answer.code, options.redeem) : undefined;
  const back = tokens && (await client.readIdToken(tokens.id_token, sent.form.nonce));
  if (back?.at_hash !== undefined) {
    expect(back.at_hash).toBe(halfHash(String(tokens?.access_token)));
  }
  const claims = back ?? front;
  if (!claims) throw new Error('no ID token');
  if (front && back) expect(back).toMatchObject({ iss: front.iss, sub: front.sub });

  let info: Record<string, unknown> = {};
  for (const accessToken of [answer.access_token, tokens?.access_token]) {
    if (accessToken === undefined) continue;
    const told = await client.userinfo(accessToken);
    expect(told.status).toBe(200);
    info = told.claims;
    if (told.type.includes('json')) expect(info.sub).toBe(claims.sub);
  }
  const accessToken = tokens?.access_token ?? answer.access_token;
  const idToken = String(tokens?.id_token ?? answer.id_token);
  return { client, person, sent, asked, answer, tokens, claims, info, accessToken, idToken };
}

async function redeemed(client: RelyingParty, code: string, form: Form = {}) {
  const { status, body } = await client.redeem(code, form);
  expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(Number) });
  return body;
}

/** Of RS256, PS256 and ES256: the left half of SHA-256 (OpenID Connect Core §3.3.2.11). */
function halfHash(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  return digest.subarray(0, 16).toString('base64url');
}

function toForm(parameters: Changes): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
