import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openPerson } from '../../sandbox/phone/use-approvals.js';
import { textOf } from '../security/support/visitor.js';
import {
  amelia,
  type CibaClient,
  forIntent,
  linksOf,
  type Phone,
  type RunningCiba,
  signIn,
  startCiba,
} from './support/start-ciba.js';

/* Authorization details (RFC 9396) that are asked for without the customer's browser (CIBA). */

const balances = { type: 'account_information', actions: ['list_accounts', 'read_balances'] };
const transactions = {
  type: 'account_information',
  actions: ['list_accounts', 'read_transactions'],
};

let bank: RunningCiba;
let shop: CibaClient;
let phone: Phone;

beforeAll(async () => {
  bank = await startCiba();
  shop = await bank.connectClient('shop', { authorization_details_types: ['account_information'] });
});
afterAll(() => bank?.stop());
beforeEach(() => {
  bank.clock.advance(1000);
  phone = bank.openPhone();
});

const ask = (authorization_details: unknown, more: object = {}) =>
  shop.ask({ scope: 'openid', authorization_details, ...more });

async function mustAsk(authorization_details: unknown, more: object = {}): Promise<string> {
  const { status, body } = await ask(authorization_details, more);
  expect({ status, body }).toMatchObject({ status: 200 });
  return String(body.auth_req_id);
}

/** The page of the latest request. */
async function open() {
  phone = bank.openPhone();
  const [latest = ''] = linksOf(await signIn(bank, phone));
  return phone.go(latest);
}

/** Ticks accounts by detail. */
async function decide(decision: 'approve' | 'refuse', ...ticked: readonly (readonly string[])[]) {
  const fields = ticked.flatMap((accounts, index) =>
    accounts.map((account) => [`account-${index}`, account] as const),
  );
  const page = await open();
  return phone.submit(page, '/decision', [...fields, ['decision', decision]]);
}

const introspect = async (token: unknown) =>
  (
    await shop.post('/oidc/token/introspection', {
      token: String(token),
      ...(await shop.authenticate()),
    })
  ).body;

describe('the customer', () => {
  test('sees each in plain words, and what they allow is what the tokens are for', async () => {
    const authReqId = await mustAsk([balances], { binding_message: 'A-17' });
    expect(textOf((await signIn(bank, phone)).html)).toContain('To see data from your accounts');
    const text = textOf((await open()).html);
    for (const shown of ['The shop asks you for one thing', 'A-17', 'balances', 'The terms']) {
      expect(text).toContain(shown);
    }
    await decide('approve', ['22289']);
    const { status, body } = await shop.poll(authReqId);
    expect(status).toBe(200);
    const granted = [{ ...balances, accounts: ['22289'], accessUntil: expect.any(String) }];
    expect(body.authorization_details).toEqual(granted);
    expect((await introspect(body.access_token)).authorization_details).toEqual(granted);
    expect((await shop.call(body.access_token, '/accounts/22289/balances')).status).toBe(200);
    expect((await shop.call(body.access_token, '/transactions')).status).toBe(403);
    expect((await shop.poll(authReqId)).body.error).toBe('invalid_grant');
  });

  test('decides about each by itself, and the client is told what is left', async () => {
    const authReqId = await mustAsk([balances, transactions]);
    expect(textOf((await signIn(bank, phone)).html)).toContain('To do 2 things');
    await decide('approve', [], ['31820']);
    const { body } = await shop.poll(authReqId);
    expect(body.authorization_details).toMatchObject([{ ...transactions, accounts: ['31820'] }]);
    expect((await shop.call(body.access_token, '/accounts/31820/transactions')).status).toBe(200);
    expect((await shop.call(body.access_token, '/accounts/22289/balances')).status).toBe(403);
  });

  test('who chooses nothing, or what is not theirs, is asked again and may refuse', async () => {
    const authReqId = await mustAsk([balances]);
    for (const ticked of [[], ['55555']]) {
      const again = await decide('approve', ticked);
      expect(again.status).toBe(400);
      expect(textOf(again.html)).toContain('Choose at least one account, or refuse');
    }
    expect((await shop.poll(authReqId)).body.error).toBe('authorization_pending');
    await decide('refuse');
    expect((await shop.poll(authReqId)).body.error).toBe('access_denied');
  });
});

