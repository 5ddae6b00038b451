import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { createIntrospectedTokens } from '../../resource/introspected-tokens.js';
import { openPerson } from '../open-banking/support/start-bank.js';
import { textOf } from '../security/support/visitor.js';
import {
  amelia,
  answerOf,
  authorizeUrl,
  daniel,
  goThrough,
  redirectUri,
  type SignOnBank,
  secret,
  startSignOnBank,
} from './support/start-sign-on-bank.js';

let signOn: SignOnBank;
let bank: SignOnBank['bank'];

beforeAll(async () => {
  signOn = await startSignOnBank();
  bank = signOn.bank;
});

afterAll(() => signOn.stop());

const halfHash = (text: string) =>
  Buffer.from(hash('sha256', text, 'buffer').subarray(0, 16)).toString('base64url');

describe('basic', () => {
  test('an application signs a person in, and learns what the person allowed', async () => {
    const config = await signOn.configure();
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile email address phone',
      state: 's',
      nonce: 'n',
    });
    const returned = await goThrough(openPerson(bank), url.href);
    const tokens = await openid.authorizationCodeGrant(config, returned, {
      expectedNonce: 'n',
      expectedState: 's',
    });
    const claims = tokens.claims();
    expect(claims).toMatchObject({ iss: bank.issuer, aud: 'app', nonce: 'n' });
    expect(claims).not.toHaveProperty('email');
    expect(tokens).not.toHaveProperty('refresh_token');
    const info = await openid.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '');
    expect(info).toMatchObject({
      sub: claims?.sub,
      name: 'Amelia Hart',
      email: 'amelia@people.example',
      address: { country: 'GB' },
      phone_number: '+447700900142',
    });
  });

  test('with the form posted, the secret in the form, and a request that a browser posts', async () => {
    const config = await signOn.configure('second');
    const person = openPerson(bank);
    const form = Object.fromEntries(
      new URL(authorizeUrl({ client_id: 'second', response_mode: 'form_post' }), bank.issuer)
        .searchParams,
    );
    const login = await person.open('/oidc/auth', form);
    const consent = await person.submit(login, 'login', amelia);
    const posted = await person.submit(consent, 'consent', { decision: 'allow' });
    expect(posted.text).toContain(`action="${redirectUri}"`);
    const code = /name="code" value="([^"]+)"/.exec(posted.text)?.[1] ?? '';
    const callback = new URL(
      `${redirectUri}?${new URLSearchParams({ code, state: 's', iss: bank.issuer })}`,
    );
    const tokens = await openid.authorizationCodeGrant(config, callback, {
      expectedNonce: 'n',
      expectedState: 's',
    });
    expect(tokens.claims()?.sub).toBeDefined();
    const again = openid.authorizationCodeGrant(config, callback, {
      expectedNonce: 'n',
      expectedState: 's',
    });
    await expect(again).rejects.toMatchObject({ error: 'invalid_grant' });
    // The token of a code that was used twice is worth nothing any more.
    const info = await bank.fetch('/oidc/userinfo', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(info.status).toBe(401);
  });

  test('a person who refuses sends the application away with access_denied', async () => {
    const person = openPerson(bank);
    const login = await person.open(authorizeUrl());
    const consent = await person.submit(login, 'login', amelia);
    expect(consent.text).toContain('Who you are');
    const { url } = await person.submit(consent, 'consent', { decision: 'refuse' });
    expect(answerOf(url)).toMatchObject({ error: 'access_denied', state: 's' });
    const left = await person.submit(
      await person.open(authorizeUrl({ prompt: 'login' })),
      'cancel',
    );
    expect(answerOf(left.url)).toMatchObject({ error: 'access_denied' });
  });

  test('offline_access keeps an application in when the person is gone, and nothing else does', async () => {
    const config = await signOn.configure();
    const url = authorizeUrl({ scope: 'openid offline_access', prompt: 'consent' });
    const tokens = await openid.authorizationCodeGrant(
      config,
      await goThrough(openPerson(bank), url),
      { expectedNonce: 'n', expectedState: 's' },
    );
    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(refreshed.claims()?.sub).toBe(tokens.claims()?.sub);
  });

  test('the person sees at /access what applications keep with offline_access, and ends it there', async () => {
    const config = await signOn.configure();
    const lasting = { scope: 'openid email offline_access', prompt: 'consent' };
    const browsers = [openPerson(bank), openPerson(bank)];
    const kept = await Promise.all(
      browsers.map(async (browser) => {
        const returned = await goThrough(browser, authorizeUrl(lasting), daniel);
        return openid.authorizationCodeGrant(config, returned, {
          expectedNonce: 'n',
          expectedState: 's',
        });
      }),
    );
    await goThrough(openPerson(bank), authorizeUrl({ client_id: 'second' }), daniel);

    const open = async (who: typeof daniel) => {
      const visitor = openPerson(bank);
      const login = await visitor.open('/access');
      return { visitor, page: await visitor.submit(login, 'sign-in', who) };
    };
    const [{ visitor, page }, stranger] = [await open(daniel), await open(amelia)];
    expect(page.text.match(/End the access of/g)).toHaveLength(1);
    const said = textOf(page.text);
    expect(said).toMatch(/Budget It knows Your email address Since [\d\w ]+ Until \d+/);
    const [, end = ''] = /action="(\/access\/[^"]+\/end)"/.exec(page.text) ?? [];
    const csrf = ({ text }: { text: string }) =>
      /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
    await stranger.visitor.open(end, { csrf: csrf(stranger.page) });
    await visitor.open(end, { csrf: 'another' });
    const refresh = async (index: number) =>
      openid.refreshTokenGrant(config, kept[index]?.refresh_token ?? '');
    expect(await refresh(0)).toHaveProperty('access_token');

    const ended = textOf((await visitor.open(end, { csrf: csrf(page) })).text);
    expect(ended).toContain('No app sees your data.');
    for (const index of [0, 1]) {
      await expect(refresh(index)).rejects.toMatchObject({ error: 'invalid_grant' });
    }
    const again = await browsers[0]?.open(authorizeUrl({ prompt: 'none' }));
    expect(again && answerOf(again.url)).toMatchObject({ error: 'consent_required' });
  });

  test('single claims are told where they are asked for, also of the ID token', async () => {
    const config = await signOn.configure();
    const claims = { userinfo: { email: { essential: true } }, id_token: { name: null } };
    const url = authorizeUrl({ scope: 'openid', claims: JSON.stringify(claims) });
    const tokens = await openid.authorizationCodeGrant(
      config,
      await goThrough(openPerson(bank), url),
      { expectedNonce: 'n', expectedState: 's' },
    );
    expect(tokens.claims()).toMatchObject({ name: 'Amelia Hart' });
    const info = await openid.fetchUserInfo(config, tokens.access_token, openid.skipSubjectCheck);
    expect(info).toMatchObject({ email: 'amelia@people.example' });
    expect(info).not.toHaveProperty('name');
  });

  test.each([
    ['another secret', { client_secret: 'wrong-secret-that-is-long-enough-too' }],
    ['no secret', {}],
  ])('a code is not redeemed with %s', async (_name, credentials) => {
    const returned = await goThrough(openPerson(bank), authorizeUrl({ client_id: 'second' }));
    const response = await bank.fetch('/oidc/token', {
      method: 'POST',
      body: new URLSearchParams({
        client_id: 'second',
        grant_type: 'authorization_code',
        redirect_uri: redirectUri,
        code: answerOf(returned).code ?? '',
        ...credentials,
      }),
    });
    expect(response.status).toBe(401);
  });
});

