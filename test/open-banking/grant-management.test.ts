import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { textOf } from '../security/support/visitor.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { amelia, openClient, registration, sharing, type Walk } from './support/open-client.js';
import { openPerson, readRecord } from './support/start-bank.js';

const balances = { type: 'account_information', actions: ['list_accounts', 'read_balances'] };
const transactions = {
  type: 'account_information',
  actions: ['list_accounts', 'read_transactions'],
};
const daniel = { login: 'daniel', password: 'copper-meadow-17' };

const clock = createMovingClock();
let bank: RunningAssent;
let tpp: Client;
let rival: Client;

type Client = Awaited<ReturnType<typeof openClient>>;

beforeAll(async () => {
  const types = { authorization_details_types: ['account_information'] };
  bank = await startAssent(
    {
      role: 'bank',
      clients: [
        registration('tpp', types),
        registration('rival', types),
        registration('limited', { ...types, scope: 'openid accounts' }),
      ],
    },
    { ledger: createDemoLedger({ clock }), clock },
  );
  tpp = await openClient(bank, 'tpp');
  rival = await openClient(bank, 'rival');
});

afterAll(() => bank?.stop());

const allowing =
  (account: string | string[], who = amelia): Walk =>
  async (person, page) => {
    const choice = await person.submit(page, 'login', who);
    return person.submit(choice, 'details', { 'account-0': account, decision: 'allow' });
  };

const asking = (detail: object, parameters: Record<string, string> = {}) => ({
  authorization_details: JSON.stringify([detail]),
  scope: 'openid',
  ...parameters,
});

async function connect(detail: object, account: string, parameters: Record<string, string>) {
  return tpp.redeem(await tpp.visit(allowing(account), asking(detail, parameters)));
}

/** The page on which somebody decides about a change of a grant. */
async function openChoice(detail: object, action: 'merge' | 'replace', grant: unknown) {
  const wish = { grant_management_action: action, grant_id: String(grant) };
  const person = openPerson(bank);
  const login = await person.open(await tpp.push(asking(detail, wish)));
  const choice = await person.submit(login, 'login', amelia);
  return { person, choice, text: choice.text };
}

const create = (detail: object = balances, account = '22289') =>
  connect(detail, account, { grant_management_action: 'create' });

/** Calls the grant management API with the client's own token. */
async function manage(client: Client, method: 'GET' | 'DELETE', id: unknown, scope?: string) {
  const own = await openid.clientCredentialsGrant(client.configuration, {
    scope: scope ?? (method === 'GET' ? 'grant_management_query' : 'grant_management_revoke'),
  });
  return callWith(client, own.access_token, method, id);
}

