import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { expectExplained } from './support/expect-explained.js';
import { type RunningRole, roles, startRole } from './support/start-role.js';

/* SEC-39: input that is big, deep, many or twice, in both roles: refused, soon, and nobody else waits. */

const invalid = { status: 400, body: { error: 'invalid_request' } };

describe.each(roles)('%s', (role) => {
  let assent: RunningRole;
  beforeAll(async () => {
    assent = await startRole(role);
  });
  afterAll(() => assent?.stop());

  const post = async (path: string, body: string) => {
    const answer = await assent.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
    const text = await answer.text();
    const headers = new Headers([...answer.headers]);
    return { status: answer.status, headers, body: text ? JSON.parse(text) : {} };
  };
  const encode = (form: object) => new URLSearchParams({ ...form }).toString();

  test('SEC-39: a JWT of a megabyte is refused, as assertion and as request object', async () => {
    const { tpp } = assent;
    const padding = { padding: 'x'.repeat(1_000_000) };
    const authentication = await tpp.authentication(padding);
    for (const path of ['/oidc/token', '/oidc/request', '/oidc/token/revocation']) {
      const refused = await post(path, encode({ ...authentication, token: 'x' }));
      expect({ path, ...refused }).toMatchObject({ path, ...invalid });
      await expectExplained(assent, refused, { error: 'invalid_request' });
    }
    expect(await tpp.push({ request: await tpp.requestObject(padding) })).toMatchObject(invalid);
  });

  test('SEC-39: JSON ten thousand levels deep is refused wherever JSON is read', async () => {
    const { tpp } = assent;
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    for (const [name, json] of [
      ['claims', `{"id_token":{"x":${deep}}}`],
      ['authorization_details', deep],
    ] as const) {
      const refused = await tpp.push({ ...(await tpp.request()), [name]: json });
      expect({ name, ...refused }).toMatchObject({ name, status: 400 });
      expect(refused.body.error).toMatch(/^invalid_(request|authorization_details)$/);
    }
    const scope = role === 'bank' ? 'accounts' : 'user:create';
    const form = { grant_type: 'client_credentials', scope };
    const { body } = await tpp.token(form, await assent.prove(tpp.key));
    const path = role === 'bank' ? '/open-banking/v3.1/aisp/account-access-consents' : '/users';
    const answer = await tpp.call(body.access_token, path, { method: 'POST', body: deep });
    expect(answer.status).toBe(400);
  });

  test('SEC-39: ten thousand parameters cost little', async () => {
    const { tpp } = assent;
    const many = Array.from({ length: 10_000 }, (_, index) => `p${index}=`).join('&');
    const began = performance.now();
    for (const path of ['/oidc/token', '/oidc/request', '/oidc/token/introspection']) {
      const form = encode({ ...(await tpp.authentication()), token: 'x' });
      expect((await post(path, `${form}&${many}`)).status).toBeLessThan(500);
    }
    const asked = await assent.fetch(`/oidc/auth?client_id=tpp&${many.slice(0, 12_000)}`);
    expect(asked.status).toBeLessThan(500);
    const tooLong = await assent.fetch(`/oidc/auth?client_id=tpp&${many}`);
    expect(tooLong.status).toBe(431);
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test.each([
    ...['client_id', 'client_assertion', 'client_assertion_type', 'scope', 'response_type'],
    ...['redirect_uri', 'code_challenge', 'claims', 'state', 'nonce', 'dpop_jkt'],
  ])('SEC-39: %s twice is refused, also where both say the same', async (name) => {
    const { tpp } = assent;
    const form: Record<string, string> = {
      dpop_jkt: tpp.key.thumbprint,
      state: 's',
      nonce: 'n',
      claims: '{"id_token":{"sub":null}}',
      ...(await tpp.request()),
      ...(await tpp.authentication()),
    };
    const refused = await post(
      '/oidc/request',
      `${encode(form)}&${encode({ [name]: form[name] })}`,
    );
    expect(refused).toMatchObject(invalid);
    await expectExplained(assent, refused, { error: 'invalid_request' });
  });

  test.each(['grant_type', 'code', 'redirect_uri', 'code_verifier', 'refresh_token'])(
    'SEC-39: %s twice is refused at the token endpoint',
    async (name) => {
      const { tpp } = assent;
      const form = {
        ...(await tpp.authentication()),
        grant_type: name === 'refresh_token' ? 'refresh_token' : 'authorization_code',
        code: 'x',
        redirect_uri: 'https://tpp.example/callback',
        code_verifier: 'v'.repeat(43),
        refresh_token: 'x',
      };
      expect(await post('/oidc/token', `${encode(form)}&${encode({ [name]: 'y' })}`)).toMatchObject(
        invalid,
      );
    },
  );

  test('SEC-39: names of a prototype are names of nothing', async () => {
    const { tpp } = assent;
    const names = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString'];
    for (const name of names) {
      for (const key of [name, `${name}[polluted]`, `${name}.polluted`]) {
        const form = { ...(await tpp.request()), [key]: 'polluted' };
        const pushed = await tpp.push(Object.fromEntries(Object.entries(form)));
        expect({ key, status: pushed.status }).toEqual({ key, status: 201 });
      }
      const { privateKey, publicJwk } = assent.clientKeys;
      const now = assent.seconds();
      // As a parser meets it, where an object literal would set its prototype.
      const claims = JSON.parse(
        `{"iss":"tpp","sub":"tpp","aud":"${assent.issuer}","jti":"${randomUUID()}",` +
          `"exp":${now + 60},"${name}":{"polluted":true,"admin":true}}`,
      );
      const assertion = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid ?? '' })
        .sign(privateKey);
      const form = { ...(await tpp.authentication()), client_assertion: assertion, token: 'x' };
      expect((await post('/oidc/token/revocation', encode(form))).status).toBe(200);
    }
    expect('polluted' in {}).toBe(false);
  });
});
