import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Koa from 'koa';
import * as openid from 'openid-client';
import { createResource } from '../../resource/create-resource.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import {
  amelia,
  codeOn,
  openClient,
  registration,
  sharing,
  sharingStrongly,
  type Walk,
} from './support/open-client.js';
import { openPerson } from './support/start-bank.js';

const ca = 'urn:openbanking:psd2:ca';
const sca = 'urn:openbanking:psd2:sca';
const noah = { login: 'noah', password: 'quiet-orchard-08' };

const clock = createMovingClock();
let bank: RunningAssent;
let tpp: Awaited<ReturnType<typeof openClient>>;
let server: Server;
let origin: string;

beforeAll(async () => {
  const scope = 'openid accounts';
  bank = await startAssent(
    {
      role: 'bank',
      clients: [
        registration('tpp', { scope }),
        registration('careful', { scope, default_acr_values: [sca], require_auth_time: true }),
        registration('recent', { scope, default_max_age: 30 }),
        registration('api', { resource_server: true, response_types: [], redirect_uris: [] }),
      ],
    },
    { ledger: createDemoLedger({ clock }), clock },
  );
  tpp = await openClient(bank, 'tpp');
  await startApi();
});

afterAll(async () => {
  server?.close();
  await bank?.stop();
});

/** A bank's own API that wants the customer to have been authenticated strongly, and lately. */
async function startApi(): Promise<void> {
  const { certificate, key } = await bank.authority.server('payments');
  server = createServer({
    cert: await readFile(certificate),
    key: await readFile(key),
    requestCert: true,
    rejectUnauthorized: false,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  const { configuration: issuer } = await openClient(bank, 'api');
  const now = () => clock.now();
  const { koa } = createResource({
    issuer,
    origin,
    audience: `${bank.configuration.publicUrl}/`,
    now,
  });
  const application = new Koa();
  application.use(koa({ scopes: ['accounts'], acrValues: [sca], maxAge: 300 }));
  application.use((ctx) => {
    ctx.body = { subject: ctx.state.token.subject };
  });
  server.on('request', application.callback());
}

async function ask(accessToken: string) {
  const answer = await tpp.send(`${origin}/payments`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  await answer.arrayBuffer();
  const challenge = answer.headers.get('www-authenticate') ?? '';
  return {
    status: answer.status,
    error: /error="([^"]*)"/.exec(challenge)?.[1],
    acr_values: /acr_values="([^"]*)"/.exec(challenge)?.[1],
    max_age: /max_age="([^"]*)"/.exec(challenge)?.[1],
  };
}

/** The tokens of a visit. */
async function connect(walk: Walk, parameters: Record<string, string> = {}, client = tpp) {
  const { claims } = await client.forNewIntent();
  return client.redeem(await client.visit(walk, { claims, ...parameters }));
}

describe('RFC 9470 from end to end', () => {
  test('SEC-21 a challenge, a new authorization as it asks, and access until it is too old', async () => {
    const weak = await connect(sharing());
    expect(weak.claims()?.acr).toBeUndefined();
    const challenged = await ask(weak.access_token);
    expect(challenged).toEqual({
      status: 401,
      error: 'insufficient_user_authentication',
      acr_values: sca,
      max_age: undefined,
    });

    const { acr_values = '' } = challenged;
    const strong = await connect(sharingStrongly(), { acr_values });
    expect(strong.claims()).toMatchObject({ acr: sca });
    expect(await ask(strong.access_token)).toMatchObject({ status: 200 });
    const introspected = await openid.tokenIntrospection(tpp.configuration, strong.access_token);
    expect(introspected).toMatchObject({ acr: sca, auth_time: expect.any(Number) });

    clock.advance(301);
    expect(await ask(strong.access_token)).toMatchObject({
      status: 401,
      error: 'insufficient_user_authentication',
      max_age: '300',
    });
    // A new access token is not a new authentication.
    const refreshed = await openid.refreshTokenGrant(tpp.configuration, strong.refresh_token ?? '');
    expect(await ask(refreshed.access_token)).toMatchObject({ status: 401, max_age: '300' });
    const again = await connect(sharingStrongly(), { acr_values, max_age: '300' });
    expect(again.claims()?.auth_time).toEqual(expect.any(Number));
    expect(await ask(again.access_token)).toMatchObject({ status: 200 });
  });

  test('auth_time is when the customer proved who they are, and not when they came back', async () => {
    const before = Math.floor(clock.now() / 1000);
    const tokens = await connect(
      async (person, page) => {
        const choice = await person.submit(page, 'login', amelia);
        clock.advance(200);
        return person.submit(choice, 'accounts', { account: ['22289'], decision: 'allow' });
      },
      { max_age: '0' },
    );
    const { auth_time: at } = tokens.claims() ?? {};
    expect(Number(at) - before).toBeLessThan(100);
  });
});

test('a refresh token opens no API, and no resource is told anything of it', async () => {
  const tokens = await connect(sharing());
  const refreshToken = tokens.refresh_token ?? '';
  expect(await ask(refreshToken)).toMatchObject({ status: 401, error: 'invalid_token' });
  const { configuration: api } = await openClient(bank, 'api');
  expect(await openid.tokenIntrospection(api, refreshToken)).toEqual({ active: false });
  // The client itself may ask (RFC 7662 §2.1).
  expect(await openid.tokenIntrospection(tpp.configuration, refreshToken)).toMatchObject({
    active: true,
  });
});

