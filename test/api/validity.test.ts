import { connectPerson } from './support/connect-person.js';
import { startApi, type TestApi } from './support/start-api.js';

const day = 86_400_000;
let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

const ahead = (time: number) => new Date(api.clock.now() + time).toISOString();
const validityPath = ({ userId, connectionId }: { userId: string; connectionId: string }) =>
  `/users/${userId}/connections/${connectionId}/validity`;

test.each(['connection:read', 'user:read'])(
  'tells both clocks and the next step (%s)',
  async (scope) => {
    const [expiresAt, bankValidUntil] = [ahead(4 * day), ahead(80 * day)];
    const person = await connectPerson(api, {
      consent: { expiresAt },
      connection: { bankValidUntil },
    });
    expect(await api.get(validityPath(person), api.issue(scope))).toMatchObject({
      status: 200,
      body: {
        data: {
          next: 'reconsent',
          consent: { validUntil: expiresAt, state: 'expiring', next: 'reconsent' },
          bankAuthentication: { validUntil: bankValidUntil, state: 'valid', next: 'none' },
        },
        meta: {},
      },
    });
  },
);

test('a bank that lost the person is visited again, whatever the consent says', async () => {
  const person = await connectPerson(api, {
    consent: { expiresAt: ahead(day) },
    connection: { status: 'error', error: 'credentials_error' },
  });
  const { body } = await api.get(validityPath(person), api.issue('user:read'));
  expect(body.data).toMatchObject({
    next: 'reauth',
    consent: { state: 'expiring', next: 'reauth' },
    bankAuthentication: { validUntil: null, state: 'lost', next: 'reauth' },
  });
});

test('there is none for another client, another user, or a connection that waits', async () => {
  const [person, other] = [await connectPerson(api), await connectPerson(api)];
  const waiting = await connectPerson(api, { connection: { status: 'pending' } });
  const token = api.issue('user:read');
  const answers = [
    await api.get(validityPath(person), api.issue('user:read', { clientId: 'other' })),
    await api.get(validityPath({ ...person, userId: other.userId }), token),
    await api.get(validityPath(waiting), token),
  ];
  for (const answer of answers) {
    expect(answer).toMatchObject({
      status: 404,
      body: { code: 'NotFound', message: 'There is no such connection' },
    });
  }
  expect((await api.get(validityPath(person), api.issue('user:update'))).status).toBe(403);
});
