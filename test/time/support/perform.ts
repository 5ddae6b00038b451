import { randomUUID } from 'node:crypto';
import { decodeJwt, importJWK, SignJWT } from 'jose';
import { z } from 'zod';
import {
  checkboxesOf,
  createVisitor,
  type VisitedPage,
  type Visitor,
} from '../../security/support/visitor.js';
import type { Action, Plan, PlannedClient } from './plan.js';
import type { World } from './world.js';

const formType = { 'content-type': 'application/x-www-form-urlencoded' };

/** A connection on the client's side. */
export interface Known {
  readonly userId: string;
  readonly connectionId: string;
}

/** The connection as its client lists it. */
const listed = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      status: z.string(),
      error: z.string().nullable(),
      extendedStatus: z.string().optional(),
      expiresAt: z.string(),
      tppConsent: z.boolean(),
    }),
  ),
});

const startedAuthRequest = z.object({
  data: z.object({ id: z.string(), redirectParams: z.object({ authUrl: z.string() }) }),
});
const completedAuthRequest = z.object({ data: z.object({ connectionId: z.string() }) });

/** The clients of the simulation and the people who use them, by real HTTP. */
export function createActors(world: World) {
  const { tpp, urls, fetch } = world;
  const people = tpp.people.filter(({ what }) => /Three accounts|joint|Thousands/.test(what));
  const bank = `id:${people[0]?.institution}`;
  const tokens = new Map<string, { readonly at: number; readonly token: string }>();

  /** A form to Assent, with the client's authentication. */
  async function post(name: PlannedClient, path: string, form: Record<string, string>) {
    const response = await fetch(`${urls.assent}${path}`, {
      method: 'POST',
      body: new URLSearchParams({ ...form, ...(await assertion(name)) }).toString(),
      headers: { ...formType, ...secret(name) },
    });
    const body: Record<string, unknown> = JSON.parse(await response.text());
    return { status: response.status, body };
  }

  function secret(name: PlannedClient): Record<string, string> {
    const client = tpp.clients[name];
    if (client.token_endpoint_auth_method !== 'client_secret_basic') return {};
    const credentials = Buffer.from(`${client.client_id}:${client.client_secret}`);
    return { authorization: `Basic ${credentials.toString('base64')}` };
  }

  async function assertion(name: PlannedClient): Promise<Record<string, string>> {
    const client = tpp.clients[name];
    if (client.token_endpoint_auth_method !== 'private_key_jwt') return {};
    const [jwk] = client.jwks.keys;
    if (!jwk?.alg) throw new TypeError('a client has a key');
    const now = Math.floor(world.now() / 1000);
    const token = new SignJWT({ jti: randomUUID(), iat: now, exp: now + 60 })
      .setIssuer(client.client_id)
      .setSubject(client.client_id)
      .setAudience(tpp.issuer)
      .setProtectedHeader({ alg: jwk.alg, ...(jwk.kid && { kid: jwk.kid }) });
    return {
      client_id: client.client_id,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await token.sign(await importJWK(jwk, jwk.alg)),
    };
  }

  /** Of the client itself, or for the data of a user. */
  async function token(name: PlannedClient, scope: string, sub?: string): Promise<string> {
    const key = `${name} ${scope} ${sub}`;
    const known = tokens.get(key);
    if (known && world.now() - known.at < 3_600_000) return known.token;
    const form = { grant_type: 'client_credentials', scope, ...(sub !== undefined && { sub }) };
    const { status, body } = await post(name, '/oidc/token', form);
    if (status !== 200) throw new Error(`no token: ${JSON.stringify(body)}`);
    const got = String(body.access_token);
    tokens.set(key, { at: world.now(), token: got });
    return got;
  }

  async function call(accessToken: string, method: string, path: string, body?: object) {
    const response = await fetch(`${urls.assent}${path}`, {
      method,
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, body: json };
  }

  /** A person, sent by the client to Assent. @returns the page they see there, or where it ended. */
  async function send(name: PlannedClient, scope: string, idToken: object) {
    const client = tpp.clients[name];
    const redirectUri = client.redirect_uris[0] ?? '';
    const { status, body } = await post(name, '/oidc/request', {
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: redirectUri,
      prompt: 'consent',
      scope,
      state: randomUUID(),
      nonce: randomUUID(),
      claims: JSON.stringify({ id_token: idToken }),
    });
    if (status !== 201) throw new Error(`request not pushed: ${JSON.stringify(body)}`);
    const visitor = createVisitor({ fetch, stopAt: redirectUri });
    const query = { client_id: client.client_id, request_uri: String(body.request_uri) };
    const page = await visitor.go(`${urls.assent}/oidc/auth?${new URLSearchParams(query)}`);
    return { visitor, page };
  }

  /** Agrees at Assent, where it asks. */
  async function agree(visitor: Visitor, page: VisitedPage): Promise<VisitedPage> {
    if (!page.html.includes('/consent"')) return page;
    return visitor.submit(page, '/consent', [['decision', 'allow']]);
  }

  /** At the bank: signs in and shares everything. */
  async function visitBank(visitor: Visitor, page: VisitedPage, person: number) {
    const { login, password } = people[person % people.length] ?? {};
    if (!login || !password) throw new RangeError('the demo people have changed');
    const accounts = await visitor.submit(page, '/login', [
      ['login', login],
      ['password', password],
    ]);
    return visitor.submit(accounts, '/accounts', [
      ...checkboxesOf(accounts).map((account) => ['account', account] as const),
      ['decision', 'allow'],
    ]);
  }

  async function registerUser(name: PlannedClient): Promise<string> {
    const { body } = await call(await token(name, 'user:create'), 'POST', '/users', {});
    return z.object({ userId: z.string() }).parse(body).userId;
  }

  /** From the client's own screens: an auth request, completed with what the bank's redirect brings. */
  async function connectFromOwnScreens(
    { client: name, person }: Plan,
    { days }: Action & { kind: 'connect' },
  ): Promise<Known> {
    const userId = await registerUser(name);
    const bearer = await token(name, 'auth_requests:write');
    const begun = await call(bearer, 'POST', '/auth-requests', {
      redirectUri: tpp.clients[name].redirect_uris[0],
      userId,
      scope: `openid ${bank}`,
      permissions,
      permissionsAction: 'replace',
      ...(days !== undefined && { expirationDateTime: inDays(days) }),
    });
    const { data: authRequest } = startedAuthRequest.parse(begun.body);
    const visitor = createVisitor({ fetch, stopAt: tpp.clients[name].redirect_uris[0] ?? '' });
    const page = await visitor.go(authRequest.redirectParams.authUrl);
    const end = await visitBank(visitor, page, person);
    const completed = await call(bearer, 'PATCH', `/auth-requests/${authRequest.id}`, {
      authParams: Object.fromEntries(end.url.searchParams),
    });
    return { userId, connectionId: completedAuthRequest.parse(completed.body).data.connectionId };
  }

  async function connect(
    { client: name, person }: Plan,
    { access, days }: Action & { kind: 'connect' },
  ): Promise<Known> {
    const userId = access === 'ongoing' ? await registerUser(name) : undefined;
    const expirationDateTime = days === undefined ? undefined : inDays(days);
    const scope = `openid ${bank}${access === 'ongoing' ? '' : ' accounts:read'}`;
    const { visitor, page } = await send(name, scope, {
      sub: { essential: true, ...(userId && { value: userId }) },
      'mh:con_id': { essential: true },
      // The client goes on before the first data is there.
      ...(userId && { 'mh:sync': { essential: true, value: { enableAsync: true } } }),
      'mh:consent': {
        essential: true,
        // No transactions: they are not what this simulates, and would take most of its time.
        value: { permissions, permissionsAction: 'replace', ...(days && { expirationDateTime }) },
      },
    });
    const end = await visitBank(visitor, await agree(visitor, page), person);
    const { status, body } = await post(name, '/oidc/token', {
      grant_type: 'authorization_code',
      code: end.url.searchParams.get('code') ?? '',
      redirect_uri: tpp.clients[name].redirect_uris[0] ?? '',
      ...(userId && { sub: userId }),
    });
    if (status !== 200) throw new Error(`not connected: ${end.url} ${JSON.stringify(body)}`);
    const claims = z
      .object({ sub: z.string(), 'mh:con_id': z.string() })
      .parse(decodeJwt(String(body.id_token)));
    return { userId: claims.sub, connectionId: claims['mh:con_id'] };
  }

  const inDays = (days: number) => new Date(world.now() + days * 86_400_000).toISOString();

  /** Through the hosted pages. @returns whether the client was given a code. */
  async function renew(
    { client: name, person }: Plan,
    { userId, connectionId }: Known,
    action: Action & { kind: 'reconsent' | 'reauth' },
  ): Promise<boolean> {
    const value = action.days === undefined ? {} : { expirationDateTime: inDays(action.days) };
    const { visitor, page } = await send(name, `openid ${action.kind}`, {
      sub: { essential: true, value: userId },
      'mh:con_id': { essential: true, value: connectionId },
      ...((action.kind === 'reconsent' || action.days !== undefined) && {
        'mh:consent': { value },
      }),
    });
    const agreed = await agree(visitor, page);
    const atBank = action.kind === 'reauth' && agreed.html !== '';
    const whom = action.kind === 'reauth' && action.by === 'stranger' ? person + 1 : person;
    const end = atBank ? await visitBank(visitor, agreed, whom) : agreed;
    const { searchParams } = end.url;
    const error = searchParams.get('error');
    if (error !== null && !['invalid_claims', 'access_denied'].includes(error)) {
      throw new Error(`${action.kind} ended with ${end.url}`);
    }
    if (error === null && !searchParams.has('code')) throw new Error(`${end.status} ${end.url}`);
    return error === null;
  }

  async function extend(name: PlannedClient, { userId, connectionId }: Known, days: number) {
    const path = `/users/${userId}/connections/${connectionId}`;
    const bearer = await token(name, 'connection:update');
    return call(bearer, 'PATCH', path, { expiresAt: inDays(days) });
  }

  return {
    /** Does what a plan says. @returns whether it was done, and the connection from then on. */
    async perform(
      plan: Plan,
      action: Action,
      known: Known | undefined,
    ): Promise<{ readonly done: boolean; readonly known?: Known }> {
      const { client } = plan;
      if (action.kind === 'connect') {
        const isOwn = client === 'identity-service-own-consent' && action.access === 'ongoing';
        return { done: true, known: await (isOwn ? connectFromOwnScreens : connect)(plan, action) };
      }
      if (!known) throw new TypeError('a plan begins with connecting');
      const { userId, connectionId } = known;
      switch (action.kind) {
        case 'reconsent':
        case 'reauth':
          return { done: await renew(plan, known, action) };
        case 'extend': {
          const { status, body } = await extend(client, known, action.days);
          return { done: isDone(status, [204], [400, 403, 404], body) };
        }
        case 'withdraw-at-bank':
          await world.withdrawAtBank(connectionId);
          return { done: true };
        case 'sync': {
          const bearer = await token(client, 'accounts:read accounts:write:all', userId);
          const { status, body } = await call(bearer, 'POST', `/v3/sync/${connectionId}`, {});
          return { done: isDone(status, [200], [404, 409], body) };
        }
        case 'delete': {
          const path = `/users/${userId}/connections/${connectionId}`;
          const bearer = await token(client, 'connection:delete');
          const { status, body } = await call(bearer, 'DELETE', path);
          return { done: isDone(status, [204], [], body) };
        }
      }
    },

    /** The user's connections as the client finds them. */
    async list({ client }: Plan, { userId }: Known) {
      const bearer = await token(client, 'connection:read');
      const { body } = await call(bearer, 'GET', `/users/${userId}/connections`);
      return listed.parse(body).data;
    },
  };
}

const permissions = ['ReadAccountsBasic', 'ReadBalances'];

function isDone(
  status: number,
  yes: readonly number[],
  no: readonly number[],
  body: unknown,
): boolean {
  if (yes.includes(status)) return true;
  if (no.includes(status)) return false;
  throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
}
