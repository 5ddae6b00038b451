import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import * as openid from 'openid-client';
import { readReturn } from '../support/fapi-client.js';
import { seededRedirectUri } from '../support/seed-code.js';
import { expectExplained } from './support/expect-explained.js';
import { type RunningRole, roles, startRole } from './support/start-role.js';

/* What is done to authorization requests and responses on their way, in both roles (SEC-01, 03, 06-09, 16). */

const signing = {
  client_id: 'signed-answers',
  profile: 'fapi2-message-signing',
  require_signed_request_object: false,
};

const running = new Map<string, RunningRole>();
/** The other of the two issuers. */
const otherThan = (role: string) =>
  running.get(role === 'bank' ? 'identity-service' : 'bank') as RunningRole;

beforeAll(async () => {
  for (const role of roles) running.set(role, await startRole(role, [signing]));
});
afterAll(async () => {
  for (const assent of running.values()) await assent.stop();
});

describe.each(roles)('%s', (role) => {
  let assent: RunningRole;
  let metadata: Record<string, unknown>;
  beforeAll(async () => {
    const started = running.get(role);
    if (!started) throw new Error('not started');
    assent = started;
    const answer = await assent.fetch('/oidc/.well-known/openid-configuration');
    metadata = (await answer.json()) as Record<string, unknown>;
  });

  const locationOf = async (url: string) => (await assent.fetch(url)).headers.get('location');

  /** A visit did not begin. @returns the error that was answered, wherever to. */
  async function refusalOf(url: string): Promise<unknown> {
    const answer = await assent.fetch(url);
    const location = answer.headers.get('location');
    expect(location ?? '').not.toContain('/interaction/');
    if (location) return readReturn(location).error;
    expect(answer.status).toBe(400);
    return ((await answer.json()) as { error: unknown }).error;
  }

  describe('SEC-01: mix-up', () => {
    test('every answer says whose it is: a code, an error, and both signed', async () => {
      expect(metadata).toMatchObject({
        issuer: assent.issuer,
        authorization_response_iss_parameter_supported: true,
      });
      const { tpp } = assent;
      const signed = await assent.connect('signed-answers');
      const request = { ...(await tpp.request()), state: 'the-state' };
      const plain = await tpp.agree(tpp.visitUrl(await tpp.push(request)));
      expect(plain).toMatchObject({ code: expect.any(String), iss: metadata.issuer });
      const error = await locationOf(tpp.visitUrl(await tpp.push({ ...request, prompt: 'none' })));
      expect(readReturn(error)).toMatchObject({
        error: expect.stringMatching(/_required$/),
        state: 'the-state',
        iss: metadata.issuer,
      });
      // That of another client's request goes to that client.
      const notPushed = await locationOf(tpp.urlOf({ client_id: 'tpp', ...request }));
      expect(readReturn(notPushed)).toMatchObject({ error: 'invalid_request', iss: assent.issuer });

      const jarm = { ...(await signed.request()), response_mode: 'jwt' };
      const answers = [
        await signed.agree(signed.visitUrl(await signed.push(jarm))),
        readReturn(
          await locationOf(signed.visitUrl(await signed.push({ ...jarm, prompt: 'none' }))),
        ),
      ];
      const claims = answers.map(({ response }) => decodeJwt(response ?? ''));
      expect(claims).toMatchObject([
        { code: expect.any(String), iss: metadata.issuer, aud: 'signed-answers' },
        { error: expect.any(String), iss: metadata.issuer, aud: 'signed-answers' },
      ]);
    });

    test('a client that expects the other issuer takes no answer, and no code goes over', async () => {
      const { tpp } = assent;
      const other = otherThan(role);
      const code = await tpp.codeFor();
      const answer = new URL(seededRedirectUri);
      answer.search = new URLSearchParams({ code, iss: assent.issuer }).toString();
      const configuration = await openid.discovery(
        new URL(other.issuer),
        'tpp',
        {},
        openid.None(),
        { [openid.customFetch]: other.fetch as never },
      );
      await expect(
        openid.authorizationCodeGrant(configuration, answer, { pkceCodeVerifier: 'v'.repeat(43) }),
      ).rejects.toMatchObject({
        cause: expect.objectContaining({ message: expect.stringContaining('iss') }),
      });
      const redeemed = await other.tpp.redeem(code);
      expect(redeemed).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      await expectExplained(other, redeemed, { error: 'invalid_grant' });
      // What a client signs for one issuer authenticates it at no other.
      const assertion = await tpp.authentication();
      const form = { ...assertion, ...(await tpp.request()) };
      expect(await other.tpp.post('/oidc/request', form)).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
    });
  });

  describe('SEC-03: PKCE', () => {
    test.each<[string, Record<string, string>]>([
      ['without a challenge', { code_challenge: '', code_challenge_method: '' }],
      ['without its method, which would be plain', { code_challenge_method: '' }],
      ['plain', { code_challenge_method: 'plain' }],
      ['by a method of nobody’s', { code_challenge_method: 's256' }],
      ['with a challenge that is none', { code_challenge: 'short' }],
    ])('%s is refused', async (_what, change) => {
      const all = Object.entries({ ...(await assent.tpp.request()), ...change });
      const form = Object.fromEntries(all.filter(([, value]) => value !== ''));
      const refused = await assent.tpp.push(form);
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      await expectExplained(assent, refused, { clientId: 'tpp', error: 'invalid_request' });
    });

    test.each(['', 'v'.repeat(43), 'short', 'v'.repeat(129)])(
      'with the verifier %j is refused',
      async (code_verifier) => {
        const code = await assent.tpp.codeFor();
        expect(await assent.tpp.redeem(code, { code_verifier })).toMatchObject({
          status: 400,
          body: { error: expect.stringMatching(/^invalid_(grant|request)$/) },
        });
        expect((await assent.tpp.redeem(code)).status).toBe(200);
      },
    );
  });

  test('SEC-06: a request_uri of another client’s begins nothing', async () => {
    const { tpp } = assent;
    const url = tpp.visitUrl(await tpp.push(await tpp.request()));
    expect(await refusalOf(url.replace('client_id=tpp', 'client_id=rival'))).toBe(
      'invalid_request_object',
    );
    expect(await refusalOf(url.replace('client_id=tpp', 'client_id=nobody'))).toBe(
      'invalid_client',
    );
    // Its own client's is as good as before.
    expect(await locationOf(url)).toContain('/interaction/');
  });

  describe('SEC-07: a request_uri', () => {
    test('is nothing that can be guessed: 128 bits at least, each another', async () => {
      const request = await assent.tpp.request();
      const pushed = await Promise.all(Array.from({ length: 20 }, () => assent.tpp.push(request)));
      const uris = pushed.map(({ body }) => String(body.request_uri));
      expect(new Set(uris).size).toBe(uris.length);
      const prefix = 'urn:ietf:params:oauth:request_uri:';
      for (const uri of uris) {
        // Of 64 characters each, all of them used somewhere.
        expect(uri).toMatch(new RegExp(`^${prefix}[\\w-]{22,}$`));
      }
      const positions = uris.map((uri) => uri.slice(prefix.length, prefix.length + 22));
      for (let at = 0; at < 22; at++) {
        expect(new Set(positions.map((text) => text[at])).size).toBeGreaterThan(5);
      }
      const guess = `${prefix}${'a'.repeat(43)}`;
      expect(await refusalOf(assent.tpp.urlOf({ client_id: 'tpp', request_uri: guess }))).toBe(
        'invalid_request_uri',
      );
    });

    test('bears a reload, and is over once the person has finished', async () => {
      const { tpp } = assent;
      const url = tpp.visitUrl(await tpp.push(await tpp.request()));
      expect(await locationOf(url)).toContain('/interaction/');
      expect(await locationOf(url)).toContain('/interaction/');
      expect((await tpp.agree(url)).code).toBeDefined();
      expect(await refusalOf(url)).toBe('invalid_request_uri');
    });

    test('ends when it said it would', async () => {
      const { tpp, clock } = assent;
      const pushed = await tpp.push(await tpp.request());
      clock.advance(Number(pushed.body.expires_in) + 1);
      expect(await refusalOf(tpp.visitUrl(pushed))).toBe('invalid_request_uri');
    });
  });

  describe('SEC-08: what is beside the pushed request', () => {
    test('changes nothing of it', async () => {
      const { tpp } = assent;
      const request = { ...(await tpp.request()), state: 'pushed', nonce: 'pushed' };
      const pushed = tpp.visitUrl(await tpp.push(request));
      const beside = new URLSearchParams({
        redirect_uri: 'https://evil.example/',
        scope: 'openid id:all',
        state: 'added',
        nonce: 'added',
        claims: '{}',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'plain',
        response_mode: 'fragment',
        resource: 'https://evil.example/',
        authorization_details: '[{"type":"x"}]',
        max_age: '0',
      });
      const location = await locationOf(`${pushed}&${beside}`);
      const uid = location?.split('/interaction/')[1]?.split('/')[0] ?? '';
      const interaction = await assent.provider.Interaction.find(uid);
      expect(interaction?.params).toMatchObject(request);
      expect(interaction?.params).not.toHaveProperty('max_age');
      expect(interaction?.params).not.toHaveProperty('response_mode');
      expect(JSON.stringify(interaction?.params)).not.toContain('evil');
      // Of the response type the two must agree.
      expect(await refusalOf(`${pushed}&response_type=code+id_token`)).toBe(
        'invalid_request_object',
      );
    });

    test.each(['request_uri', 'client_id'])('%s given twice is refused', async (name) => {
      const { tpp } = assent;
      const pushed = tpp.visitUrl(await tpp.push(await tpp.request()));
      expect(await refusalOf(`${pushed}&${name}=rival`)).toBe('invalid_request');
    });

    test('a request object beside it is refused, and so is a request_uri inside', async () => {
      const { tpp } = assent;
      const pushed = tpp.visitUrl(await tpp.push(await tpp.request()));
      const object = await tpp.requestObject();
      expect(await refusalOf(`${pushed}&request=${object}`)).toBe('invalid_request');
      for (const request_uri of ['https://evil.example/', 'urn:ietf:params:oauth:request_uri:x']) {
        const nested = await tpp.push({ ...(await tpp.request()), request_uri });
        expect(nested).toMatchObject({
          status: 400,
          body: { error: expect.stringMatching(/^(invalid_request|request_uri_not_supported)$/) },
        });
        await expectExplained(assent, nested, { clientId: 'tpp' });
      }
    });
  });

  test.each([
    'https://tpp.example/callback/',
    'https://tpp.example/callback?',
    'https://tpp.example/callback?x=y',
    'https://tpp.example/callback#',
    'https://tpp.example/callback#x',
    'https://tpp.example/callback/..;/x',
    'https://tpp.example/x/../callback',
    'https://tpp.example/callback/%2e%2e/x',
    'https://tpp.example%2fcallback',
    'https://tpp.example/%63allback',
    'https://tpp.example\\callback',
    'https://tpp.example/CALLBACK',
    'HTTPS://tpp.example/callback',
    'http://tpp.example/callback',
    'https://TPP.example/callback',
    'https://tpp.example./callback',
    'https://tpp.example:443/callback',
    'https://tpp.example:8443/callback',
    'https://user@tpp.example/callback',
    'https://tpp.example@evil.example/callback',
    'https://evil.example@@@tpp.example/callback',
    'https://tpp.example%00.evil.example/callback',
    'https://x.tpp.example/callback',
    'https://*.example/callback',
    'https://*',
    'https://localhost/callback',
    'https://127.0.0.1/callback',
    'https://[::1]/callback',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    '//tpp.example/callback',
    ' https://tpp.example/callback',
    'https://tpp.example/callback\0',
  ])(
    'SEC-16: the redirect_uri %j is not the registered one, and nobody is sent there',
    async (redirect_uri) => {
      const { tpp } = assent;
      const request = { ...(await tpp.request()), redirect_uri };
      const refused = await tpp.push(request);
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      await expectExplained(assent, refused, { clientId: 'tpp' });
      const asked = await assent.fetch(tpp.urlOf({ client_id: 'tpp', ...request }));
      expect([asked.status, asked.headers.get('location')]).toEqual([400, null]);
    },
  );

  test('SEC-09: a request that was not pushed, or not signed where it must be, sees no page', async () => {
    const { tpp } = assent;
    const request = await tpp.request();
    expect(await refusalOf(tpp.urlOf({ client_id: 'tpp', ...request }))).toBe('invalid_request');
    const object = await tpp.requestObject();
    const byValue = { client_id: 'tpp', request: object, ...request };
    expect(await refusalOf(tpp.urlOf(byValue))).toMatch(
      /^(invalid_request|request_not_supported)$/,
    );
    const posted = await assent.fetch('/oidc/auth', {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'tpp', ...request }),
    });
    expect(posted.headers.get('location') ?? '').not.toContain('/interaction/');
  });
});
