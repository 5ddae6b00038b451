import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import * as openid from 'openid-client';
import { type ClientRecord, clients } from '../../core/clients.js';
import { explanations } from '../../core/explanation.js';
import { intents } from '../../core/intent.js';
import { put } from '../../core/storage.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { textOf } from '../security/support/visitor.js';
import { createClientKeys } from '../support/client-keys.js';
import { eventually } from '../support/eventually.js';
import { createDpopKey, createFapiClient, readReturn } from '../support/fapi-client.js';
import { startAssent } from '../support/start-assent.js';
import {
  amelia,
  openClient,
  redirectUri,
  registration,
  sharing,
  type Walk,
} from './support/open-client.js';
import { openPerson, readRecord } from './support/start-bank.js';

const clock = createMovingClock();
const other = 'https://payments.bank.example/';

let bank: Awaited<ReturnType<typeof start>>;

async function start() {
  const types = { authorization_details_types: ['account_information'] };
  const keys = await createClientKeys('ES256');
  const assent = await startAssent(
    {
      role: 'bank',
      resources: [{ identifier: other, name: 'Payments', scopes: { payments: 'Make payments' } }],
      clients: [
        registration('tpp', types),
        registration('rival', types),
        registration('pairwise', { subject_type: 'pairwise' }),
        {
          ...registration('prover'),
          token_endpoint_auth_method: 'private_key_jwt',
          tls_client_auth_subject_dn: undefined,
          tls_client_certificate_bound_access_tokens: false,
          dpop_bound_access_tokens: true,
          jwks: { keys: [keys.publicJwk] },
        },
        { ...registration('bank-api'), resource_server: true },
      ],
    },
    { ledger: createDemoLedger({ clock }), clock },
  );
  return {
    ...assent,
    clientKeys: keys,
    tpp: await openClient(assent, 'tpp'),
    rival: await openClient(assent, 'rival'),
    pairwise: await openClient(assent, 'pairwise'),
    api: await openClient(assent, 'bank-api'),
  };
}

beforeAll(async () => {
  bank = await start();
});
afterAll(() => bank?.stop());

/** Signs in, and lets the client know who it is. */
const beingKnown: Walk = async (person, page) => {
  const asked = await person.submit(page, 'login', amelia);
  return person.submit(asked, 'consent', { decision: 'allow' });
};

async function connect(parameters: Record<string, string> = {}, walk = sharing()) {
  return bank.tpp.redeem(await bank.tpp.visit(walk, parameters));
}

const daniel = { login: 'daniel', password: 'copper-meadow-17' };

const errorOf = (url: URL) => readReturn(url.href).error;

/** What the store has of the intents of a customer. */
async function intentsOf(customer: string) {
  const { records } = await bank.storage.find(intents, {
    index: 'customer',
    equals: customer,
    limit: 1000,
  });
  return records.map(({ value }) => value);
}

async function accountIds(accessToken: string): Promise<unknown[]> {
  const { body } = await bank.tpp.read(accessToken);
  const { Account } = readRecord(body.Data);
  return Array.isArray(Account) ? Account.map((account) => readRecord(account).AccountId) : [];
}

