import type { BankSession, BankTransaction, ConnectorState } from '../../core/institution.js';
import { authorise, connectTo, createMovableClock } from './support/connect-to-bank.js';
import {
  answer,
  balance,
  coffee,
  currentAccount,
  type Handler,
  issueCertificates,
  type ScriptedBank,
  sendJson,
  startScriptedBank,
} from './support/scripted-bank.js';

let certificates: Awaited<ReturnType<typeof issueCertificates>>;
let bank: ScriptedBank;

beforeAll(async () => {
  certificates = await issueCertificates();
  bank = await startScriptedBank(certificates);
});
afterAll(() => bank.stop());
beforeEach(() => bank.reset());

const connect = (changes = {}) => connectTo(bank, certificates, changes);
const tokenRoute = 'POST /mtls/token';
const transactionsRoute = 'GET /aisp/accounts/a-1/transactions';

async function openSession(): Promise<BankSession> {
  const connector = connect();
  return connector.open(await authorise(connector, bank));
}

const january = { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-02-01T00:00:00Z') };

async function readTransactions(session: BankSession): Promise<BankTransaction[]> {
  const found: BankTransaction[] = [];
  for await (const page of session.transactions('a-1', january)) found.push(...page);
  return found;
}

/** Takes only this access token; answers others as a bank does for one that ended. */
const only =
  (token: string, handler: Handler): Handler =>
  (request, response) => {
    const isTaken = request.headers.authorization === `Bearer ${token}`;
    return isTaken ? handler(request, response) : sendJson(response, 401, {});
  };

describe('reading accounts', () => {
  it('maps an account with its numbers and its balance in minor units', async () => {
    const session = await openSession();

    expect(await session.accounts()).toEqual([
      {
        upstreamId: 'a-1',
        name: 'Everyday',
        type: 'cash:current',
        holder: 'personal',
        currency: 'GBP',
        balance: { amount: -123450, at: new Date('2026-01-31T12:00:00Z') },
        identification: { sortCode: '100000', accountNumber: '12345678' },
      },
    ]);
    const [request] = bank.requests('GET /aisp/accounts');
    expect(request?.headers.authorization).toBe('Bearer first-token');
    expect(request?.headers['x-fapi-interaction-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(request?.hasTrustedCertificate).toBe(true);
  });

  it('reads every page of them', async () => {
    bank.script('GET /aisp/accounts', ({ query }, response) => {
      const page = Number(query.get('page') ?? 1);
      sendJson(response, 200, {
        Data: { Account: [{ ...currentAccount, AccountId: `b-${page}`, Account: undefined }] },
        Links: page < 3 ? { Next: `?page=${page + 1}` } : {},
      });
    });
    const accounts = await (await openSession()).accounts();

    expect(accounts.map(({ upstreamId }) => upstreamId)).toEqual(['b-1', 'b-2', 'b-3']);
  });

  it('shows an account without a balance where the bank states none', async () => {
    bank.script('GET /aisp/accounts/a-1/balances', answer(403, { Code: '403' }));
    const [account] = await (await openSession()).accounts();

    expect(account?.upstreamId).toBe('a-1');
    expect(account).not.toHaveProperty('balance');
  });

  it('asks for no balance where the person did not allow it', async () => {
    const connector = connect();
    const authorization = {
      ...(await authorise(connector, bank)),
      permissions: ['ReadAccountsBasic'],
    };
    const session = await connector.open(authorization);

    expect((await session.accounts())[0]).not.toHaveProperty('balance');
    expect(bank.requests('GET /aisp/accounts/a-1/balances')).toHaveLength(0);
  });

  it('prefers what is booked, in the currency of the account', async () => {
    const booked = { ...balance, Type: 'InterimBooked', Amount: { Amount: '7', Currency: 'GBP' } };
    const dollars = { ...booked, Amount: { Amount: '8', Currency: 'USD' } };
    bank.script(
      'GET /aisp/accounts/a-1/balances',
      answer(200, { Data: { Balance: [balance, dollars, booked] } }),
    );
    const [account] = await (await openSession()).accounts();

    expect(account?.balance?.amount).toBe(-700);
  });

  it('is content with a person who chose no account', async () => {
    bank.script('GET /aisp/accounts', answer(200, { Data: {}, Links: {} }));

    expect(await (await openSession()).accounts()).toEqual([]);
  });
});

describe('reading transactions', () => {
  it('maps credits and debits, booked and pending, and leaves out what was rejected', async () => {
    const others = [
      { ...coffee, TransactionId: 't-2', CreditDebitIndicator: 'Credit', Status: 'Pending' },
      { ...coffee, TransactionId: 't-3', Status: 'Rejected' },
    ];
    bank.script(transactionsRoute, answer(200, { Data: { Transaction: [coffee, ...others] } }));
    const common = {
      bookedAt: new Date('2026-01-15T09:30:00Z'),
      currency: 'GBP',
      description: 'Coffee',
    };

    expect(await readTransactions(await openSession())).toEqual([
      { ...common, upstreamId: 't-1', amount: -320, status: 'posted' },
      { ...common, upstreamId: 't-2', amount: 320, status: 'pending' },
    ]);
  });

  it('asks for the window and gives nothing outside of it, the end excluded', async () => {
    const at = (id: string, BookingDateTime: string) => ({
      ...coffee,
      TransactionId: id,
      BookingDateTime,
    });
    const Transaction = [
      at('before', '2025-12-31T23:59:59Z'),
      at('first', '2026-01-01T00:00:00Z'),
      at('last', '2026-01-31T23:59:59.999Z'),
      at('after', '2026-02-01T00:00:00Z'),
    ];
    bank.script(transactionsRoute, answer(200, { Data: { Transaction } }));
    const found = await readTransactions(await openSession());

    expect(found.map(({ upstreamId }) => upstreamId)).toEqual(['first', 'last']);
    expect(Object.fromEntries(bank.requests(transactionsRoute)[0]?.query ?? [])).toEqual({
      fromBookingDateTime: '2026-01-01T00:00:00',
      toBookingDateTime: '2026-02-01T00:00:00',
    });
  });

  it('gives transactions without an id one that is the same at every reading', async () => {
    const { TransactionId: _, ...anonymous } = coffee;
    bank.script(transactionsRoute, answer(200, { Data: { Transaction: [anonymous, anonymous] } }));
    const session = await openSession();
    const ids = (await readTransactions(session)).map(({ upstreamId }) => upstreamId);

    expect(new Set(ids).size).toBe(2);
    expect((await readTransactions(session)).map(({ upstreamId }) => upstreamId)).toEqual(ids);
  });

  it('hands over each page before it asks for the next', async () => {
    bank.script(transactionsRoute, ({ query }, response) => {
      const page = Number(query.get('page') ?? 1);
      const Next = `${bank.resourceUrl}/accounts/a-1/transactions?page=${page + 1}`;
      sendJson(response, 200, { Data: { Transaction: [coffee] }, Links: { Next } });
    });
    const pages = (await openSession()).transactions('a-1', january)[Symbol.asyncIterator]();
    await pages.next();
    await pages.next();

    expect(bank.requests(transactionsRoute)).toHaveLength(2);
  });

  it('never takes its token to a link on another origin', async () => {
    const other = await startScriptedBank(certificates);
    const links = [
      `${other.mtls}/aisp/accounts`,
      `http${bank.mtls.slice(5)}/x`,
      '//evil.example/x',
      'https://[',
    ];
    try {
      for (const Next of links) {
        bank.script(transactionsRoute, answer(200, { Data: {}, Links: { Next } }));
        await expect(readTransactions(await openSession())).rejects.toMatchObject({
          code: 'invalid_answer',
        });
      }
      expect(other.seen).toHaveLength(0);
    } finally {
      await other.stop();
    }
  });

  it('stops at a bank whose pages go round', async () => {
    bank.script(
      'GET /aisp/accounts',
      answer(200, { Data: { Account: [] }, Links: { Next: '?page=1' } }),
    );

    await expect((await openSession()).accounts()).rejects.toMatchObject({
      code: 'invalid_answer',
    });
    expect(bank.requests('GET /aisp/accounts')).toHaveLength(20);
  });

  it.each([
    ['an amount with a fraction of a penny', { Amount: { Amount: '1.005', Currency: 'GBP' } }],
    ['a signed amount', { Amount: { Amount: '-1.00', Currency: 'GBP' } }],
    ['an amount that is a number', { Amount: { Amount: 1, Currency: 'GBP' } }],
    ['a currency of no three letters', { Amount: { Amount: '1.00', Currency: 'pounds' } }],
    ['neither credit nor debit', { CreditDebitIndicator: 'Both' }],
    ['a date that is none', { BookingDateTime: '2026-02-30T00:00:00Z' }],
    ['an unknown status', { Status: 'Perhaps' }],
  ])('does not guess about %s', async (_what, change) => {
    bank.script(
      transactionsRoute,
      answer(200, { Data: { Transaction: [{ ...coffee, ...change }] } }),
    );

    await expect(readTransactions(await openSession())).rejects.toMatchObject({
      code: 'invalid_answer',
      message: 'Test Bank sent an answer that could not be understood.',
    });
  });
});

describe('keeping tokens fresh', () => {
  async function openLater(seconds: number, changes: ConnectorState = {}) {
    const clock = createMovableClock();
    const connector = connect({ clock });
    const authorization = { ...(await authorise(connector, bank)), ...changes };
    clock.advance(seconds);
    return { connector, authorization, open: () => connector.open(authorization) };
  }

  it('uses the access token without a call while it is good', async () => {
    const { open } = await openLater(3500);
    bank.seen.length = 0;
    await open();

    expect(bank.seen).toHaveLength(0);
  });

  it('refreshes shortly before the end, and keeps the refresh token where no new one comes', async () => {
    const { open } = await openLater(3580);

    expect((await open()).authorization).toMatchObject({
      intentId: 'intent-1',
      accessToken: 'second-token',
      refreshToken: 'first-refresh',
    });
    expect(bank.requests(tokenRoute).at(-1)?.form.get('refresh_token')).toBe('first-refresh');
  });

  it('takes the new refresh token of a bank that rotates', async () => {
    const { open } = await openLater(3600);
    const rotated = { access_token: 'a', refresh_token: 'r', token_type: 'bearer', expires_in: 60 };
    bank.script(tokenRoute, answer(200, rotated));

    expect((await open()).authorization).toMatchObject({ accessToken: 'a', refreshToken: 'r' });
  });

  it('refreshes once for readers at the same time', async () => {
    const { open } = await openLater(3600);
    const sessions = await Promise.all([open(), open(), open()]);

    expect(sessions.map(({ authorization }) => authorization.accessToken)).toEqual(
      Array(3).fill('second-token'),
    );
    expect(bank.requests(tokenRoute).filter(({ form }) => form.has('refresh_token'))).toHaveLength(
      1,
    );
  });

  it('loses nothing when the answer to a refresh is lost: the next try uses the same token', async () => {
    const { open } = await openLater(3600);
    bank.script(tokenRoute, ({ form }, response) => {
      if (form.get('grant_type') === 'refresh_token') response.destroy();
    });
    await expect(open()).rejects.toMatchObject({ code: 'unavailable' });

    bank.reset();
    expect((await open()).authorization).toMatchObject({ accessToken: 'second-token' });
    expect(bank.requests(tokenRoute).at(-1)?.form.get('refresh_token')).toBe('first-refresh');
  });

  it.each([
    ['invalid_grant', 'authorization_lost'],
    ['invalid_client', 'refused'],
  ])('says what a refresh that ends in %s means: %s', async (error, code) => {
    const { open } = await openLater(3600);
    bank.script(tokenRoute, answer(400, { error }));

    await expect(open()).rejects.toMatchObject({
      code,
      message: expect.stringContaining('Test Bank'),
    });
  });

  it('needs the person again once the access token ended and there is no refresh token', async () => {
    const { open } = await openLater(3600, { refreshToken: undefined });

    await expect(open()).rejects.toMatchObject({ code: 'authorization_lost' });
  });

  it('uses an access token without a refresh token to its end', async () => {
    const { open } = await openLater(3590, { refreshToken: undefined });

    expect((await open()).authorization).toMatchObject({ accessToken: 'first-token' });
  });

  it('refreshes a token that the bank no longer takes, reads on, and shows what to store', async () => {
    const session = await openSession();
    bank.script('GET /aisp/accounts', only('second-token', answer(200, { Data: { Account: [] } })));

    expect(await session.accounts()).toEqual([]);
    expect(session.authorization).toMatchObject({ accessToken: 'second-token' });
  });

  it('says that the authorization is lost where a fresh token is not taken either', async () => {
    const session = await openSession();
    bank.script('GET /aisp/accounts', (_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
    });

    await expect(session.accounts()).rejects.toMatchObject({
      code: 'authorization_lost',
      message: 'Test Bank no longer shares these accounts with us. Please connect it again.',
    });
    expect(bank.requests('GET /aisp/accounts')).toHaveLength(2);
  });

  it('says refused where the bank forbids', async () => {
    const session = await openSession();
    bank.script('GET /aisp/accounts', answer(403, {}));

    await expect(session.accounts()).rejects.toMatchObject({ code: 'refused' });
  });

  it('does not open what it did not make', async () => {
    await expect(connect().open({ accessToken: 1 })).rejects.toMatchObject({
      code: 'authorization_lost',
    });
  });
});

describe('a consent at the bank', () => {
  const route = 'GET /aisp/account-access-consents/intent-1';

  it.each(['Authorised', 'Revoked', 'Rejected', 'AwaitingAuthorisation'])(
    'is in force only while the bank says so: %s',
    async (Status) => {
      const connector = connect();
      const authorization = await authorise(connector, bank);
      bank.script(route, answer(200, { Data: { ConsentId: 'intent-1', Status } }));

      expect(await connector.isConsentInForce?.(authorization)).toBe(Status === 'Authorised');
      expect(bank.requests(route)[0]?.headers.authorization).toBe('Bearer client-token');
    },
  );

  it.each([400, 404])('is not in force where the bank answers %i', async (status) => {
    const connector = connect();
    const authorization = await authorise(connector, bank);
    bank.script(route, answer(status, {}));

    expect(await connector.isConsentInForce?.(authorization)).toBe(false);
  });

  it.each([
    ['refused', 401, {}],
    ['refused', 403, {}],
    ['unavailable', 503, {}],
    ['rate_limited', 429, {}],
    ['invalid_answer', 200, { Data: {} }],
  ])('is not known where the bank cannot say: %s', async (code, status, body) => {
    const connector = connect();
    const authorization = await authorise(connector, bank);
    bank.script(route, answer(status, body));

    await expect(connector.isConsentInForce?.(authorization)).rejects.toMatchObject({ code });
  });
});

describe('a bank that counts calls', () => {
  const accountsRoute = 'GET /aisp/accounts';

  it('is told who is there, and since when, only while somebody is', async () => {
    const connector = connect();
    const authorization = await authorise(connector, bank);
    const lastLoggedIn = new Date('2026-03-01T09:08:07Z');
    await (
      await connector.open(authorization, { ipAddress: '2001:db8::7', lastLoggedIn })
    ).accounts();
    await (await connector.open(authorization)).accounts();

    const [present, absent] = bank.requests(accountsRoute);
    expect(present?.headers).toMatchObject({
      'x-fapi-customer-ip-address': '2001:db8::7',
      'x-fapi-auth-date': 'Sun, 01 Mar 2026 09:08:07 GMT',
    });
    expect(absent?.headers).not.toHaveProperty('x-fapi-customer-ip-address');
    expect(absent?.headers).not.toHaveProperty('x-fapi-auth-date');
  });

  it.each([
    ['seconds', '120', 120],
    ['a date', new Date(Date.now() + 60_500).toUTCString(), expect.any(Number)],
    ['a time that is over', 'Thu, 01 Jan 2026 00:00:00 GMT', 1],
    ['more than a day', '999999999', 86_400],
    ['nonsense', 'soon', undefined],
    ['nothing', undefined, undefined],
  ])('says when it takes more: %s', async (_what, header, retryAfter) => {
    const session = await openSession();
    bank.script(accountsRoute, (_request, response) => {
      if (header !== undefined) response.setHeader('retry-after', header);
      sendJson(response, 429, {});
    });

    const failure: unknown = await session.accounts().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'rate_limited', retryAfter });
  });
});
