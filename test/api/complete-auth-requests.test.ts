import request from 'supertest';
import { authRequests } from '../../core/auth-request.js';
import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { InstitutionError } from '../../core/institution.js';
import { update } from '../../core/storage.js';
import { syncs } from '../../core/sync.js';
import { users } from '../../core/user.js';
import { eventually } from '../support/eventually.js';
import { connectPerson } from './support/connect-person.js';
import type { TestApi } from './support/start-api.js';
import {
  type AuthRequestClient,
  redirectUri,
  refusal,
  startAuthRequests,
} from './support/start-auth-requests.js';

const day = 86_400_000;

let app: AuthRequestClient;
let api: TestApi;
beforeEach(async () => {
  app = await startAuthRequests();
  api = app.api;
});
afterEach(() => api.stop());

describe('the way back from the bank', () => {
  const callback = (query: string) => request(api.server).get(`/bank/callback?${query}`);

  test("leads to the client, with the bank's answer as it came", async () => {
    const plain = await app.started();
    const query = `code=a%20b&state=${plain.state}&iss=https%3A%2F%2Fnorth-bank.example&x=1`;
    const answer = await callback(query).expect(303);
    expect(answer.headers.location).toBe(`${redirectUri}?${query}`);
    const other = await app.started({ redirectUri: 'https://app.example.com/other?from=bank' });
    const second = await callback(`error=access_denied&state=${other.state}`).expect(303);
    expect(second.headers.location).toBe(
      `https://app.example.com/other?from=bank&error=access_denied&state=${other.state}`,
    );
    await callback('code=c&state=unknown').expect(404);
  });

  test('an issuer that the client leaves out is the one that came with the very same code', async () => {
    const seen: (string | null)[] = [];
    api.bank.answer = async (query) => {
      seen.push(query.get('iss'));
      return { outcome: 'authorised', authorization: {} };
    };
    const same = await app.started();
    await callback(`code=c1&state=${same.state}&iss=https://north-bank.example`);
    await app.complete(same.id, { state: same.state, code: 'c1' });
    const otherCode = await app.started();
    await callback(`code=c2&state=${otherCode.state}&iss=https://north-bank.example`);
    await app.complete(otherCode.id, { state: otherCode.state, code: 'stolen' });
    expect(seen).toEqual(['https://north-bank.example', null]);
  });

  test('what came first is not replaced, and of another issuer nothing is noted (SEC-62)', async () => {
    const { id, state } = await app.started();
    await callback(`code=evil&state=${state}&iss=https://evil.example`).expect(303);
    expect((await app.stored(id))?.landed).toBeUndefined();
    await callback(`code=c&state=${state}&iss=https://north-bank.example`).expect(303);
    const noted = await api.storage.get(authRequests, id);
    expect(noted?.value.landed).toMatchObject({ iss: 'https://north-bank.example' });
    for (const iss of ['https://evil.example', 'https://north-bank.example']) {
      await callback(`error=access_denied&state=${state}&iss=${iss}`).expect(303);
    }
    expect(await api.storage.get(authRequests, id)).toEqual(noted);
    expect((await app.complete(id, { state, code: 'c' })).body.data.status).toBe('complete');
  });

  test('a callback at the moment of the completion costs nobody the completion (SEC-62)', async () => {
    const { id, state } = await app.started();
    const read = await api.storage.get(authRequests, id);
    if (!read) throw new Error('no auth request');
    const issuer = 'https://north-bank.example';
    const landed = { answer: 'of another code', iss: issuer };
    // It is noted between what the completion reads and what it writes.
    let noted: Promise<void> | undefined;
    api.bank.issuer = () => {
      noted ??= api.storage.commit([update(authRequests, read, { ...read.value, landed })]);
      return issuer;
    };
    expect((await app.complete(id, { state, code: 'c' })).body.data).toMatchObject({
      status: 'complete',
    });
    await noted;
    expect(await app.stored(id)).toMatchObject({ landed });
  });
});

