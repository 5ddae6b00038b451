import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { intents } from '../../core/intent.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { amelia, openClient, registration } from './support/open-client.js';
import { openPerson, readRecord, type Seen } from './support/start-bank.js';

/* One grant that is changed in several places at the same moment (Grant Management for OAuth 2.0 §5). */

const clock = createMovingClock();
let bank: RunningAssent;
let tpp: Awaited<ReturnType<typeof openClient>>;

beforeAll(async () => {
  const types = { authorization_details_types: ['account_information'] };
  bank = await startAssent(
    { role: 'bank', clients: [registration('tpp', types)] },
    { ledger: createDemoLedger({ clock }), clock },
  );
  tpp = await openClient(bank, 'tpp');
});
afterAll(() => bank?.stop());

const kinds = {
  balances: { type: 'account_information', actions: ['list_accounts', 'read_balances'] },
  transactions: { type: 'account_information', actions: ['list_accounts', 'read_transactions'] },
  numbers: {
    type: 'account_information',
    actions: ['list_accounts'],
    datatypes: ['account_numbers'],
  },
};
type Kind = keyof typeof kinds;

/** A customer before the question, who answers it when asked to. */
async function ask(kind: Kind, parameters: Record<string, string>) {
  const person = openPerson(bank);
  const address = await tpp.push({
    authorization_details: JSON.stringify([kinds[kind]]),
    scope: 'openid',
    ...parameters,
  });
  const page = await person.submit(await person.open(address), 'login', amelia);
  return {
    allow: (): Promise<Seen> =>
      person.submit(page, 'details', { 'account-0': '22289', decision: 'allow' }),
  };
}

async function createGrant(): Promise<string> {
  const asked = await ask('balances', { grant_management_action: 'create' });
  const tokens = await tpp.redeem((await asked.allow()).url);
  return String(tokens.grant_id);
}

const own = async (scope: string) =>
  (await openid.clientCredentialsGrant(tpp.configuration, { scope })).access_token;

async function call(method: 'GET' | 'DELETE', id: string, token: string) {
  const url = `${bank.configuration.mtlsUrl}/grants/${id}`;
  const answer = await tpp.send(url, { method, headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : readRecord(JSON.parse(text)) };
}

/** What a grant holds, as its client reads it and as our API goes by it: always the same. */
async function held(id: string): Promise<readonly unknown[]> {
  const { body } = await call('GET', id, await own('grant_management_query'));
  const stored = await bank.storage.get(intents, id);
  expect(stored?.value.authorizationDetails).toEqual(body.authorization_details);
  return Array.isArray(body.authorization_details) ? body.authorization_details : [];
}

const isBack = (page: Seen | undefined) => page?.url.searchParams.has('code') === true;

test('of additions at once none is lost that was answered with a code', async () => {
  const grant_id = await createGrant();
  const wish = { grant_management_action: 'merge', grant_id };
  const wanted: readonly Kind[] = ['transactions', 'numbers', 'transactions', 'numbers'];
  // One login after the other: many at once are guesses.
  const questions = [];
  for (const kind of wanted) questions.push(await ask(kind, wish));
  const pages = await Promise.all(questions.map(({ allow }) => allow()));
  for (const page of pages) expect(isBack(page) || page.status < 500).toBe(true);
  expect(pages.some(isBack)).toBe(true);
  const added = new Set(wanted.filter((_, index) => isBack(pages[index])));
  const now = await held(grant_id);
  expect(now).toContainEqual(expect.objectContaining(kinds.balances));
  for (const kind of added) expect(now).toContainEqual(expect.objectContaining(kinds[kind]));
  expect(now).toHaveLength(1 + added.size);
});

test('what replaces and what adds at once leave one of the two orders, and nothing between', async () => {
  for (let round = 0; round < 4; round++) {
    const grant_id = await createGrant();
    const replacing = await ask('transactions', { grant_management_action: 'replace', grant_id });
    const adding = await ask('numbers', { grant_management_action: 'merge', grant_id });
    const [replaced, added] = await Promise.all([replacing.allow(), adding.allow()]);
    expect(isBack(replaced) || isBack(added)).toBe(true);
    const actions = (await held(grant_id)).map((detail) => readRecord(detail).actions);
    const { balances, transactions, numbers } = kinds;
    // Whoever comes last decides; who comes in between is told, and has changed nothing.
    const orders = [
      ...(isBack(replaced) ? [[transactions.actions]] : []),
      ...(isBack(added) ? [[balances.actions, numbers.actions]] : []),
      ...(isBack(replaced) && isBack(added) ? [[transactions.actions, numbers.actions]] : []),
    ];
    expect(orders).toContainEqual(actions);
    if (isBack(replaced)) expect(actions).not.toContainEqual(balances.actions);
  }
});

test('a grant that is revoked while it is added to stays revoked', async () => {
  for (let round = 0; round < 4; round++) {
    const grant_id = await createGrant();
    const adding = await ask('numbers', { grant_management_action: 'merge', grant_id });
    const token = await own('grant_management_revoke');
    const [page, revoked] = await Promise.all([adding.allow(), call('DELETE', grant_id, token)]);
    expect(revoked.status).toBe(204);
    expect(page.status).toBeLessThan(500);
    expect((await call('GET', grant_id, await own('grant_management_query'))).status).toBe(404);
    if (isBack(page)) {
      await expect(tpp.redeem(page.url)).rejects.toMatchObject({ error: 'invalid_grant' });
    }
  }
});