describe('what a request may ask for', () => {
  test.each([
    ['nothing', {}, undefined],
    ['password alone', { acr_values: ca }, ca],
    ['either, rather the weaker', { acr_values: `${ca} ${sca}` }, ca],
    ['something unknown, or the password', { acr_values: `urn:unknown ${ca}` }, ca],
  ])('%s: the password is enough', async (_what, parameters, acr) => {
    const tokens = await connect(sharing(), parameters);
    expect(tokens.claims()?.acr).toBe(acr);
  });

  test.each([
    ['acr_values', { acr_values: sca }],
    ['either, rather the stronger', { acr_values: `${sca} ${ca}` }],
  ])('%s: the phone too', async (_what, parameters) => {
    expect((await connect(sharingStrongly(), parameters)).claims()?.acr).toBe(sca);
  });

  test.each([
    ['an essential value', { essential: true, value: sca }],
    ['essential values', { essential: true, values: [sca, ca] }],
    ['a voluntary one', { values: [sca] }],
  ])('%s in the claims: the phone too', async (_what, acr) => {
    const { claims } = await tpp.forNewIntent({ acr });
    const tokens = await tpp.redeem(await tpp.visit(sharingStrongly(), { claims }));
    expect(tokens.claims()?.acr).toBe(sca);
  });

  test('registered defaults count where a request says nothing', async () => {
    const careful = await openClient(bank, 'careful');
    const tokens = await connect(sharingStrongly(), {}, careful);
    expect(tokens.claims()).toMatchObject({ acr: sca, auth_time: expect.any(Number) });
    const recent = await openClient(bank, 'recent');
    expect((await connect(sharing(), {}, recent)).claims()?.auth_time).toEqual(expect.any(Number));
  });

  test('what nobody offers ends before anyone signs in', async () => {
    const { claims: plain } = await tpp.forNewIntent();
    const acr = { essential: true, value: 'phr' };
    const requests = [
      { claims: plain, acr_values: 'urn:mace:incommon:iap:silver' },
      await tpp.forNewIntent({ acr }),
    ];
    for (const request of requests) {
      const { url } = await openPerson(bank).open(await tpp.push(request));
      expect(Object.fromEntries(url.searchParams)).toMatchObject({
        error: 'unmet_authentication_requirements',
        state: 'the-state',
        iss: bank.issuer,
      });
    }
  });

  test('a customer without a phone gets the next best that was asked for, or none', async () => {
    const signIn: Walk = (person, page) => person.submit(page, 'login', noah);
    const { claims } = await tpp.forNewIntent();
    const back = await tpp.visit(signIn, { claims, acr_values: sca });
    expect(back.searchParams.get('error')).toBe('unmet_authentication_requirements');
    const person = openPerson(bank);
    const page = await person.open(await tpp.push({ claims, acr_values: `${sca} ${ca}` }));
    expect((await person.submit(page, 'login', noah)).text).toContain('no accounts to share');
  });
});

describe('the code', () => {
  async function arrive() {
    const person = openPerson(bank);
    const { claims } = await tpp.forNewIntent();
    const page = await person.open(await tpp.push({ claims, acr_values: sca }));
    return { person, asked: await person.submit(page, 'login', amelia) };
  }

  test('says what it is for, is asked for until it is right, and works once', async () => {
    const { person, asked } = await arrive();
    expect(asked.text).toContain('your phone ending in 142');
    expect(asked.text).toContain('for The tpp to ask to see data from your accounts');
    // Knowing the password alone opens nothing, by whichever address.
    const path = asked.url.pathname.split('/').slice(0, 3).join('/');
    const csrf = /name="csrf" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
    const skipped = await person.open(`${path}/accounts`, {
      csrf,
      account: '22289',
      decision: 'allow',
    });
    expect(skipped.text).toContain('Enter the code');

    const wrong = codeOn(asked) === '000000' ? '111111' : '000000';
    const refused = await person.submit(asked, 'code', { code: wrong });
    expect([refused.status, refused.text]).toEqual([401, expect.stringContaining('not the code')]);
    expect((await person.submit(asked, 'code', { code: ' ' })).status).toBe(400);

    const renewed = await person.submit(asked, 'new-code');
    expect(codeOn(renewed)).not.toBe(codeOn(asked));
    expect((await person.submit(renewed, 'code', { code: codeOn(asked) })).status).toBe(401);
    const choice = await person.submit(renewed, 'code', { code: ` ${codeOn(renewed)} ` });
    expect(choice.text).toContain('Everyday');

    const other = await arrive();
    const reused = await other.person.submit(other.asked, 'code', { code: codeOn(renewed) });
    expect(reused.status).toBe(401);
  });

  test('cannot be guessed, nor asked for without end', async () => {
    clock.advance(16 * 60);
    const { person, asked } = await arrive();
    const right = codeOn(asked);
    const wrong = right === '000000' ? '111111' : '000000';
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      statuses.push((await person.submit(asked, 'code', { code: wrong })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401]);
    expect((await person.submit(asked, 'code', { code: right })).status).toBe(429);
    for (let sent = 1; sent < 5; sent += 1) await person.submit(asked, 'new-code');
    expect((await person.submit(asked, 'new-code')).status).toBe(429);
    clock.advance(16 * 60);
    const later = await arrive();
    const code = codeOn(later.asked);
    expect((await later.person.submit(later.asked, 'code', { code })).text).toContain('Everyday');
  });

  test('is too old after five minutes', async () => {
    clock.advance(16 * 60);
    const { person, asked } = await arrive();
    clock.advance(301);
    expect((await person.submit(asked, 'code', { code: codeOn(asked) })).status).toBe(401);
  });
});
