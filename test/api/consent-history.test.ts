import { accounts } from '../../core/account.js';
import { clients } from '../../core/clients.js';
import { authoriseConsent, type Consent, consents } from '../../core/consent.js';
import { defaultPermissions } from '../../core/permissions.js';
import { connectPerson } from './support/connect-person.js';
import { startApi, store, type TestApi } from './support/start-api.js';

const day = 86_400_000;
const authRequestId = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
  await store(api.storage, clients, ['app', { client_id: 'app', own_consent_screens: true }]);
});
afterEach(() => api.stop());

const time = (ahead: number) => new Date(api.clock.now() + ahead).toISOString();

function history(query = '', facts = {}) {
  return api.get(`/consent-history${query}`, api.issue('consent_history:read', facts));
}

test('each time that a consent was given is an authorization, with its own end', async () => {
  const [first, end] = [time(0), time(30 * day)];
  const person = await connectPerson(api, {
    consent: {
      expiresAt: end,
      history: [
        { status: 'awaiting_authorisation', at: first, authRequestId },
        {
          status: 'authorised',
          at: first,
          means: 'connect',
          expiresAt: end,
          permissions: ['ReadAccountsBasic'],
          authRequestId,
        },
      ],
    },
  });
  api.clock.advance(10 * 86_400);
  const [second, sent] = [time(0), time(60 * day)];
  const path = `/users/${person.userId}/connections/${person.connectionId}`;
  await api.call('patch', path, api.issue('connection:update'), { expiresAt: sent });
  const later = new Date(Date.parse(sent) - 7_200_000).toISOString();
  const common = {
    consentId: person.consentId,
    consentType: 'ais',
    consentStatus: 'Authorised',
    cancelledAt: null,
    erroredAt: null,
    userId: person.userId,
    provider: 'north-bank',
  };
  const answer = await history(`?userId=${person.userId}`);
  expect(answer).toMatchObject({
    status: 200,
    body: {
      data: [
        {
          ...common,
          authorizationRequestId: authRequestId,
          consentFrom: first,
          createdAt: first,
          consentTo: end,
          expiresAt: end,
          permissions: ['ReadAccountsBasic'],
        },
        {
          ...common,
          authorizationRequestId: expect.any(String),
          consentFrom: second,
          createdAt: second,
          consentTo: later,
          expiresAt: later,
          permissions: [...defaultPermissions],
        },
      ],
      meta: { total: 2, limit: 100, offset: 0 },
    },
  });
  expect((await history(`?userId=${person.userId}`)).body).toEqual(answer.body);
});

test('what a client extends again and again is one step, and accounts are read once', async () => {
  const { userId, connectionId, consentId } = await connectPerson(api);
  const extend = (expiresAt: string) =>
    api.call(
      'patch',
      `/users/${userId}/connections/${connectionId}`,
      api.issue('connection:update'),
      { expiresAt },
    );
  for (let round = 0; round < 5; round++) {
    api.clock.advance(60);
    expect((await extend(time(80 * day))).status).toBe(204);
  }
  const last = time(0);
  const stored = await api.storage.get(consents, consentId);
  expect(stored?.value.history).toHaveLength(3);
  api.calls.length = 0;
  const { data } = (await history(`?userId=${userId}`)).body;
  expect(data.map((each: { createdAt: string }) => each.createdAt)).toContain(last);
  expect(data).toHaveLength(2);
  expect(api.calls.filter((call) => call === 'find account')).toHaveLength(1);
});

test('the steps of a consent are bounded, and the first and the last are there', () => {
  const terms = { permissions: [], expiresAt: time(day), tppConsent: true };
  const made = { status: 'awaiting_authorisation', at: time(0) } as const;
  let consent: Consent = {
    ...{ id: '', clientId: '', userId: '', connectionId: '', institutionId: '', ...terms },
    ...{ access: 'ongoing', status: made.status, history: [made] },
  };
  for (let round = 1; round <= 150; round++) {
    consent = authoriseConsent(consent, terms, { means: 'reauth', at: new Date(round) });
  }
  expect(consent.history).toHaveLength(100);
  expect(consent.history[0]).toEqual(made);
  expect(consent.history.at(-1)?.at).toBe(new Date(150).toISOString());
});

