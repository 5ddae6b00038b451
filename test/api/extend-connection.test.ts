import { automaticSync } from '../../core/automatic-syncs.js';
import { createClientExtension } from '../../core/client-extension.js';
import { clients } from '../../core/clients.js';
import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { publishEvent } from '../../core/event.js';
import { syncConnection } from '../../core/order-sync.js';
import { update } from '../../core/storage.js';
import { connectPerson } from './support/connect-person.js';
import { grants, startApi, store, type TestApi } from './support/start-api.js';

const hour = 3_600_000;
const day = 24 * hour;

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await store(
    api.storage,
    clients,
    ['app', { client_id: 'app', own_consent_screens: true }],
    ['hosted', { client_id: 'hosted' }],
  );
});
afterAll(() => api.stop());

const ahead = (time: number) => new Date(api.clock.now() + time).toISOString();

function patch(
  { userId, connectionId }: { userId: string; connectionId: string },
  body: object,
  token = api.issue('connection:update'),
) {
  return api.call('patch', `/users/${userId}/connections/${connectionId}`, token, body);
}

const lost = { status: 'error', error: 'credentials_error' } as const;

/** As a sync finds it out. */
async function loseAtBank({ connectionId }: { connectionId: string }): Promise<void> {
  const held = await api.storage.get(connections, connectionId);
  if (!held) throw new Error('the connection is gone');
  await api.storage.commit([update(connections, held, { ...held.value, ...lost })]);
}

async function consentOf({ consentId }: { consentId: string }) {
  const stored = await api.storage.get(consents, consentId);
  if (!stored) throw new Error('the consent is gone');
  return stored.value;
}

const refusal = (code: string, message: string) => ({
  code,
  message,
  correlationId: expect.any(String),
});

const tooEarlyOrLate = refusal(
  'BadRequest',
  'expiresAt must be more than two hours and at most 90 days ahead',
);
const notSo = refusal(
  'BadRequest',
  'This connection takes no new expiresAt: its person must authenticate again',
);

test.each(['connection:update', 'user:update'])(
  'keeps what was sent two hours shorter, with its Grant, history and event (%s)',
  async (scope) => {
    const person = await connectPerson(api);
    const before = await consentOf(person);
    const expiresAt = ahead(60 * day);
    expect((await patch(person, { expiresAt }, api.issue(scope))).status).toBe(204);
    const kept = new Date(Date.parse(expiresAt) - 2 * hour).toISOString();
    expect(await consentOf(person)).toEqual({
      ...before,
      expiresAt: kept,
      history: [
        ...before.history,
        {
          status: 'authorised',
          at: expect.any(String),
          means: 'api',
          expiresAt: kept,
          permissions: before.permissions,
        },
      ],
    });
    expect((await api.storage.get(grants, person.consentId))?.expiresAt).toEqual(new Date(kept));
    const reported = (await api.waiting(publishEvent.name))
      .map(({ data }) => publishEvent.data.parse(data))
      .filter(({ userId }) => userId === person.userId);
    expect(reported.map(({ type }) => type)).toEqual(['consentExtended']);
  },
);

test('an offset is understood, and the end may be moved nearer', async () => {
  const person = await connectPerson(api);
  const local = new Date(api.clock.now() + 10 * day + 5.5 * hour).toISOString();
  await patch(person, { expiresAt: local.replace('Z', '+05:30') });
  expect((await consentOf(person)).expiresAt).toBe(ahead(10 * day - 2 * hour));
});

test('repeating it changes nothing more', async () => {
  const person = await connectPerson(api);
  const expiresAt = ahead(60 * day);
  await patch(person, { expiresAt });
  const once = await consentOf(person);
  expect((await patch(person, { expiresAt })).status).toBe(204);
  expect(await consentOf(person)).toEqual(once);
});

test('revives a connection whose consent expired, up to half a year ago', async () => {
  const person = await connectPerson(api, {
    consent: { expiresAt: ahead(-100 * day) },
    connection: { status: 'error', error: 'sync_error', kind: 'test' },
  });
  const expiresAt = ahead(90 * day);
  expect((await patch(person, { expiresAt })).status).toBe(204);
  const path = `/users/${person.userId}/connections`;
  const shown = await api.get(path, api.issue('connection:read'));
  expect(shown.body.data[0]).toMatchObject({
    status: 'ok',
    error: null,
    expiresAt: ahead(90 * day - 2 * hour),
  });
  expect(shown.body.data[0].extendedStatus).toBeUndefined();
  const late = await connectPerson(api, { consent: { expiresAt: ahead(-181 * day) } });
  expect(await patch(late, { expiresAt })).toMatchObject({ status: 400, body: notSo });
});