async function callWith(client: Client, token: string, method: 'GET' | 'DELETE', id: unknown) {
  const answer = await client.send(`${bank.configuration.mtlsUrl}/grants/${id}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
  });
  const text = await answer.text();
  const body = text === '' ? {} : readRecord(JSON.parse(text));
  return { status: answer.status, body, challenge: answer.headers.get('www-authenticate') };
}

const status = async (token: string, path: string) => (await tpp.read(token, path)).status;

test('discovery says what can be done with grants, and where', async () => {
  const answer = await bank.fetch('/oidc/.well-known/openid-configuration');
  const { publicUrl, mtlsUrl } = bank.configuration;
  expect(await answer.json()).toMatchObject({
    grant_management_endpoint: `${publicUrl}/grants`,
    grant_management_actions_supported: ['query', 'revoke', 'create', 'merge', 'replace'],
    grant_management_action_required: false,
    mtls_endpoint_aliases: { grant_management_endpoint: `${mtlsUrl}/grants` },
    scopes_supported: expect.arrayContaining(['grant_management_query', 'grant_management_revoke']),
  });
});

describe('create', () => {
  test('gives a grant its id, also at refresh, and each its own', async () => {
    const first = await create();
    const second = await create();
    expect(first.grant_id).toEqual(expect.any(String));
    expect(second.grant_id).not.toBe(first.grant_id);
    const refreshed = await openid.refreshTokenGrant(tpp.configuration, first.refresh_token ?? '');
    expect(refreshed.grant_id).toBe(first.grant_id);
  });

  test('without it the id stays with us', async () => {
    const tokens = await connect(balances, '22289', {});
    expect(tokens).not.toHaveProperty('grant_id');
  });

  test('of an intent gives the id of the intent, which is its grant', async () => {
    const { claims } = await tpp.forNewIntent();
    const back = await tpp.visit(sharing(), { claims, grant_management_action: 'create' });
    const tokens = await tpp.redeem(back);
    expect(JSON.parse(claims).id_token.openbanking_intent_id.value).toBe(tokens.grant_id);
    const again = await tpp.visit(async (_person, page) => page, {
      claims,
      grant_management_action: 'create',
    });
    expect(again.searchParams.get('error')).toBe('invalid_request');
  });
});

describe('merge', () => {
  test('adds what the person allows now, to tokens from now on', async () => {
    const first = await create();
    const grant_id = String(first.grant_id);
    const merged = await connect(transactions, '31820', {
      grant_management_action: 'merge',
      grant_id,
    });
    expect(merged.grant_id).toBe(grant_id);
    expect(merged.authorization_details).toMatchObject([
      { ...balances, accounts: ['22289'] },
      { ...transactions, accounts: ['31820'] },
    ]);
    for (const path of ['/accounts/22289/balances', '/accounts/31820/transactions']) {
      expect(await status(merged.access_token, path)).toBe(200);
    }
    // What was given before is for what was granted before, and is not refreshed any more.
    expect(await status(first.access_token, '/balances')).toBe(200);
    expect(await status(first.access_token, '/transactions')).toBe(403);
    await expect(
      openid.refreshTokenGrant(tpp.configuration, first.refresh_token ?? ''),
    ).rejects.toMatchObject({ error: 'invalid_grant' });
    const { body } = await manage(tpp, 'GET', grant_id);
    expect(body.authorization_details).toHaveLength(2);
  });

  test('what covers the old takes its place', async () => {
    const first = await create();
    const wider = { ...balances, actions: [...balances.actions, 'read_transactions'] };
    const merged = await tpp.redeem(
      await tpp.visit(
        allowing(['22289', '31820']),
        asking(wider, { grant_management_action: 'merge', grant_id: String(first.grant_id) }),
      ),
    );
    expect(merged.authorization_details).toMatchObject([{ accounts: ['22289', '31820'] }]);
  });

  test('adds accounts to an intent, whose terms stay', async () => {
    const { claims } = await tpp.forNewIntent();
    const parameters = { claims, grant_management_action: 'create' };
    const first = await tpp.redeem(await tpp.visit(sharing(['22289']), parameters));
    const merged = await tpp.redeem(
      await tpp.visit(sharing(['31820']), {
        claims,
        grant_management_action: 'merge',
        grant_id: String(first.grant_id),
      }),
    );
    const { body } = await tpp.read(merged.access_token);
    expect(readRecord(body.Data).Account).toMatchObject([
      { AccountId: '22289' },
      { AccountId: '31820' },
    ]);
  });
});

describe('the page at merge', () => {
  test('lists what stays, and has boxes only for what can be added', async () => {
    const first = await create();
    const { person, choice, text } = await openChoice(balances, 'merge', first.grant_id);
    const said = textOf(text);
    expect(said).toMatch(
      /What The tpp has already .*stays as it is.* Account Everyday •••• 0447 It sees Your account details Your balances Agreed \d+ \w+ 20\d\d Until \d+ \w+ 20\d\d/,
    );
    expect(said).not.toContain('sees only');
    expect(text).not.toContain('value="22289"');
    expect(text).toContain('value="31820"');
    const back = await person.submit(choice, 'details', {
      'account-0': ['22289', '31820'],
      decision: 'allow',
    });
    const merged = await tpp.redeem(back.url);
    expect(merged.authorization_details).toMatchObject([
      { accounts: ['22289'] },
      { accounts: ['31820'] },
    ]);
  });

  test('with no box ticked nothing is added, and nothing is lost', async () => {
    const first = await create();
    const { person, choice } = await openChoice(balances, 'merge', first.grant_id);
    const back = await person.submit(choice, 'details', { decision: 'allow' });
    const merged = await tpp.redeem(back.url);
    expect(merged.grant_id).toBe(first.grant_id);
    expect(merged.authorization_details).toEqual(first.authorization_details);
  });

  test('more about the same account is a box again, and one detail of two may be left out', async () => {
    const first = await create();
    const wider = { ...balances, actions: [...balances.actions, 'read_transactions'] };
    const wish = { grant_management_action: 'merge', grant_id: String(first.grant_id) };
    const person = openPerson(bank);
    const details = {
      ...asking(wider, wish),
      authorization_details: JSON.stringify([balances, wider]),
    };
    const choice = await person.submit(await person.open(await tpp.push(details)), 'login', amelia);
    expect(choice.text).toMatch(/name="account-1" value="22289"/);
    expect(choice.text).not.toMatch(/name="account-0" value="22289"/);
    const back = await person.submit(choice, 'details', {
      'account-1': '22289',
      decision: 'allow',
    });
    expect((await tpp.redeem(back.url)).authorization_details).toMatchObject([
      { ...wider, accounts: ['22289'] },
    ]);
  });

  test('a person who shares all says so much, and is asked for nothing more', async () => {
    const all = ['22289', '31820', '47751'];
    const back = await tpp.visit(
      allowing(all),
      asking(balances, { grant_management_action: 'create' }),
    );
    const first = await tpp.redeem(back);
    const { person, choice, text } = await openChoice(balances, 'merge', first.grant_id);
    expect(text).not.toContain('type="checkbox"');
    expect(textOf(text)).toContain('has this already');
    const again = await person.submit(choice, 'details', { decision: 'allow' });
    expect((await tpp.redeem(again.url)).authorization_details).toEqual(
      first.authorization_details,
    );
  });

  test.each([
    ['scope accounts', false],
    ['an intent', true],
  ])('is the same for what was agreed to with %s', async (_name, isIntent) => {
    const request = isIntent ? await tpp.forNewIntent() : {};
    const created = await tpp.visit(sharing(), { ...request, grant_management_action: 'create' });
    const { grant_id } = await tpp.redeem(created);
    const wish = { ...request, grant_management_action: 'merge', grant_id: String(grant_id) };
    const open = async () => {
      const person = openPerson(bank);
      const login = await person.open(await tpp.push(wish));
      return { person, choice: await person.submit(login, 'login', amelia) };
    };
    const { person, choice } = await open();
    expect(textOf(choice.text)).toMatch(/has already .*stays as it is.* Account Everyday/);
    expect(textOf(choice.text)).not.toContain('sees only');
    expect(choice.text).not.toContain('value="22289"');
    const same = await person.submit(choice, 'accounts', { decision: 'allow' });
    const accountsOf = async (url: URL) => {
      const { body } = await tpp.read((await tpp.redeem(url)).access_token);
      return readRecord(body.Data).Account;
    };
    expect(await accountsOf(same.url)).toMatchObject([{ AccountId: '22289' }]);
    const again = await open();
    const more = await again.person.submit(again.choice, 'accounts', {
      account: '31820',
      decision: 'allow',
    });
    expect(await accountsOf(more.url)).toMatchObject([
      { AccountId: '22289' },
      { AccountId: '31820' },
    ]);
  });
});

describe('replace', () => {
  test('leaves only what the person allows now, for all tokens', async () => {
    const first = await create();
    const grant_id = String(first.grant_id);
    const replaced = await connect(transactions, '31820', {
      grant_management_action: 'replace',
      grant_id,
    });
    expect(replaced.grant_id).toBe(grant_id);
    expect(replaced.authorization_details).toMatchObject([{ accounts: ['31820'] }]);
    expect(await status(replaced.access_token, '/balances')).toBe(403);
    expect(await status(replaced.access_token, '/transactions')).toBe(200);
    expect(await status(first.access_token, '/balances')).toBe(401);
    await expect(
      openid.refreshTokenGrant(tpp.configuration, first.refresh_token ?? ''),
    ).rejects.toMatchObject({ error: 'invalid_grant' });
    expect((await manage(tpp, 'GET', grant_id)).body.authorization_details).toMatchObject([
      { ...transactions, accounts: ['31820'] },
    ]);
  });

  test('a person who refuses leaves it as it was', async () => {
    const first = await create();
    const grant_id = String(first.grant_id);
    const refuse: Walk = async (person, page) => {
      const choice = await person.submit(page, 'login', amelia);
      return person.submit(choice, 'details', { decision: 'refuse' });
    };
    const wish = { grant_management_action: 'replace', grant_id };
    const back = await tpp.visit(refuse, asking(transactions, wish));
    expect(back.searchParams.get('error')).toBe('access_denied');
    expect(await status(first.access_token, '/balances')).toBe(200);
  });

  test('says what it takes the place of, which is ticked', async () => {
    const first = await create();
    const { text } = await openChoice(balances, 'replace', first.grant_id);
    expect(textOf(text)).toMatch(
      /takes the place of this.* Account Everyday •••• 0447 It sees Your account details Your balances Agreed \d+ \w+ 20\d\d Until \d+ \w+ 20\d\d/,
    );
    expect(textOf(text)).toContain('sees only the accounts that you tick');
    expect(text).toMatch(/value="22289" checked/);
    expect(text).not.toMatch(/value="31820" checked/);
  });

  test.each([
    ['agreed to with scope accounts', false],
    ['agreed to as an intent', true],
  ])('what was %s is named too', async (_name, isIntent) => {
    const request = isIntent ? await tpp.forNewIntent() : {};
    const back = await tpp.visit(sharing(), { ...request, grant_management_action: 'create' });
    const { grant_id } = await tpp.redeem(back);
    const wish = { ...request, grant_management_action: 'replace', grant_id: String(grant_id) };
    const person = openPerson(bank);
    const choice = await person.submit(await person.open(await tpp.push(wish)), 'login', amelia);
    expect(textOf(choice.text)).toMatch(/takes the place of this.* Account Everyday/);
    expect(choice.text).toMatch(/value="22289" checked/);
  });
});

describe('whose grant', () => {
  test('another client’s, an unknown and an ended one are refused when they are pushed', async () => {
    const { grant_id } = await create();
    const ended = await create();
    await manage(tpp, 'DELETE', ended.grant_id);
    const unknown = 'd7f6a2f0-0000-4000-8000-000000000000';
    const pushes = [
      [rival, grant_id],
      [tpp, unknown],
      [tpp, ended.grant_id],
      [tpp, 'x'.repeat(129)],
    ] as const;
    for (const [client, id] of pushes) {
      for (const grant_management_action of ['merge', 'replace']) {
        const wish = { grant_management_action, grant_id: String(id) };
        await expect(client.push(asking(balances, wish))).rejects.toMatchObject({
          error: String(id).length > 128 ? 'invalid_request' : 'invalid_grant_id',
        });
      }
    }
  });

  test('another person’s ends at the client, and nothing has changed', async () => {
    const first = await create();
    const wish = { grant_management_action: 'merge', grant_id: String(first.grant_id) };
    const back = await tpp.visit(
      (person, page) => person.submit(page, 'login', daniel),
      asking(balances, wish),
    );
    expect(Object.fromEntries(back.searchParams)).toMatchObject({
      error: 'invalid_grant_id',
      state: 'the-state',
      iss: bank.issuer,
    });
    expect(await status(first.access_token, '/balances')).toBe(200);
  });

  test('an intent is not changed by details, nor details by an intent', async () => {
    const { claims } = await tpp.forNewIntent();
    const create = { claims, grant_management_action: 'create' };
    const ofIntent = await tpp.redeem(await tpp.visit(sharing(), create));
    const ofDetails = await connect(balances, '22289', { grant_management_action: 'create' });
    const wishes = [
      asking(balances, { grant_management_action: 'merge', grant_id: String(ofIntent.grant_id) }),
      { claims, grant_management_action: 'merge', grant_id: String(ofDetails.grant_id) },
    ];
    for (const wish of wishes) {
      const { url } = await openPerson(bank).open(await tpp.push(wish));
      expect(url.searchParams.get('error')).toBe('invalid_grant_id');
    }
    const value = ofDetails.grant_id;
    const asIntent = { id_token: { openbanking_intent_id: { value } } };
    const pushed = await tpp.push({ claims: JSON.stringify(asIntent) });
    const { url } = await openPerson(bank).open(pushed);
    expect(url.searchParams.get('error')).toBe('invalid_request');
  });

  test.each([
    ['an id without an action', { grant_id: 'x' }],
    ['an unknown action', { grant_management_action: 'destroy' }],
    ['a new grant with an id', { grant_management_action: 'create', grant_id: 'x' }],
    ['merging into nothing', { grant_management_action: 'merge' }],
    ['replacing nothing', { grant_management_action: 'replace', grant_id: '' }],
  ])('%s is invalid_request', async (_what, wish) => {
    await expect(tpp.push(asking(balances, wish))).rejects.toMatchObject({
      error: 'invalid_request',
    });
  });
});

describe('GET and DELETE /grants/{grant_id}', () => {
  test('tell what is granted, and end all of it at once', async () => {
    const tokens = await tpp.redeem(
      await tpp.visit(
        allowing('22289'),
        asking(balances, { grant_management_action: 'create', scope: 'openid accounts' }),
      ),
    );
    const { status: found, body } = await manage(tpp, 'GET', tokens.grant_id);
    expect(found).toBe(200);
    expect(body).toEqual({
      scopes: [
        { scope: 'openid' },
        { scope: 'accounts', resource: [`${bank.configuration.publicUrl}/`] },
      ],
      claims: ['sub', 'openbanking_intent_id', 'acr', 'auth_time'],
      authorization_details: tokens.authorization_details,
    });
    expect(JSON.stringify(body)).not.toContain(tokens.access_token);

    expect((await manage(tpp, 'DELETE', tokens.grant_id)).status).toBe(204);
    expect(await status(tokens.access_token, '/accounts')).toBe(401);
    expect(await openid.tokenIntrospection(tpp.configuration, tokens.access_token)).toEqual({
      active: false,
    });
    await expect(
      openid.refreshTokenGrant(tpp.configuration, tokens.refresh_token ?? ''),
    ).rejects.toMatchObject({ error: 'invalid_grant' });
    for (const method of ['GET', 'DELETE'] as const) {
      expect((await manage(tpp, method, tokens.grant_id)).status).toBe(404);
    }
  });

  test('the grants of others, and none, look the same', async () => {
    const { grant_id, access_token } = await create();
    const unknown = 'd7f6a2f0-0000-4000-8000-000000000000';
    for (const method of ['GET', 'DELETE'] as const) {
      const foreign = await manage(rival, method, grant_id);
      expect(foreign).toMatchObject({ status: 404, body: { error: 'invalid_grant_id' } });
      expect(await manage(rival, method, unknown)).toEqual(foreign);
    }
    expect(await status(access_token, '/accounts')).toBe(200);
  });

  test('each needs its scope, and the client’s own token', async () => {
    const { grant_id, access_token } = await create();
    const scopes = { GET: 'grant_management_revoke', DELETE: 'grant_management_query' } as const;
    for (const method of ['GET', 'DELETE'] as const) {
      for (const scope of [scopes[method], 'accounts']) {
        expect(await manage(tpp, method, grant_id, scope)).toMatchObject({
          status: 403,
          body: { error: 'insufficient_scope' },
          challenge: expect.stringContaining('insufficient_scope'),
        });
      }
      expect((await callWith(tpp, access_token, method, grant_id)).status).toBe(403);
      expect(await callWith(tpp, 'nonsense', method, grant_id)).toMatchObject({
        status: 401,
        body: { error: 'invalid_token' },
      });
      // Bound to its client's certificate.
      const own = await openid.clientCredentialsGrant(tpp.configuration, {
        scope: 'grant_management_query grant_management_revoke',
      });
      expect((await callWith(rival, own.access_token, method, grant_id)).status).toBe(401);
    }
    const limited = await openClient(bank, 'limited');
    await expect(
      openid.clientCredentialsGrant(limited.configuration, { scope: 'grant_management_query' }),
    ).rejects.toMatchObject({ error: 'invalid_scope' });
    // No person gives a client these.
    const back = await tpp.visit(
      allowing('22289'),
      asking(balances, { scope: 'openid accounts grant_management_query' }),
    );
    expect((await tpp.redeem(back)).scope).toBe('openid accounts');
  });

  test('a grant that has ended is gone', async () => {
    const accessUntil = new Date(clock.now() + 3_600_000).toISOString();
    const { grant_id } = await create({ ...balances, accessUntil });
    expect((await manage(tpp, 'GET', grant_id)).status).toBe(200);
    clock.advance(3601);
    expect((await manage(tpp, 'GET', grant_id)).status).toBe(404);
  });
});

test('a bank that does not offer it says nothing of it', async () => {
  const other = await startAssent(
    {
      role: 'bank',
      features: { grantManagement: false, authorizationDetails: [] },
      clients: [registration('tpp')],
    },
    { ledger: createDemoLedger({ clock }), clock },
  );
  const client = await openClient(other, 'tpp');
  const metadata = client.configuration.serverMetadata();
  expect(metadata).not.toHaveProperty('grant_management_endpoint');
  expect(metadata).not.toHaveProperty('authorization_details_types_supported');
  expect((await other.fetch('/grants/x')).status).toBe(404);
  await other.stop();
});