describe('completing', () => {
  test('makes the connection at once, for the user who was named', async () => {
    const { id, state, data } = await app.started();
    const answer = await app.complete(id, { state, code: 'bank-code' });
    const { redirectParams: _once, ...shown } = data;
    const { connectionId } = answer.body.data;
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      data: { ...shown, status: 'complete', connectionId: expect.stringMatching(/^north-bank:/) },
      meta: {},
    });
    const listed = await api.get(`/users/${data.userId}/connections`, api.issue('connection:read'));
    expect(listed.body.data).toMatchObject([{ id: connectionId, status: 'ok', tppConsent: true }]);
    expect(await api.storage.count(syncs, 'connection', connectionId)).toBe(1);
    const history = await api.get('/consent-history', api.issue('consent_history:read'));
    expect(history.body.data).toMatchObject([
      { authorizationRequestId: id, consentStatus: 'Authorised', userId: data.userId },
    ]);
  });

  test('without a user one-time access makes one, for a day', async () => {
    const { data } = (await app.create({})).body;
    expect(data.userId).toBeUndefined();
    const { body } = await app.complete(data.id, { state: data.redirectParams.state, code: 'c' });
    const { userId } = body.data;
    expect((await api.storage.get(users, userId))?.value).toMatchObject({ managedBy: 'user' });
    const listed = await api.get(`/users/${userId}/connections`, api.issue('connection:read'));
    expect(listed.body.data).toMatchObject([
      { expiresAt: app.later(day), tppConsent: false, singleSyncOnly: true },
    ]);
  });

  test('unless it is followed by its sync, its answer comes with the first data', async () => {
    api.bank.accounts = [
      { upstreamId: 'a', name: 'a', type: 'cash:current', holder: 'personal', currency: 'GBP' },
    ];
    api.doJobs();
    const { id, state } = await app.started({ sync: undefined });
    const { body } = await app.complete(id, { state, code: 'c' });
    const connection = await api.storage.get(connections, body.data.connectionId);
    expect(connection?.value.accountIds).toHaveLength(1);
  });

  test('renews a connection in place', async () => {
    const person = await connectPerson(api, {
      consent: { expiresAt: app.later(-day) },
      connection: { status: 'error', error: 'credentials_error', bankSubject: 'psu' },
    });
    api.bank.answer = async () => ({
      outcome: 'authorised',
      authorization: { refreshToken: 'new' },
      subject: 'psu',
    });
    const { connectionId } = person;
    const { data } = (await app.create({ scope: 'openid reauth', connectionId })).body;
    expect(data).toMatchObject({ bankId: 'north-bank', connectionId });
    const before = (await api.storage.get(connections, connectionId))?.value;
    expect(before?.error).toBe('credentials_error');
    const { body } = await app.complete(data.id, { state: data.redirectParams.state, code: 'c' });
    expect(body.data).toMatchObject({ status: 'complete', connectionId, userId: person.userId });
    expect((await api.storage.get(connections, connectionId))?.value).toMatchObject({
      status: 'ok',
      authorization: { refreshToken: 'new' },
    });
    const consent = (await api.storage.get(consents, person.consentId))?.value;
    expect(consent?.expiresAt).toBe(app.later(90 * day));
    expect(consent?.history.at(-1)).toMatchObject({ means: 'reauth', authRequestId: data.id });
  });

  test("another person's sign-in at the bank renews nothing", async () => {
    const person = await connectPerson(api, { connection: { bankSubject: 'psu' } });
    api.bank.answer = async () => ({
      outcome: 'authorised',
      authorization: { refreshToken: 'of somebody else' },
      subject: 'somebody else',
    });
    const { connectionId } = person;
    const before = (await api.storage.get(connections, connectionId))?.value;
    const { data } = (await app.create({ scope: 'openid reauth', connectionId })).body;
    const { body } = await app.complete(data.id, { state: data.redirectParams.state, code: 'c' });
    expect(body.data.status).toBe('error');
    expect((await api.storage.get(connections, connectionId))?.value).toEqual(before);
    await eventually(() =>
      expect(api.bank.revoked).toContainEqual({ refreshToken: 'of somebody else' }),
    );
  });

  test.each([
    ['a legacy connection', 'legacy' as const, 'openid reauth'],
    ['a refresh of an API connection', 'api' as const, 'openid refresh'],
    ['a reconsent', 'api' as const, 'openid reconsent'],
  ])('does not renew %s', async (_name, kind, scope) => {
    const { connectionId } = await connectPerson(api, { connection: { kind } });
    expect((await app.create({ scope, connectionId })).body).toMatchObject({ code: 'BadRequest' });
    expect(api.bank.begun).toEqual([]);
  });

  test('with an error of the bank ends it, and rejects the consent', async () => {
    api.bank.answer = async () => ({ outcome: 'refused', reason: 'You said no at North Bank.' });
    const { id, state } = await app.started();
    const answer = await app.complete(id, {
      state,
      error: 'access_denied',
      error_description: 'no',
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { data: { id, status: 'error', errorDescription: 'You said no at North Bank.' } },
    });
    expect(answer.body.data.connectionId).toBeUndefined();
    const history = await api.get('/consent-history', api.issue('consent_history:read'));
    expect(history.body.data).toMatchObject([
      { authorizationRequestId: id, consentStatus: 'Rejected', erroredAt: app.later(0) },
    ]);
  });

  test('with a code that the bank does not take ends it, and withdraws what it may have given', async () => {
    api.bank.answer = () =>
      Promise.reject(new InstitutionError('unavailable', 'no answer in time'));
    const { id, state } = await app.started();
    const answer = await app.complete(id, { state, code: 'c' });
    expect(answer.body.data).toMatchObject({
      status: 'error',
      errorDescription: 'no answer in time',
    });
    expect((await app.complete(id, { state, code: 'c' })).body).toEqual(answer.body);
    await eventually(() => expect(api.bank.revoked).toEqual([{ visit: 1 }]));
  });

  test('the same again gets the same answer; the bank is asked once', async () => {
    let asked = 0;
    api.bank.answer = async () => {
      asked += 1;
      return { outcome: 'authorised', authorization: {} };
    };
    const { id, state } = await app.started();
    const first = await app.complete(id, { state, code: 'c' });
    expect((await app.complete(id, { state, code: 'c' })).body).toEqual(first.body);
    const headers = { 'idempotency-key': 'done-1' };
    for (let time = 0; time < 2; time++) {
      expect((await app.complete(id, { state, code: 'c' }, { headers })).body).toEqual(first.body);
    }
    expect(asked).toBe(1);
  });

  test('of many at once one is done, under one key or none', async () => {
    const slow = Promise.withResolvers<void>();
    let asked = 0;
    api.bank.answer = async () => {
      asked += 1;
      await slow.promise;
      return { outcome: 'authorised', authorization: {} };
    };
    const { id, state } = await app.started();
    const first = app.complete(id, { state, code: 'c' });
    await eventually(() => expect(asked).toBe(1));
    const second = await app.complete(id, { state, code: 'c' });
    expect(second).toMatchObject({
      status: 409,
      body: refusal('Conflict', 'The same completion is under way'),
    });
    expect(second.headers['retry-after']).toBe('1');
    slow.resolve();
    const done = await first;
    expect(done.body.data.status).toBe('complete');
    expect((await app.complete(id, { state, code: 'c' })).body).toEqual(done.body);
    const all = await app.started();
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => app.complete(all.id, { state: all.state, code: 'c' })),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect(asked).toBe(2);
  });

  test('a repetition with its key takes nothing from a completion that a slow bank holds up', async () => {
    const slow = Promise.withResolvers<void>();
    let asked = 0;
    api.bank.answer = async () => {
      asked += 1;
      await slow.promise;
      return { outcome: 'authorised', authorization: {} };
    };
    const { id, state } = await app.started();
    const send = () =>
      app.complete(id, { state, code: 'c' }, { headers: { 'idempotency-key': 'k' } });
    const first = send();
    await eventually(() => expect(asked).toBe(1));
    for (const seconds of [61, 58]) {
      api.clock.advance(seconds);
      expect((await send()).status).toBe(409);
    }
    slow.resolve();
    const done = await first;
    expect(done).toMatchObject({ status: 200, body: { data: { status: 'complete' } } });
    expect((await send()).body).toEqual(done.body);
    expect(api.bank.revoked).toEqual([]);
  });

  test('another answer is refused and changes nothing', async () => {
    const { id, state } = await app.started();
    await app.complete(id, { state, code: 'c' });
    const before = await app.stored(id);
    for (const authParams of [
      { state, code: 'other' },
      { state, error: 'access_denied' },
    ]) {
      expect(await app.complete(id, authParams)).toMatchObject({
        status: 409,
        body: refusal('Conflict', 'It was completed with another answer before'),
      });
    }
    expect(await app.stored(id)).toEqual(before);
  });

  test.each([
    [
      'a foreign state',
      { state: 'x', code: 'c' },
      'authParams.state does not belong to this auth request',
    ],
    ['no state', { code: 'c' }, 'authParams.state does not belong to this auth request'],
    ['neither code nor error', {}, 'authParams must hold either code or error'],
    ['both', { code: 'c', error: 'e' }, 'authParams must hold either code or error'],
    ['an empty code', { code: '' }, 'authParams must hold either code or error'],
    [
      'another issuer',
      { code: 'c', iss: 'https://evil.example' },
      'authParams.iss is not the issuer of this bank',
    ],
  ])('is refused for %s, and can still be done', async (_name, authParams, message) => {
    const { id, state } = await app.started();
    const before = await app.stored(id);
    const isStateless = message.startsWith('authParams.state');
    const answer = await app.complete(id, isStateless ? authParams : { state, ...authParams });
    expect(answer).toMatchObject({ status: 400, body: refusal('BadRequest', message) });
    expect(await app.stored(id)).toEqual(before);
    expect((await app.complete(id, { state, code: 'c' })).body.data.status).toBe('complete');
  });

  test("there is none of another client's, and none unknown", async () => {
    const { id, state } = await app.started();
    const missing = { status: 404, body: refusal('NotFound', 'There is no such auth request') };
    const token = app.writer('narrow');
    expect(await app.complete(id, { state, code: 'c' }, { token })).toMatchObject(missing);
    expect(await app.complete('unknown', { state, code: 'c' })).toMatchObject(missing);
    expect((await app.complete(id, { state, code: 'c' }, { token: app.reader() })).status).toBe(
      403,
    );
    const nothing = await api.call('patch', `/auth-requests/${id}`, app.writer(), {});
    expect(nothing.body).toMatchObject({ code: 'BadRequest' });
    expect((await app.stored(id))?.status).toBe('pending');
  });

  test('a user who was deleted meanwhile gets no connection', async () => {
    const { id, state, data } = await app.started();
    await api.call('delete', `/users/${data.userId}`, api.issue('user:delete'));
    const answer = await app.complete(id, { state, code: 'c' });
    expect(answer.body.data.status).toBe('error');
    expect((await app.complete(id, { state, code: 'c' })).body).toEqual(answer.body);
    await eventually(() => expect(api.bank.revoked).toContainEqual({ visit: 1 }));
    expect(await api.storage.count(connections, 'user', data.userId)).toBe(0);
  });
});