async function ownRead(path: string, method = 'GET') {
  const { configuration, send } = bank.tpp;
  const own = await openid.clientCredentialsGrant(configuration, { scope: 'accounts' });
  const answer = await send(`${bank.configuration.mtlsUrl}/open-banking/v3.1/aisp${path}`, {
    method,
    headers: { authorization: `Bearer ${own.access_token}` },
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : readRecord(JSON.parse(text)) };
}

async function introspect(token: string) {
  return openid.tokenIntrospection(bank.api.configuration, token);
}

const userinfoUrl = () => `${bank.configuration.mtlsUrl}/oidc/userinfo`;

async function readUserInfo(token: string, send = bank.tpp.send, headers = {}) {
  const answer = await send(userinfoUrl(), {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

describe('accounts without an intent', () => {
  test('the person chooses on plain terms, and the yes makes the intent', async () => {
    let seen = '';
    const tokens = await connect({}, async (person, page) => {
      expect(page.text).toContain('asks to see data from your accounts.');
      const choice = await person.submit(page, 'login', amelia);
      seen = choice.text;
      return person.submit(choice, 'accounts', { account: ['22289'], decision: 'allow' });
    });
    expect(seen).toContain('How much is in each account');
    expect(seen).not.toMatch(/transactions|How far back/);
    expect(seen).toContain('Apps that see your data');
    expect(tokens.scope?.split(' ').sort()).toEqual(['accounts', 'openid']);
    expect(await accountIds(tokens.access_token)).toEqual(['22289']);
    const facts = await introspect(tokens.access_token);
    expect(facts).toMatchObject({ active: true, scope: 'openid accounts' });
    const { body } = await ownRead(`/account-access-consents/${facts.openbanking_intent_id}`);
    expect(readRecord(body.Data).Status).toBe('Authorised');
  });

  test('tells the id of the intent to a client that asks for the claim', async () => {
    const claims = JSON.stringify({
      id_token: { openbanking_intent_id: null },
      userinfo: { openbanking_intent_id: { essential: true } },
    });
    const tokens = await connect({ claims });
    const { openbanking_intent_id: id, sub } = decodeJwt(String(tokens.id_token));
    expect(id).toEqual(expect.any(String));
    const { status, body } = await ownRead(`/account-access-consents/${id}`);
    expect(status).toBe(200);
    expect(readRecord(body.Data)).toMatchObject({
      Status: 'Authorised',
      Permissions: ['ReadAccountsDetail', 'ReadBalances'],
      ExpirationDateTime: expect.any(String),
    });
    expect((await readUserInfo(tokens.access_token)).body).toEqual({
      sub,
      openbanking_intent_id: id,
    });

    expect((await ownRead(`/account-access-consents/${id}`, 'DELETE')).status).toBe(204);
    expect((await bank.tpp.read(tokens.access_token)).status).toBe(401);
    expect((await readUserInfo(tokens.access_token)).status).toBe(401);
    const refreshed = openid.refreshTokenGrant(
      bank.tpp.configuration,
      String(tokens.refresh_token),
    );
    await expect(refreshed).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test('works without OpenID Connect', async () => {
    const url = await bank.tpp.visit(sharing(['31820']), { scope: 'accounts' });
    const tokens = await openid.authorizationCodeGrant(bank.tpp.configuration, url, {
      pkceCodeVerifier: bank.tpp.verifier,
      expectedState: 'the-state',
    });
    expect(tokens).not.toHaveProperty('id_token');
    expect(tokens.scope).toBe('accounts');
    expect(await accountIds(tokens.access_token)).toEqual(['31820']);
    expect((await readUserInfo(tokens.access_token)).status).toBe(403);
  });

  test('its customer ends it at /access', async () => {
    const tokens = await connect();
    const person = openPerson(bank);
    const login = await person.open('/access');
    const csrf = ({ text }: { text: string }) =>
      /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
    const page = await person.open('/access/sign-in', { csrf: csrf(login), ...amelia });
    const ends = [...page.text.matchAll(/action="(\/access\/[^"]+\/end)"/g)].map(
      ([, path]) => path,
    );
    expect(ends.length).toBeGreaterThan(0);
    // A form that comes after the visit has ended leads by another sign-in to the page it was on.
    clock.advance(15 * 60 + 1);
    const again = await person.open(String(ends[0]), { csrf: csrf(page) });
    expect(again.text).toContain('action="/access/sign-in"');
    const signedIn = await person.open('/access/sign-in', { csrf: csrf(again), ...amelia });
    expect(signedIn.text).toContain(`action="${ends[0]}"`);
    expect((await bank.tpp.read(tokens.access_token)).status).toBe(200);
    for (const path of ends) await person.open(String(path), { csrf: csrf(signedIn) });
    expect((await bank.tpp.read(tokens.access_token)).status).toBe(401);
  });

  test.each([
    ['login', (async (person, page) => person.submit(page, 'cancel')) satisfies Walk],
    [
      'accounts',
      (async (person, page) => {
        const choice = await person.submit(page, 'login', amelia);
        return person.submit(choice, 'accounts', { account: ['22289'], decision: 'refuse' });
      }) satisfies Walk,
    ],
  ])('a no at %s leaves nothing behind', async (_step, walk) => {
    const { sub } = decodeJwt(String((await connect()).id_token));
    const before = await intentsOf(String(sub));
    expect(before.length).toBeGreaterThan(0);
    expect(errorOf(await bank.tpp.visit(walk))).toBe('access_denied');
    expect(await intentsOf(String(sub))).toEqual(before);
  });

  const detail = { type: 'account_information', actions: ['list_accounts'] };
  const asking = { authorization_details: JSON.stringify([detail]) };
  test.each([
    ['agree to accounts', {}, 'accounts', 'allow'],
    ['agree to details', asking, 'details', 'allow'],
    ['decide differently on accounts', {}, 'accounts', 'refuse'],
    ['decide differently on details', asking, 'details', 'refuse'],
  ])('of two tabs that %s at once, one counts', async (_name, parameters, step, second) => {
    const customer = decodeJwt(String((await connect()).id_token)).sub ?? '';
    const before = (await intentsOf(customer)).length;
    expect(before).toBeGreaterThan(0);
    const person = openPerson(bank);
    const login = await person.open(await bank.tpp.push(parameters));
    const choice = await person.submit(login, 'login', amelia);
    const decide = (decision: string) =>
      person.submit(choice, step, { account: '22289', 'account-0': '22289', decision });
    const ends = await Promise.all([decide('allow'), decide(second)]);
    const codes = ends.filter(({ url }) => url.searchParams.has('code'));
    const refusals = ends.filter(({ url }) => url.searchParams.get('error') === 'access_denied');
    // The tab that lost is led to where the other's decision leads, or told that it came too late.
    const isAgreed = codes.length > 0;
    expect(isAgreed).toBe(refusals.length === 0);
    expect(await intentsOf(customer)).toHaveLength(isAgreed ? before + 1 : before);
  });

  describe('a client that names the person gets the yes of nobody else (OpenID Connect Core §3.1.2.1, §5.5.1)', () => {
    const namings: [string, (idToken: string) => Record<string, string>][] = [
      ['id_token_hint', (idToken) => ({ id_token_hint: idToken })],
      [
        'the claim sub',
        (idToken) => {
          const sub = { value: decodeJwt(idToken).sub };
          return { claims: JSON.stringify({ id_token: { sub } }) };
        },
      ],
    ];
    const clientNames = ['tpp', 'pairwise'] as const;
    test.each(
      clientNames.flatMap((name) => namings.map(([by, naming]) => [name, by, naming] as const)),
    )('%s, by %s', async (name, _by, naming) => {
      const client = bank[name];
      const known = await client.redeem(await client.visit(sharing()));
      const parameters = naming(String(known.id_token));
      expect(await client.redeem(await client.visit(sharing(), parameters))).toBeDefined();
      const signedIn: Walk = (person, page) => person.submit(page, 'login', daniel);
      expect(errorOf(await client.visit(signedIn, parameters))).toBe('login_required');
    });
  });

  describe('of two browsers with one request_uri, only the first yes counts (SEC-07)', () => {
    /** Both are at the choice of accounts before either decides. */
    async function decideInTurn(url: string, first: [object, string], second: [object, string]) {
      const decisions = [];
      for (const [who, account] of [first, second]) {
        const person = openPerson(bank);
        const choice = await person.submit(await person.open(url), 'login', { ...who });
        const decision = { account, 'account-0': account, decision: 'allow' };
        const step = choice.text.includes('/details"') ? 'details' : 'accounts';
        decisions.push(async () => (await person.submit(choice, step, decision)).url);
      }
      const ends = [];
      for (const decide of decisions) ends.push(await decide());
      const [back, late] = ends;
      if (!back || !late) throw new TypeError('both decided');
      const tokens = await bank.tpp.redeem(back);
      expect(errorOf(late)).toBe('invalid_request_uri');
      return tokens.access_token;
    }

    test('and the other person has granted nothing', async () => {
      const own = await connect({}, sharing(['58104'], daniel));
      const customer = String(decodeJwt(String(own.id_token)).sub);
      const before = await intentsOf(customer);
      expect(before.length).toBeGreaterThan(0);
      await decideInTurn(await bank.tpp.push(), [amelia, '22289'], [daniel, '58104']);
      expect(await intentsOf(customer)).toEqual(before);
    });

    test.each([
      ['an intent', () => bank.tpp.forNewIntent()],
      ['details that replace others', replacing],
    ])('and what was granted stays as it was: %s', async (_what, ask) => {
      const url = await bank.tpp.push(await ask());
      const token = await decideInTurn(url, [amelia, '22289'], [amelia, '31820']);
      expect(await accountIds(token)).toEqual(['22289']);
    });

    async function replacing(): Promise<Record<string, string>> {
      const create = { ...asking, grant_management_action: 'create' };
      const walk: Walk = async (person, page) => {
        const choice = await person.submit(page, 'login', amelia);
        return person.submit(choice, 'details', { 'account-0': '47751', decision: 'allow' });
      };
      const { grant_id: id } = await connect(create, walk);
      return { ...asking, grant_management_action: 'replace', grant_id: String(id) };
    }
  });

  test('no account chosen, or one of somebody else, asks again', async () => {
    const person = openPerson(bank);
    const login = await person.open(await bank.tpp.push());
    const choice = await person.submit(login, 'login', amelia);
    for (const account of [[], ['60233']]) {
      const again = await person.submit(choice, 'accounts', { account, decision: 'allow' });
      expect(again.status).toBe(400);
      expect(again.text).toContain('Choose at least one account');
    }
  });

  test.each([
    ['what cannot be an intent', { value: 7 }],
    ['a name that is too long', { value: 'x'.repeat(129) }],
    ['none at all', { value: '' }],
    ['several', { values: [randomUUID()] }],
  ])('is refused when it is pushed where the claim names %s', async (_name, request) => {
    for (const place of ['id_token', 'userinfo']) {
      const claims = JSON.stringify({ [place]: { openbanking_intent_id: request } });
      await expect(bank.tpp.push({ claims })).rejects.toMatchObject({
        error: 'invalid_request',
        status: 400,
      });
    }
  });

  test('is not what is asked where the claim names an intent that nobody has', async () => {
    const claims = JSON.stringify({
      id_token: { openbanking_intent_id: { value: randomUUID() } },
    });
    const url = await bank.tpp.visit(async (_person, page) => page, { claims });
    expect(errorOf(url)).toBe('invalid_request');
  });
});

describe('accounts without an intent, as a grant', () => {
  test('create makes one, replace and merge change it by its id', async () => {
    const created = await connect({ grant_management_action: 'create' });
    const { grant_id: id } = created;
    expect(id).toEqual(expect.any(String));
    const grant = { grant_id: String(id) };
    const merged = await connect(
      { ...grant, grant_management_action: 'merge' },
      sharing(['31820']),
    );
    expect(merged.grant_id).toBe(id);
    expect((await accountIds(merged.access_token)).sort()).toEqual(['22289', '31820']);
    const replaced = await connect(
      { ...grant, grant_management_action: 'replace' },
      sharing(['31820']),
    );
    expect(replaced.grant_id).toBe(id);
    expect(await accountIds(replaced.access_token)).toEqual(['31820']);
    expect((await bank.tpp.read(created.access_token)).status).toBe(401);
    await expect(
      bank.rival.push({ ...grant, grant_management_action: 'replace' }),
    ).rejects.toMatchObject({ error: 'invalid_grant_id' });
  });

  test('a grant of details is not changed by scopes, nor one of accounts by details', async () => {
    const detail = { type: 'account_information', actions: ['list_accounts'] };
    const details = { authorization_details: JSON.stringify([detail]) };
    const created = await connect(
      { ...details, grant_management_action: 'create' },
      async (person, page) => {
        const choice = await person.submit(page, 'login', amelia);
        return person.submit(choice, 'details', { 'account-0': '22289', decision: 'allow' });
      },
    );
    const plain = await connect({ grant_management_action: 'create' });
    const asIs: Walk = async (_person, page) => page;
    const change = (grant: unknown) => ({
      grant_id: String(grant),
      grant_management_action: 'merge',
    });
    expect(errorOf(await bank.tpp.visit(asIs, change(created.grant_id)))).toBe('invalid_grant_id');
    const mixed = { ...details, ...change(plain.grant_id) };
    expect(errorOf(await bank.tpp.visit(asIs, mixed))).toBe('invalid_grant_id');
  });
});

describe('openid alone', () => {
  test('the person agrees to be known, and UserInfo knows them', async () => {
    let seen = '';
    const tokens = await connect({ scope: 'openid' }, async (person, page) => {
      expect(page.text).toContain('asks who you are.');
      const asked = await person.submit(page, 'login', amelia);
      seen = asked.text;
      for (const step of ['', '/consent']) {
        expect((await person.open(`${page.url.pathname}${step}`)).text).toBe(asked.text);
      }
      return person.submit(asked, 'consent', { decision: 'allow' });
    });
    expect(seen).toContain('It sees nothing of your accounts');
    expect(seen).toContain('That it is you');
    expect(textOf(seen)).toMatch(/Until \d+ \w+ 2\d{3} at/);
    expect(tokens.scope).toBe('openid');
    const { sub } = decodeJwt(String(tokens.id_token));
    expect((await readUserInfo(tokens.access_token)).body).toEqual({ sub });
    expect((await bank.tpp.read(tokens.access_token)).status).toBe(403);
    expect(await introspect(tokens.access_token)).toMatchObject({ active: true, scope: 'openid' });
  });

  test('ends by itself after a day', async () => {
    const tokens = await connect({ scope: 'openid' }, beingKnown);
    clock.advance(86_400 + 1);
    const refreshed = openid.refreshTokenGrant(
      bank.tpp.configuration,
      String(tokens.refresh_token),
    );
    await expect(refreshed).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test('is seen and ended at /access, which the page names', async () => {
    const priya = { login: 'priya', password: 'silver-junction-63' };
    let asked = '';
    const known = [1, 2].map(() =>
      connect({ scope: 'openid' }, async (person, page) => {
        const question = await person.submit(page, 'login', priya);
        asked = textOf(question.text);
        return person.submit(question, 'consent', { decision: 'allow' });
      }),
    );
    const [one, other] = await Promise.all(known);
    if (!one || !other) throw new Error('not known');
    expect(asked).toMatch(/How to stop At any time: .* “Apps that see your data”/);
    const person = openPerson(bank);
    const page = await person.submit(await person.open('/access'), 'sign-in', priya);
    expect(textOf(page.text)).toMatch(/The tpp It knows That it is you Since .* Until .* End the/);
    const ends = [...page.text.matchAll(/action="\/access\/([^"]+\/end)"/g)].map(([, end]) => end);
    expect(ends).toEqual(['apps/tpp/end']);
    const { text } = await person.submit(page, String(ends[0]));
    expect(textOf(text)).toContain('No app sees your data.');
    for (const tokens of [one, other]) {
      expect((await readUserInfo(tokens.access_token)).status).toBe(401);
    }
  });

  test('a person without accounts can be known too', async () => {
    const noah = { login: 'noah', password: 'quiet-orchard-08' };
    const tokens = await connect({ scope: 'openid' }, async (person, page) =>
      person.submit(await person.submit(page, 'login', noah), 'consent', { decision: 'allow' }),
    );
    expect((await readUserInfo(tokens.access_token)).status).toBe(200);
  });

  test('a no goes back with access_denied', async () => {
    const refusing: Walk = async (person, page) => {
      const asked = await person.submit(page, 'login', amelia);
      return person.submit(asked, 'consent', { decision: 'refuse' });
    };
    expect(errorOf(await bank.tpp.visit(refusing, { scope: 'openid' }))).toBe('access_denied');
  });

  test('the step of another question decides nothing', async () => {
    const wrong: Walk = async (person, page) => {
      const asked = await person.submit(page, 'login', amelia);
      const csrf = /name="csrf" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
      const allow = { csrf, decision: 'allow', account: ['22289'] };
      for (const step of ['accounts', 'details']) {
        const again = await person.open(`${page.url.pathname}/${step}`, allow);
        expect(again.text).toContain('That it is you');
      }
      return person.submit(asked, 'consent', { decision: 'refuse' });
    };
    expect(errorOf(await bank.tpp.visit(wrong, { scope: 'openid' }))).toBe('access_denied');
  });

  test.each([
    ['no scope at all', { scope: 'offline_access' }, 'invalid_scope'],
    [
      'the scope of another resource',
      { scope: 'openid payments', resource: other },
      'invalid_scope',
    ],
    [
      'a grant to manage',
      { scope: 'openid', grant_management_action: 'create' },
      'invalid_request',
    ],
    [
      'an intent',
      {
        scope: 'openid',
        claims: JSON.stringify({ id_token: { openbanking_intent_id: { value: randomUUID() } } }),
      },
      'invalid_scope',
    ],
  ])('with %s nobody is asked', async (_name, parameters, error) => {
    const url = await bank.tpp.visit(async (_person, page) => page, { ...parameters });
    expect(errorOf(url)).toBe(error);
  });
});

describe('UserInfo as a protected resource', () => {
  test('echoes the interaction id, names the time, and takes the scheme in any case', async () => {
    const { access_token: token } = await connect();
    const id = randomUUID();
    const { status, headers } = await readUserInfo(token, bank.tpp.send, {
      authorization: `bEARER ${token}`,
      'x-fapi-interaction-id': id,
    });
    expect(status).toBe(200);
    expect(headers.get('x-fapi-interaction-id')).toBe(id);
    expect(headers.get('date')).toBeTruthy();
    expect(headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('refuses another certificate, none, and a token in the query', async () => {
    const { access_token: token } = await connect();
    expect((await readUserInfo(token, bank.rival.send)).status).toBe(401);
    expect((await readUserInfo(token, bank.fetcher())).status).toBe(401);
    const query = await bank.tpp.send(`${userinfoUrl()}?access_token=${token}`);
    expect([400, 401]).toContain(query.status);
  });

  test('takes no token of a client’s own, and none for another resource', async () => {
    const own = await openid.clientCredentialsGrant(bank.tpp.configuration, { scope: 'accounts' });
    expect((await readUserInfo(own.access_token)).status).toBe(401);
    const both = { scope: 'openid accounts payments' };
    const url = await bank.tpp.visit(sharing(), { ...both, resource: other });
    const tokens = await bank.tpp.redeem(url, { resource: other });
    expect((await readUserInfo(tokens.access_token)).status).toBe(403);
  });

  test('serves a client no more that is disabled, or another one under the same id', async () => {
    const stored = await bank.storage.get(clients, 'tpp');
    if (!stored) throw new Error('no client');
    const { access_token: token } = await connect({ scope: 'openid' }, beingKnown);
    const changeTo = async (client: ClientRecord) => {
      await bank.storage.commit([put(clients, 'tpp', client)]);
      // Clients are kept in memory for a moment.
      clock.advance(60);
    };
    try {
      await changeTo({ ...stored.value, client_status: 'inactive' });
      expect((await readUserInfo(token)).status).toBe(401);
      await changeTo(stored.value);
      expect((await readUserInfo(token)).status).toBe(200);
      const later = Math.floor(clock.now() / 1000) + 10;
      await changeTo({ ...stored.value, client_id_issued_at: later });
      expect((await readUserInfo(token)).status).toBe(401);
    } finally {
      await changeTo(stored.value);
    }
  });

  test('a refusal is explained to operators', async () => {
    const { access_token: token } = await connect({ scope: 'openid' }, beingKnown);
    const trace = randomUUID();
    await readUserInfo(token, bank.rival.send, { 'x-fapi-interaction-id': trace });
    await eventually(async () =>
      expect(await bank.storage.count(explanations, 'trace', trace)).toBe(1),
    );
  });

  test('a DPoP-bound token needs a proof for this address, by the same key, once', async () => {
    const dpop = await createDpopKey();
    const now = () => Math.floor(clock.now() / 1000);
    const client = createFapiClient(bank, 'prover', bank.clientKeys, { now });
    const pushed = await client.push({
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      code_challenge: bank.tpp.challenge,
      code_challenge_method: 'S256',
    });
    const person = openPerson(bank);
    const { url } = await beingKnown(person, await person.open(client.visitUrl(pushed)));
    const tokenUrl = `${bank.issuer}/token`;
    const { body } = await client.redeem(
      url.searchParams.get('code') ?? '',
      { redirect_uri: redirectUri, code_verifier: bank.tpp.verifier },
      await dpop.header('POST', tokenUrl, { iat: now() }),
    );
    const token = String(body.access_token);
    const ath = createHash('sha256').update(token).digest('base64url');
    const read = (proof: Record<string, string>, scheme = 'DPoP', base = bank.issuer) =>
      bank.fetch(`${base}/userinfo`, {
        headers: { authorization: `${scheme} ${token}`, ...proof },
      });
    const claims = () => ({ iat: now(), ath });
    const at = `${bank.issuer}/userinfo`;
    const alias = `${bank.configuration.mtlsUrl}/oidc`;

    const good = await dpop.header('GET', at, claims());
    expect((await read(good, 'dpop')).status).toBe(200);
    const replayed = await read(good);
    expect(replayed.status).toBe(401);
    expect(replayed.headers.get('www-authenticate')).toContain('error="invalid_dpop_proof"');
    const there = await dpop.header('GET', `${alias}/userinfo`, claims());
    expect((await read(there, 'DPoP', alias)).status).toBe(200);
    const upper = `${bank.issuer.replace('https://localhost', 'HTTPS://LOCALHOST')}/userinfo?a#b`;
    expect((await read(await dpop.header('GET', upper, claims()))).status).toBe(200);
    const wrong = [
      await dpop.header('GET', `${bank.issuer}/token`, claims()),
      await dpop.header('POST', at, claims()),
      await dpop.header('GET', at, { ...claims(), ath: 'x' }),
      await dpop.header('GET', at, { ...claims(), iat: now() - 3600 }),
      await (await createDpopKey()).header('GET', at, claims()),
      {},
    ];
    for (const proof of wrong) expect([400, 401]).toContain((await read(proof)).status);
    expect((await read({}, 'Bearer')).status).toBe(401);
    const downgraded = await dpop.header('GET', at, claims());
    expect((await read(downgraded, 'Bearer')).status).toBe(400);
  });

  test('discovery says where it is, also with a certificate', async () => {
    const answer = await bank.fetch('/oidc/.well-known/openid-configuration');
    const metadata = await answer.json();
    expect(metadata).toMatchObject({
      userinfo_endpoint: `${bank.issuer}/userinfo`,
      mtls_endpoint_aliases: { userinfo_endpoint: userinfoUrl() },
    });
    expect(Object(metadata).claims_supported).not.toContain('sid');
  });
});
