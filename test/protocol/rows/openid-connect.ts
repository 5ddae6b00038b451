import { expect } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { openPerson } from '../../open-banking/support/start-bank.js';
import {
  type Changes,
  createRelyingParty,
  type FlowOptions,
  flow,
  goThrough,
  type OpenidRun,
  type RelyingParty,
} from '../support/relying-party.js';

type Perform = (run: OpenidRun) => Promise<void>;

/** What the pages of a bank say where a request leads nowhere. */
const problem = 'This link does not work';

/** A flow succeeds, with a request or registration changed so. */
export const succeeds =
  (options: FlowOptions = {}): Perform =>
  async (run) => {
    await flow(run, options);
  };

export const succeedsWith = (request: Changes): Perform => succeeds({ request });

/** A flow succeeds where the client authenticates in another way. */
export const authenticated =
  (authentication: OpenidRun['variant']['authentication']): Perform =>
  (run) =>
    succeeds()({ ...run, variant: { ...run.variant, authentication } });

/** The bank's error page, which leads nowhere. */
export async function expectProblem(run: OpenidRun, url: string): Promise<void> {
  const page = await run.bank.fetch(url, { headers: { accept: 'text/html' } });
  expect(page.status).toBe(400);
  expect(page.headers.has('location')).toBe(false);
  expect(await page.text()).toContain(problem);
}

/** The error of an answer that goes back to the client, from where the variant has its answers. */
async function errorOf(client: RelyingParty, run: OpenidRun, request: Changes): Promise<unknown> {
  const answer = await client.answer(openPerson(run.bank), request);
  expect(answer).not.toHaveProperty('code');
  expect(answer).not.toHaveProperty('id_token');
  expect(answer).not.toHaveProperty('access_token');
  return answer.error;
}

export const refused =
  (request: Changes, error: RegExp): Perform =>
  async (run) => {
    const client = await createRelyingParty(run);
    expect(await errorOf(client, run, request)).toMatch(error);
  };

/** OpenID Connect Registration §4.2, §4.4: a client reads itself, and is gone when it is deleted. */
export const server: Perform = async (run) => {
  const { client } = await flow(run);
  const { registration_client_uri: uri, registration_access_token: token } = client.registered;
  if (run.variant.registration === 'static') return;
  const call = (method: string) =>
    run.bank.fetch(String(uri), { method, headers: { authorization: `Bearer ${token}` } });
  const read = Object(await (await call('GET')).json());
  expect(read).toMatchObject({ client_id: client.clientId });
  expect((await call('DELETE')).status).toBe(204);
  // A process may know a client for a second longer.
  run.bank.clock.advance(2);
  await expectProblem(run, client.request().url);
};

export const responseTypeMissing = refused(
  { response_type: undefined },
  /^(invalid_request|unsupported_response_type)$/,
);

/** What is asked for by scope, or by claim, and where it is told. */
export const tells =
  (
    request: Changes | ((place: 'id_token' | 'userinfo') => Changes),
    names: readonly string[],
  ): Perform =>
  async (run) => {
    const place = run.variant.responseType === 'id_token' ? 'id_token' : 'userinfo';
    const { info, claims } = await flow(run, {
      request: typeof request === 'function' ? request(place) : request,
    });
    const told = place === 'id_token' ? claims : info;
    expect(Object.keys(told)).toEqual(expect.arrayContaining([...names]));
    for (const name of names) {
      const type = name === 'address' ? 'object' : /_verified$/.test(name) ? 'boolean' : 'string';
      expect({ name, type: typeof told[name] }).toEqual({
        name,
        type: name === 'updated_at' ? 'number' : type,
      });
    }
    const other = ['name', 'email', 'address', 'phone_number'].filter(
      (one) => !names.includes(one),
    );
    for (const name of other) expect(told).not.toHaveProperty(name);
  };

export const userinfo =
  (how: 'get' | 'header' | 'body'): Perform =>
  async (run) => {
    const { client, accessToken, claims } = await flow(run);
    const told = await client.userinfo(accessToken, how);
    expect(told).toMatchObject({ status: 200, claims: { sub: claims.sub } });
    expect((await client.userinfo('made-up', how)).status).toBe(401);
  };

/** A second request of the same person, after `seconds`. */
async function again(run: OpenidRun, request: Changes, seconds = 2, first: Changes = {}) {
  const before = await flow(run, { request: first });
  run.bank.clock.advance(seconds);
  const { client, person } = before;
  return { before, after: await flow(run, { client, person, request }) };
}

/** The person is asked who they are once more, and the ID token says when. */
export const signsInAgain =
  (request: Changes): Perform =>
  async (run) => {
    const { before, after } = await again(run, request, 2, { max_age: '15000' });
    expect(before.asked.login).toBe(true);
    expect(after.asked.login).toBe(true);
    expect(after.claims.sub).toBe(before.claims.sub);
    expect(Number(after.claims.auth_time)).toBeGreaterThan(Number(before.claims.auth_time));
  };

/** Nobody is asked anything, and it is the same sign-in. */
export const staysSignedIn =
  (request: (before: Awaited<ReturnType<typeof flow>>) => Changes): Perform =>
  async (run) => {
    const before = await flow(run, { request: { max_age: '15000' } });
    run.bank.clock.advance(2);
    const { client, person } = before;
    const after = await flow(run, { client, person, request: request(before) });
    expect(after.asked).toEqual({});
    expect(after.claims.sub).toBe(before.claims.sub);
    if (after.claims.auth_time !== undefined) {
      expect(after.claims.auth_time).toBe(before.claims.auth_time);
    }
  };