test('expiring and extending it in turns gains no call that the bank does not take', async () => {
  const person = await connectPerson(api, { consent: { expiresAt: ahead(-day) } });
  for (let turn = 0; turn < 7; turn++) {
    expect((await patch(person, { expiresAt: ahead(60 * day - turn * hour) })).status).toBe(204);
    expect((await patch(person, { expiresAt: ahead(2 * hour + 1000) })).status).toBe(204);
    api.clock.advance(2);
  }
  const own = (await api.waiting(syncConnection.name))
    .map(({ data }) => syncConnection.data.parse(data))
    .filter(({ connectionId }) => connectionId === person.connectionId);
  expect(own).toHaveLength(4);
  // The rest waits until the bank takes more, a day after the first.
  const [planned] = await api.waiting(automaticSync.name);
  expect(planned?.due).toBe(new Date(api.clock.now() - 14_000 + day).toISOString());
});

describe('is refused and changes nothing', () => {
  test.each([
    ['two hours ahead', 2 * hour],
    ['now', 0],
    ['in the past', -day],
    ['90 days and a second ahead', 90 * day + 1000],
  ])('%s', async (_name, time) => {
    const person = await connectPerson(api);
    const before = await consentOf(person);
    const answer = await patch(person, { expiresAt: ahead(time) });
    expect(answer).toMatchObject({ status: 400, body: tooEarlyOrLate });
    expect(await consentOf(person)).toEqual(before);
  });

  test.each([
    ['a date without an offset', { expiresAt: '2099-01-01T00:00:00' }],
    ['a day', { expiresAt: '2099-01-01' }],
    ['a number', { expiresAt: 4_070_908_800_000 }],
  ])('%s', async (_name, body) => {
    const answer = await patch(await connectPerson(api), body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(refusal('BadRequest', expect.stringMatching(/^expiresAt: /)));
  });

  test('no date at all', async () => {
    expect((await patch(await connectPerson(api), {})).body).toMatchObject({ code: 'BadRequest' });
  });

  test.each([
    ['the client set the end itself', { consent: { tppConsent: false } }],
    ['a legacy connection', { connection: { kind: 'legacy' as const } }],
    ['a bank that lost the person', { connection: lost }],
    [
      'a bank that lost the person, after the end',
      { connection: lost, consent: { expiresAt: '2020-01-01T00:00:00.000Z' } },
    ],
    [
      'a bank where the time of the person is over',
      { connection: { bankValidUntil: '2020-01-01T00:00:00.000Z' } },
    ],
  ])('%s', async (_name, given) => {
    const person = await connectPerson(api, given);
    const before = await consentOf(person);
    const answer = await patch(person, { expiresAt: ahead(60 * day) });
    expect(answer).toMatchObject({ status: 400, body: notSo });
    expect(await consentOf(person)).toEqual(before);
  });

  test('the same end again, once the bank lost the person', async () => {
    const person = await connectPerson(api);
    const expiresAt = ahead(60 * day);
    await patch(person, { expiresAt });
    await loseAtBank(person);
    expect(await patch(person, { expiresAt })).toMatchObject({ status: 400, body: notSo });
  });

  test('a bank that loses the person between the look and the commit', async () => {
    const person = await connectPerson(api);
    const before = await consentOf(person);
    const extend = createClientExtension({
      storage: api.storage,
      clock: api.clock,
      revival: 180 * 86_400,
      async extendGrant() {
        await loseAtBank(person);
        return [];
      },
      resumeSyncs: async () => [],
    });
    const extended = extend({ ...person, clientId: 'app' }, new Date(ahead(60 * day)));
    await expect(extended).rejects.toMatchObject({ message: notSo.message });
    expect(await consentOf(person)).toEqual(before);
  });

  test('a client whose people see the hosted screen', async () => {
    const person = await connectPerson(api, { user: { clientId: 'hosted' } });
    const token = api.issue('connection:update', { clientId: 'hosted' });
    expect(await patch(person, { expiresAt: ahead(60 * day) }, token)).toMatchObject({
      status: 403,
      body: refusal(
        'Forbidden',
        'Only clients with their own consent screens extend consents here',
      ),
    });
  });

  test("another client's, another user's, a waiting and an unknown one: all the same 404", async () => {
    const person = await connectPerson(api);
    const other = await connectPerson(api);
    const waiting = await connectPerson(api, { connection: { status: 'pending' } });
    const foreign = api.issue('user:update', { clientId: 'hosted' });
    const expiresAt = ahead(60 * day);
    const answers = [
      await patch(person, { expiresAt }, foreign),
      await patch({ ...person, userId: other.userId }, { expiresAt }),
      await patch(waiting, { expiresAt }),
      await patch({ ...person, connectionId: 'north-bank:unknown' }, { expiresAt }),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 404,
        body: refusal('NotFound', 'There is no such connection'),
      });
    }
  });

  test('a token without the scope', async () => {
    const person = await connectPerson(api);
    const token = api.issue('connection:read user:read');
    expect(await patch(person, { expiresAt: ahead(60 * day) }, token)).toMatchObject({
      status: 403,
      body: refusal(
        'Forbidden',
        'The access token needs the scope connection:update or user:update',
      ),
    });
  });
});