describe('implicit and hybrid', () => {
  test.each([
    ['id_token', []],
    ['id_token token', ['at_hash']],
    ['code id_token', ['c_hash']],
    ['code id_token token', ['at_hash', 'c_hash']],
  ])('%s comes back in the fragment with the hashes of what is beside it', async (type, hashes) => {
    const returned = await goThrough(openPerson(bank), authorizeUrl({ response_type: type }));
    expect(returned.search).toBe('');
    const answer = answerOf(returned);
    const { payload } = await jwtVerify(answer.id_token ?? '', signOn.published, {
      audience: 'app',
    });
    expect(payload).toMatchObject({ nonce: 'n', sub: expect.any(String) });
    expect(
      Object.keys(payload)
        .filter((name) => name.endsWith('_hash'))
        .sort(),
    ).toEqual(hashes);
    if (answer.code) expect(payload.c_hash).toBe(halfHash(answer.code));
    if (answer.access_token) expect(payload.at_hash).toBe(halfHash(answer.access_token));
    // Nothing else could tell what was asked for.
    expect('email' in payload).toBe(type === 'id_token');
  });

  test('code token leaves the ID token to the token endpoint', async () => {
    const returned = await goThrough(
      openPerson(bank),
      authorizeUrl({ response_type: 'code token' }),
    );
    const answer = answerOf(returned);
    expect(Object.keys(answer).sort()).toEqual(
      expect.arrayContaining(['access_token', 'code', 'token_type']),
    );
    expect(answer).not.toHaveProperty('id_token');
  });

  test('an ID token without a nonce is refused', async () => {
    const url = authorizeUrl({ response_type: 'id_token', nonce: '' }).replace('&nonce=', '');
    const { url: returned } = await openPerson(bank).open(url);
    expect(answerOf(returned).error).toBe('invalid_request');
  });
});

