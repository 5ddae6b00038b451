import { connections } from '../../core/connection.js';
import { parseConnectionRequest } from '../../core/connection-request.js';
import { consents } from '../../core/consent.js';
import { StorageConflict } from '../../core/storage.js';
import { findMongoServer } from '../adapters/support/find-mongo-server.js';
import { mongoKind, removeTestDirectories, sqliteKind } from '../adapters/support/test-database.js';
import { connectPerson } from '../api/support/connect-person.js';
import { startApi, type TestApi } from '../api/support/start-api.js';
import { client, createTestConnect } from './support/test-connect.js';

const server = await findMongoServer();
const kinds = 'uri' in server ? [sqliteKind, mongoKind(server.uri)] : [sqliteKind];

afterAll(async () => {
  if ('uri' in server) await server.stop();
  await removeTestDirectories();
});

if ('missing' in server) {
  describe.skip(`lost races on MongoDB (${server.missing})`, () => {
    test('change nothing', () => {});
  });
}

/** A journey that ends in one tab while another asks the bank: whoever comes second changes nothing. */
describe.each(kinds)('lost races on $name', (kind) => {
  let api: TestApi;

  beforeEach(async () => {
    api = await startApi(kind);
  });
  afterEach(() => api.stop());

  const policy = () => ({
    now: api.clock.now(),
    ...{ oneTimeConsent: 86_400, ongoingConsent: 90 * 86_400, revival: 180 * 86_400 },
  });

  /** Goes to the bank and back, cancels in another tab, and then keeps what the bank gave. */
  async function cancelMeanwhile(scope: string, claims: object) {
    const visits = createTestConnect(api);
    const { connect } = visits;
    const asked = JSON.stringify({ id_token: claims });
    const parsed = parseConnectionRequest(['openid', scope], asked, policy());
    const request = await connect.check(parsed, client, policy());
    await connect.depart(await visits.open('uid', request), request);
    visits.answer({
      outcome: 'authorised',
      authorization: { refreshToken: 'of the visit' },
      subject: 'amara',
    });
    const arrival = await connect.arrive(await visits.open('uid', request), new URLSearchParams());
    await api.storage.commit(await connect.leave(await visits.open('uid', request)));
    if (arrival.outcome !== 'connected') throw new Error(arrival.reason);
    const kept = arrival.keep(({ writes }) => api.storage.commit(writes));
    return { visits, kept };
  }

  test('a cancelled reauth leaves the connection with its authorization', async () => {
    const person = await connectPerson(api, { connection: { bankSubject: 'amara' } });
    const connection = await api.storage.get(connections, person.connectionId);
    const consent = await api.storage.get(consents, person.consentId);
    const { visits, kept } = await cancelMeanwhile('reauth', {
      sub: { value: person.userId },
      'mh:con_id': { value: person.connectionId },
    });
    await expect(kept).rejects.toThrow(StorageConflict);
    await visits.expectWithdrawn('north-bank of the visit');
    expect(await api.storage.get(connections, person.connectionId)).toEqual(connection);
    expect(await api.storage.get(consents, person.consentId)).toEqual(consent);
  });

  test('a cancelled connection is not made, and its consent stays rejected', async () => {
    const { userId } = await connectPerson(api);
    const { visits, kept } = await cancelMeanwhile('id:north-bank', { sub: { value: userId } });
    await expect(kept).rejects.toThrow();
    await visits.expectWithdrawn('north-bank of the visit');
    const query = { index: 'user', equals: userId, limit: 10 };
    expect((await api.storage.find(connections, query)).records).toHaveLength(1);
    const given = await api.storage.find(consents, query);
    expect(given.records.map(({ value }) => value.status).sort()).toEqual([
      'authorised',
      'rejected',
    ]);
  });
});
