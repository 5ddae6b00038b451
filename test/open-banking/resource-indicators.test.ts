import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { checkSettings } from '../../config/check-settings.js';
import { systemClock } from '../../core/clock.js';
import { createIntrospectedTokens } from '../../resource/introspected-tokens.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { openClient, registration, sharing } from './support/open-client.js';
import { openPerson } from './support/start-bank.js';

const cards = 'https://cards.bank.example/api';
const rewards = 'https://rewards.bank.example/';

let bank: RunningAssent;
let own: string;
let tpp: Awaited<ReturnType<typeof openClient>>;

beforeAll(async () => {
  bank = await startAssent(
    {
      role: 'bank',
      resources: [
        {
          identifier: cards,
          name: 'Northbank Cards',
          scopes: { 'cards:read': 'See your cards', 'cards:block': 'Block a card' },
        },
        { identifier: rewards, name: 'Rewards', scopes: { points: 'See your points' } },
      ],
      clients: [
        registration('tpp'),
        registration('narrow', { audience: [cards] }),
        registration('own-api', { resource_server: true, response_types: [], redirect_uris: [] }),
        registration('cards-api', {
          resource_server: true,
          audience: [cards],
          response_types: [],
          redirect_uris: [],
        }),
      ],
    },
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
  own = `${bank.configuration.publicUrl}/`;
  tpp = await openClient(bank, 'tpp');
});

afterAll(() => bank?.stop());

const inspect = (token: string, client = tpp) =>
  openid.tokenIntrospection(client.configuration, token);

/** A visit that asks for our own API and for the cards. */
async function connect(parameters: Record<string, string> = {}) {
  const { claims } = await tpp.forNewIntent();
  const url = new URL(await tpp.push({ claims, ...parameters }));
  const person = openPerson(bank);
  return { back: (await sharing()(person, await person.open(url.href))).url };
}

describe('client_credentials', () => {
  test('are for our own API by default, and for a named resource with its own scopes', async () => {
    const plain = await openid.clientCredentialsGrant(tpp.configuration, { scope: 'accounts' });
    expect(await inspect(plain.access_token)).toMatchObject({ aud: own, scope: 'accounts' });
    const named = await openid.clientCredentialsGrant(tpp.configuration, {
      scope: 'cards:read accounts',
      resource: cards,
    });
    expect(await inspect(named.access_token)).toMatchObject({ aud: cards, scope: 'cards:read' });
  });

  test.each([
    ['an unknown one', 'https://elsewhere.example/'],
    ['one without the path', 'https://cards.bank.example/'],
    ['one with a fragment', `${cards}#all`],
    ['no URL', 'cards'],
  ])('%s is invalid_target', async (_what, resource) => {
    const asked = openid.clientCredentialsGrant(tpp.configuration, { resource });
    await expect(asked).rejects.toMatchObject({ error: 'invalid_target' });
  });

  test('a client that is registered for certain resources gets no other', async () => {
    const narrow = await openClient(bank, 'narrow');
    const grant = (parameters: Record<string, string>) =>
      openid.clientCredentialsGrant(narrow.configuration, parameters);
    expect(await grant({ resource: cards })).toHaveProperty('access_token');
    for (const parameters of [{}, { resource: rewards }, { resource: own }]) {
      await expect(grant(parameters)).rejects.toMatchObject({ error: 'invalid_target' });
    }
  });
});

describe('with a customer', () => {
  test('the page says what else is agreed to, and each token is for one resource', async () => {
    const { claims } = await tpp.forNewIntent();
    const parameters = new URLSearchParams({
      ...tpp.request({ claims, scope: 'openid accounts cards:read points' }),
      client_id: 'tpp',
      response_type: 'code',
    });
    for (const resource of [own, cards, rewards]) parameters.append('resource', resource);
    const pushed = await tpp.send(`${bank.configuration.mtlsUrl}/oidc/request`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: parameters.toString(),
    });
    const { request_uri } = (await pushed.json()) as { request_uri: string };
    const person = openPerson(bank);
    const query = new URLSearchParams({ client_id: 'tpp', request_uri });
    const page = await person.open(`/oidc/auth?${query}`);
    const choice = await person.submit(page, 'login', {
      login: 'amelia',
      password: 'harbour-lantern-42',
    });
    expect(choice.text).toContain('Northbank Cards');
    expect(choice.text).toContain('See your cards');
    expect(choice.text).toContain('See your points');
    expect(choice.text).not.toContain('Block a card');
    expect(choice.text).not.toContain('It can only look');
    const { url } = await person.submit(choice, 'accounts', {
      account: ['22289'],
      decision: 'allow',
    });
    const tokens = await tpp.redeem(url);
    expect(await inspect(tokens.access_token)).toMatchObject({
      aud: own,
      scope: 'openid accounts',
    });
    const refresh = (resource: string) =>
      openid.refreshTokenGrant(tpp.configuration, tokens.refresh_token ?? '', { resource });
    const forCards = await refresh(cards);
    expect(await inspect(forCards.access_token)).toMatchObject({
      aud: cards,
      scope: 'cards:read',
      sub: 'cust-5e1d0c27',
    });
    await expect(refresh('https://elsewhere.example/')).rejects.toMatchObject({
      error: 'invalid_target',
    });
    expect((await tpp.read(tokens.access_token)).status).toBe(200);

    // SEC-42: a token for one resource is of no use at another.
    expect((await tpp.read(forCards.access_token)).status).toBe(401);
    const api = await openClient(bank, 'cards-api');
    const atCards = createIntrospectedTokens(api.configuration, { audience: cards });
    expect(await atCards.read(forCards.access_token)).toMatchObject({ clientId: 'tpp' });
    const forRewards = await refresh(rewards);
    expect(await atCards.read(tokens.access_token)).toBeUndefined();
    expect(await atCards.read(forRewards.access_token)).toBeUndefined();

    // RFC 9701 §5: whoever it is not for is not told what it is, not even that it is one.
    for (const { access_token: token } of [tokens, forRewards]) {
      expect(await inspect(token, api)).toEqual({ active: false });
    }
    const ownApi = await openClient(bank, 'own-api');
    expect(await inspect(tokens.access_token, ownApi)).toMatchObject({ active: true, aud: own });
    for (const { access_token: token } of [forCards, forRewards]) {
      expect(await inspect(token, ownApi)).toEqual({ active: false });
    }
  });

  test('a resource that was not agreed to cannot be had afterwards', async () => {
    const { back } = await connect();
    const asked = tpp.redeem(back, { resource: cards });
    await expect(asked).rejects.toMatchObject({ error: 'invalid_target' });
  });

  test('an unknown one is refused when the request is pushed', async () => {
    await expect(tpp.push({ resource: 'https://elsewhere.example/' })).rejects.toMatchObject({
      error: 'invalid_target',
    });
  });
});

test('an issuer that does not answer is no fault of the caller', async () => {
  const stranger = await openClient(bank, 'stranger');
  const asked = createIntrospectedTokens(stranger.configuration).read('a-token');
  await expect(asked).rejects.toThrow('The issuer does not say');
  await expect(asked).rejects.toMatchObject({ status: 503 });
});

test('an identity service has its one resource', async () => {
  const settings = { resources: [{ identifier: cards, name: 'Cards', scopes: {} }] };

  const role = 'identity-service' as const;
  expect(checkSettings({ role, ...settings }, false)).toEqual([
    expect.stringContaining('resources: found some'),
  ]);
  const twice = [...settings.resources, ...settings.resources];
  expect(checkSettings({ role: 'bank', resources: twice }, false)).toEqual([
    expect.stringContaining('resources.1.identifier'),
  ]);
});