describe('what nobody comes for', () => {
  test('has failed after an hour, and is withdrawn at the bank', async () => {
    api.doJobs();
    const { id, state } = await app.started();
    api.clock.advance(3601);
    const shown = await api.get(`/auth-requests/${id}`, app.reader());
    expect(shown.body.data).toMatchObject({
      status: 'error',
      errorDescription: 'Nobody completed it in time',
    });
    expect(await app.complete(id, { state, code: 'c' })).toMatchObject({
      status: 409,
      body: refusal('Conflict', 'It has expired: the person must begin again'),
    });
    await eventually(async () => expect((await app.stored(id))?.visit).toBeUndefined());
    await eventually(() => expect(api.bank.revoked).toEqual([{ visit: 1 }]));
    const history = await api.get('/consent-history', api.issue('consent_history:read'));
    expect(history.body.data).toMatchObject([{ consentStatus: 'Rejected' }]);
  });

  test('a process that died while completing it leaves nothing at the bank', async () => {
    const never = Promise.withResolvers<never>();
    let asked = 0;
    api.bank.answer = () => {
      asked += 1;
      return never.promise;
    };
    const { id, state } = await app.started();
    const first = app.complete(id, { state, code: 'c' }).catch(() => undefined);
    await eventually(() => expect(asked).toBe(1));
    expect((await app.complete(id, { state, code: 'c' })).status).toBe(409);
    api.clock.advance(121);
    const answer = await app.complete(id, { state, code: 'c' });
    expect(answer.body.data).toMatchObject({
      status: 'error',
      errorDescription: 'Its completion was interrupted: the person must begin again',
    });
    expect(asked).toBe(1);
    await eventually(() => expect(api.bank.revoked).toEqual([{ visit: 1 }]));
    never.reject(new InstitutionError('unavailable', 'gone'));
    await first;
    expect((await app.complete(id, { state, code: 'c' })).body).toEqual(answer.body);
  });
});