test('what was revoked or refused stays, also when its user is gone', async () => {
  const person = await connectPerson(api);
  const refused = await connectPerson(api, {
    user: { userId: person.userId },
    connection: { status: 'pending' },
    consent: {
      status: 'rejected',
      history: [
        { status: 'awaiting_authorisation', at: time(1000) },
        { status: 'rejected', at: time(2000) },
      ],
    },
  });
  const erroredAt = time(2000);
  api.clock.advance(60);
  await api.call('delete', `/users/${person.userId}`, api.issue('user:delete'));
  const { body } = await history(`?userId=${person.userId}`);
  expect(body.data).toMatchObject([
    {
      consentId: person.consentId,
      consentStatus: 'Revoked',
      cancelledAt: time(0),
      erroredAt: null,
    },
    { consentId: refused.consentId, consentStatus: 'Rejected', cancelledAt: null, erroredAt },
  ]);
});

test('accounts are named while they are shared with their details', async () => {
  const person = await connectPerson(api);
  const account = (id: string, identification: object) =>
    [
      id,
      {
        id,
        connectionId: person.connectionId,
        userId: person.userId,
        institutionId: 'north-bank',
        institutionName: 'North Bank',
        bank: {
          upstreamId: id,
          name: id,
          type: 'cash:current',
          holder: 'personal' as const,
          currency: 'GBP',
          identification,
        },
        dateAdded: time(0),
        dateModified: time(0),
      },
    ] as const;
  await store(
    api.storage,
    accounts,
    account('a1', { sortCode: '010203', accountNumber: '12345678', iban: 'GB00X' }),
    account('a2', { iban: 'GB00ABCD' }),
  );
  const read = async () => (await history(`?userId=${person.userId}`)).body.data[0].accountDetails;
  expect(await read()).toEqual([
    { schemeName: 'UK.OBIE.SortCodeAccountNumber', identification: '01020312345678' },
    { schemeName: 'UK.OBIE.IBAN', identification: 'GB00ABCD' },
  ]);
  api.clock.advance(91 * 86_400);
  expect(await read()).toBeUndefined();
});

test("all of a client's are listed in order and page by page, and nobody else's", async () => {
  const made: string[] = [];
  for (let number = 0; number < 5; number++) {
    api.clock.advance(1);
    made.push((await connectPerson(api)).consentId);
    await connectPerson(api, { user: { clientId: 'other' } });
    await connectPerson(api, { user: { clientId: 'app|other' } });
  }
  const ids = async (query: string) => {
    const { body } = await history(query);
    return body.data.map(({ consentId }: { consentId: string }) => consentId);
  };
  expect(await ids('')).toEqual(made);
  expect(await ids('?limit=2&offset=1')).toEqual(made.slice(1, 3));
  expect(await ids('?offset=5')).toEqual([]);
  expect((await history('?limit=2')).body.meta).toEqual({ limit: 2, offset: 0 });
});

test('a token for one person shows that person alone', async () => {
  const [person, other] = [await connectPerson(api), await connectPerson(api)];
  const facts = { subject: person.userId };
  for (const query of ['', `?userId=${person.userId}`]) {
    expect((await history(query, facts)).body).toMatchObject({
      data: [{ userId: person.userId }],
      meta: { total: 1 },
    });
  }
  expect(await history(`?userId=${other.userId}`, facts)).toMatchObject({
    status: 403,
    body: {
      code: 'Forbidden',
      message: 'The access token speaks for another person',
      correlationId: expect.any(String),
    },
  });
});

test('is refused for what cannot be asked', async () => {
  const foreign = await connectPerson(api, { user: { clientId: 'other' } });
  for (const userId of [foreign.userId, 'f'.repeat(24)]) {
    expect(await history(`?userId=${userId}`)).toMatchObject({
      status: 404,
      body: { code: 'NotFound', message: 'There is no such user' },
    });
  }
  expect((await history('?limit=0')).body).toMatchObject({ code: 'BadRequest' });
  expect((await api.get('/consent-history', api.issue('user:read'))).body).toMatchObject({
    code: 'Forbidden',
    message: 'The access token needs the scope consent_history:read',
  });
});