test('the demo phone allows everything that is asked, detail by detail', async () => {
  const person = await openPerson(bank.authority.certificate);
  try {
    const authReqId = await mustAsk([balances, transactions]);
    const [latest = ''] = linksOf(await signIn(bank, phone));
    expect(await person.decide(latest, { ...amelia, what: '' }, 'allow')).toBe(true);
    const { body } = await shop.poll(authReqId);
    expect(body.authorization_details).toMatchObject([balances, transactions]);
  } finally {
    await person.close();
  }
});

test('an access token may be for less, and for nothing more', async () => {
  const wide = { ...balances, actions: [...balances.actions, 'read_transactions'] };
  const authReqId = await mustAsk([wide], { scope: 'openid offline_access' });
  await decide('approve', ['22289', '31820']);
  const narrow = { ...balances, accounts: ['22289'] };
  const { body } = await shop.poll(authReqId, { authorization_details: JSON.stringify([narrow]) });
  expect(body.authorization_details).toMatchObject([narrow]);
  expect((await shop.call(body.access_token, '/transactions')).status).toBe(403);
  expect((await shop.call(body.access_token, '/accounts/31820/balances')).status).not.toBe(200);
  const refreshed = await shop.refresh(body.refresh_token);
  expect(refreshed.body.authorization_details).toMatchObject([{ actions: wide.actions }]);
});

test.each<[string, unknown, string]>([
  ['an unknown type', [{ type: 'open_sesame' }], 'invalid_authorization_details'],
  [
    'a type that the bank does not offer',
    [{ type: 'payment_initiation', actions: ['initiate'] }],
    'invalid_authorization_details',
  ],
  ['an unknown member', [{ ...balances, everything: true }], 'invalid_authorization_details'],
  ['an unknown action', [{ ...balances, actions: ['rob'] }], 'invalid_authorization_details'],
  ['eleven details', Array.from({ length: 11 }, () => balances), 'invalid_authorization_details'],
  ['no list', balances, 'invalid_authorization_details'],
  ['no JSON', '[', 'invalid_authorization_details'],
])('%s: refused, and nobody is asked', async (_name, details, error) => {
  expect(await ask(details)).toMatchObject({ status: 400, body: { error } });
  expect(linksOf(await signIn(bank, phone, amelia))).toEqual([]);
});

test('details and an intent exclude each other, and a client needs its types', async () => {
  const intent = await shop.register();
  const both = await ask([balances], { scope: 'openid accounts', ...forIntent(intent) });
  expect(both).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  const other = await bank.till.ask({ scope: 'openid', authorization_details: [balances] });
  expect(other).toMatchObject({ status: 400, body: { error: 'invalid_authorization_details' } });
});

test('a payment, whose code has to name payee and amount, is refused', async () => {
  const types = ['account_information', 'payment_initiation'] as const;
  const payer = await startCiba({ features: { authorizationDetails: [...types] } });
  try {
    const client = await payer.connectClient('payee', { authorization_details_types: types });
    const payment = {
      type: 'payment_initiation',
      actions: ['initiate'],
      instructedAmount: { currency: 'GBP', amount: '1.00' },
      creditorName: 'Merchant',
      creditorAccount: { sortCode: '200000', accountNumber: '55779911' },
    };
    const answer = await client.ask({ scope: 'openid', authorization_details: [payment] });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_authorization_details' } });
    expect(answer.body.error_description).toContain('needs the pages of the bank');
  } finally {
    await payer.stop();
  }
});