export const loginHint: Perform = async (run) => {
  const client = await createRelyingParty(run);
  const person = openPerson(run.bank);
  const page = await person.open(client.request({ login_hint: 'amelia' }).url);
  expect(page.text).toMatch(/name="login"[^>]*value="amelia"/);
  await flow(run, { client, request: { login_hint: 'amelia' } });
};

/** RFC 6749 §4.1.2: a code works once, and its second use ends what the first one gave. */
export const codeUsedTwice =
  (seconds: number): Perform =>
  async (run) => {
    const { client, answer, tokens } = await flow(run);
    run.bank.clock.advance(seconds);
    const second = await client.redeem(answer.code);
    expect(second).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await client.userinfo(tokens?.access_token)).status).toBe(401);
  };

export const unregisteredRedirect: Perform = async (run) => {
  const client = await createRelyingParty(run);
  const redirect_uri = run.bank.at('/callback/elsewhere');
  await expectProblem(run, client.request({ redirect_uri }).url);
};

/** OpenID Connect Core §3.1.2.1: an authorization request may be posted. */
export const posted = succeeds({
  visit: async (person, { form }) => {
    let page = await person.open('/oidc/auth', { ...form });
    page = await person.submit(page, 'login', { login: 'amelia', password: 'harbour-lantern-42' });
    return person.submit(page, 'consent', { decision: 'allow' });
  },
});

/** Neither by reference nor unsigned; discovery says so (OpenID Connect Core §3.1.2.6). */
export const byReferenceRefused: Perform = async (run) => {
  const request_uri = run.bank.publish('/request.jwt', {});
  await refused({ request_uri }, /^request_uri_not_supported$/)(run);
};

export const unsignedRefused: Perform = async (run) => {
  const client = await createRelyingParty(run);
  const { form } = client.request();
  const request = new UnsecuredJWT({
    ...form,
    iss: client.clientId,
    aud: run.bank.issuer,
  }).encode();
  const error = await errorOf(client, run, { ...form, request });
  expect(error).toMatch(/^(request_not_supported|invalid_request_object)$/);
};

/** OpenID Connect Core §6.1: what is inside the request object counts. */
export const signedRedirect: Perform = async (run) => {
  const client = await createRelyingParty(run);
  const { form } = client.request();
  const inside = { ...form, iss: client.clientId, aud: run.bank.issuer };
  const request = await client.sign(inside);
  const { url } = client.request({ ...form, redirect_uri: run.bank.at('/elsewhere'), request });
  client.check(client.read(await goThrough(openPerson(run.bank), url), form), form);
};

const lasting = { scope: 'openid offline_access', prompt: 'consent' };
const refreshable = ({ variant }: OpenidRun) => ({
  grant_types: [
    'authorization_code',
    'refresh_token',
    ...(variant.responseType === 'code' ? [] : ['implicit']),
  ],
});

const refresh = (
  client: RelyingParty,
  token: unknown,
  instead?: Readonly<Record<string, string>>,
) => client.token({ grant_type: 'refresh_token', refresh_token: String(token) }, instead);

/** OpenID Connect Core §12.2, for two clients, neither of whom can use the other's. */
export const refreshes: Perform = async (run) => {
  const metadata = refreshable(run);
  const one = await flow(run, { metadata, request: lasting });
  const { status, body } = await refresh(one.client, one.tokens?.refresh_token);
  expect(status).toBe(200);
  expect((await one.client.userinfo(body.access_token)).claims.sub).toBe(one.claims.sub);
  if (body.id_token) {
    const claims = await one.client.readIdToken(body.id_token, one.sent.form.nonce);
    const { sub, auth_time } = one.claims;
    expect(claims).toMatchObject({ sub, ...(auth_time !== undefined && { auth_time }) });
  }
  const other = await flow(run, { metadata, request: lasting });
  expect(await refresh(one.client, other.tokens?.refresh_token)).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant' },
  });
};

const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const pkce = {
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256',
};

/** RFC 7636, for a client that wants it. */
export const withPkce: Perform = async (run) => {
  const { client } = await flow(run, { request: pkce, redeem: { code_verifier: verifier } });
  const { code } = await client.answer(openPerson(run.bank), pkce);
  const wrong = await client.redeem(code, { code_verifier: verifier.toLowerCase() });
  expect(wrong).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
};

/** OpenID Connect Core §10.1.1: an assertion with a new key of the client's, found at its `jwks_uri`. */
export const clientRotatesKeys: Perform = async (run) => {
  const { bank } = run;
  const [old, fresh] = bank.clientKeys;
  const path = `/jwks/${crypto.randomUUID()}`;
  const metadata = {
    ...refreshable(run),
    jwks: undefined,
    jwks_uri: bank.publish(path, old.jwks),
  };
  const { client, tokens, claims } = await flow(run, { metadata, request: lasting });
  bank.publish(path, fresh.jwks);
  bank.clock.advance(61);
  const now = bank.now();
  const times = { iat: now, exp: now + 60 };
  const assertion = await fresh.assertion(client.clientId, bank.issuer, times);
  const { status, body } = await refresh(client, tokens?.refresh_token, assertion);
  expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
  expect((await client.userinfo(body.access_token)).claims.sub).toBe(claims.sub);
  // What is not published any more proves nothing.
  const stale = await old.assertion(client.clientId, bank.issuer, times);
  expect((await refresh(client, tokens?.refresh_token, stale)).status).toBe(401);
};

export const keysByAddress: Perform = async (run) => {
  const { bank } = run;
  const jwks_uri = bank.publish(`/jwks/${crypto.randomUUID()}`, bank.clientKeys[0].jwks);
  await flow(run, { metadata: { jwks: undefined, jwks_uri } });
};