describe('what an application may not', () => {
  test.each([
    ['see accounts', { scope: 'openid accounts' }, 'invalid_scope'],
    ['name a resource', { resource: 'https://elsewhere.example/' }, 'invalid_target'],
    [
      'send a request by reference',
      { request_uri: 'https://app.example/r' },
      'request_uri_not_supported',
    ],
    ['register itself on the way', { registration: '{}' }, 'registration_not_supported'],
  ])('%s', async (_name, change, error) => {
    const { url } = await openPerson(bank).open(authorizeUrl(change));
    expect(answerOf(url).error).toBe(error);
  });

  test('call a bank’s API with what it has', async () => {
    const { access_token } = answerOf(
      await goThrough(openPerson(bank), authorizeUrl({ response_type: 'id_token token' })),
    );
    const response = await bank.fetch('/open-banking/v3.1/aisp/accounts', {
      headers: { authorization: `Bearer ${access_token}` },
    });
    expect(response.status).toBe(401);
  });

  test('call any resource that tokens must be for: its own are for none (SEC-42)', async () => {
    const { access_token: token = '' } = answerOf(
      await goThrough(openPerson(bank), authorizeUrl({ response_type: 'id_token token' })),
    );
    const config = await signOn.configure();
    const anyTokens = createIntrospectedTokens(config);
    expect(await anyTokens.read(token)).toMatchObject({ clientId: 'app' });
    const cards = createIntrospectedTokens(config, {
      audience: 'https://cards.bank.example/api',
    });
    expect(await cards.read(token)).toBeUndefined();
  });

  test.each([
    ['accounts', { scope: 'openid accounts' }],
    ['a frame elsewhere', { frontchannel_logout_uri: 'https://elsewhere.example/' }],
    ['plain http', { redirect_uris: ['http://app.example/callback'] }],
  ])('be registered with %s', async (_name, change) => {
    const metadata = {
      client_id: 'new',
      profile: 'openid-connect',
      client_secret: secret,
      redirect_uris: [redirectUri],
    };
    await expect(bank.provider.Client.validate(metadata)).resolves.toBeUndefined();
    await expect(bank.provider.Client.validate({ ...metadata, ...change })).rejects.toMatchObject({
      error: expect.stringMatching(/^invalid_(client_metadata|redirect_uri)$/),
    });
  });
});

test('discovery announces what is there', async () => {
  const response = await bank.fetch('/oidc/.well-known/openid-configuration');
  expect(await response.json()).toMatchObject({
    userinfo_endpoint: `${bank.issuer}/userinfo`,
    end_session_endpoint: `${bank.issuer}/session/end`,
    backchannel_logout_supported: true,
    frontchannel_logout_supported: true,
    response_types_supported: expect.arrayContaining(['code', 'id_token token', 'code token']),
    scopes_supported: expect.arrayContaining(['openid', 'profile', 'email', 'accounts']),
    claims_supported: expect.arrayContaining(['sub', 'name', 'email', 'phone_number']),
    token_endpoint_auth_methods_supported: expect.arrayContaining(['client_secret_post']),
  });
});
